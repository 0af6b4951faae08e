"""The text of an item, as EWS is given what Exchange keeps."""

from __future__ import annotations

from marketplace_plugin.sandbox import exchange_html


def rewritten(content: str, content_type: str) -> str:
    """The HTML that is kept of a body of a request (HTML or Text); empty stays empty."""
    if content_type == "Text":
        return exchange_html.kept_text(content, '<div class="PlainText">')
    return exchange_html.kept_html(content)
