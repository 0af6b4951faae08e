"""The text of an event, as Graph shows what Exchange keeps."""

from __future__ import annotations

from marketplace_plugin.sandbox import exchange_html
from marketplace_plugin.sandbox.exchange_html import as_text

PREVIEW = 255


def rewritten(content: str, content_type: str) -> str:
    """The HTML that is kept of a body of a request (html or text); empty stays empty."""
    if content_type == "text":
        return exchange_html.kept_text(content, "<div>")
    return exchange_html.kept_html(content)


def preview(content: str) -> str:
    """bodyPreview."""
    return as_text(content).strip()[:PREVIEW]


def with_meeting(content: str, join_url: str) -> str:
    """The body with the blob of an online meeting at its end."""
    inner = exchange_html.inner(content).strip()
    blob = (
        '<div class="me-email-text" lang="de-DE">________________________________<br>\r\n'
        f'<a class="me-email-link" href="{join_url}">Microsoft Teams</a><br>\r\n'
        f"{join_url}<br>\r\n________________________________</div>"
    )
    return exchange_html.framed(f"{inner}\r\n{blob}" if inner else blob)
