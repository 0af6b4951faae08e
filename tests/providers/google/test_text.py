"""Descriptions: HTML as it is read, text as it is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from marketplace_plugin.model.form.canonical import normal_text, same
from marketplace_plugin.providers.google.shape import encode
from marketplace_plugin.providers.google.shape.text import marked_up, plain
from tests.providers.google.messages import event

# --- descriptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "html, shown",
    [
        ("no markup, 1 < 2 & 3 > 2", "no markup, 1 < 2 & 3 > 2"),
        ("<b>bold</b> &amp; <i>thin</i><br/>next&nbsp;line", "bold & thin\nnext line"),
        ("<p>one</p><p>two</p>", "one\ntwo\n"),
        ("<ul><li>a</li><li>b</li></ul>", "- a\n- b\n"),
        ('see <a href="https://x.example/?a=1&amp;b=2">here</a>', "see here (https://x.example/?a=1&b=2)"),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ("a<script>alert(1)</script>b", "ab"),
        ("<unknown>stays</unknown><br>", "<unknown>stays</unknown>\n"),
        ("line\r\nline", "line\nline"),
    ],
)
def test_html_becomes_the_text_that_a_reader_sees(html: str, shown: str) -> None:
    assert plain(html) == shown


@given(st.text(alphabet=st.sampled_from("ab <>/&;#x10\n\r'\"=brp")) | st.text())
def test_text_survives_being_marked_up(text: str) -> None:
    assert plain(marked_up(text)) == text.replace("\r\n", "\n").replace("\r", "\n")


@given(st.text(alphabet=st.sampled_from("ab <>/&;\nbrp")))
def test_a_server_that_writes_breaks_changes_nothing(text: str) -> None:
    echoed = "<br>".join(line.rstrip() for line in marked_up(text).split("\n"))
    assert normal_text(plain(echoed)) == normal_text(text)


def test_what_comes_back_as_sent_is_the_same() -> None:
    ours = replace(event(), title="T", description="a <b> & c\nd", location="L", reminder=None)
    body = encode.fields(ours, encode.COPIED, patch=False)
    assert same(event(**body), ours)
