"""Strangers' text in Markdown: a parser must see plain text and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from shared.domain.artifacts import Runbook, RunbookSection
from shared.domain.markdown import code, escape, quote
from tests.properties import examples

_PARSERS = {
    "commonmark": MarkdownIt("commonmark"),
    "GitHub": MarkdownIt("gfm-like", {"linkify": False}),
}
_EACH_PARSER = pytest.mark.parametrize("parser", _PARSERS.values(), ids=_PARSERS)

HOSTILE = (
    "# a heading",
    "####### seven",
    "- a bullet",
    "+ a bullet",
    "* a bullet",
    "> a quote",
    "***",
    "---",
    "___",
    "```\nfenced\n```",
    "~~~\nfenced",
    "    indented",
    "`code`",
    "**bold** and _thin_ and ~~gone~~",
    "[a link](https://evil.example)",
    "![an image](https://evil.example/x.png)",
    "[a reference]: https://evil.example",
    "<https://evil.example>",
    "<script>alert(1)</script>",
    "<!-- hidden -->",
    "| a | table |\n|---|---|\n| b | c |",
    "a title\n====",
    "a title\n----",
    "hard  \nbreak",
    "hard\\\nbreak",
    "\\# already escaped",
    "\\\\[x](y)",
    "a\\",
    "- [ ] a task",
    "\u2028# after a line separator",
    "a\x00b",
)
_MARKS = st.text(st.sampled_from("\\`*_[]<>#|~!()-+:/.'\"{}$^ \n\tabé"), max_size=40)


def _plain(tokens: list[Token]) -> str | None:
    """Give the text of a single paragraph that holds text alone; None for anything else."""
    if [token.type for token in tokens] != ["paragraph_open", "inline", "paragraph_close"]:
        return None
    children = tokens[1].children or []
    return "".join(child.content for child in children) if {c.type for c in children} <= {"text"} else None


def _flat(text: str) -> str:
    return " ".join(text.replace("\x00", "\ufffd").split())


@_EACH_PARSER
@pytest.mark.parametrize("text", HOSTILE)
def test_no_markup_survives_escaping_and_the_text_reads_as_before(parser: MarkdownIt, text: str) -> None:
    assert _plain(parser.parse(escape(text))) == _flat(text)


@_EACH_PARSER
@examples(300)
@given(text=_MARKS.filter(str.strip))
def test_no_marks_in_any_order_survive_escaping(parser: MarkdownIt, text: str) -> None:
    assert _plain(parser.parse(escape(text))) == _flat(text)


def test_escaped_text_stands_on_one_line() -> None:
    assert escape("a\nb\r\nc\u2028d\x0be") == "a b c d e"


@_EACH_PARSER
@pytest.mark.parametrize("text", [text for text in HOSTILE if "=" not in text])
def test_no_markup_survives_in_a_quote(parser: MarkdownIt, text: str) -> None:
    tokens = parser.parse(f"Before.\n\n{quote(text)}\n\nAfter.")

    inside = tokens[4:-4]
    assert tokens[3].type == "blockquote_open"
    assert tokens[-4].type == "blockquote_close"
    assert [token.type for token in inside] == ["paragraph_open", "inline", "paragraph_close"]
    assert {child.type for child in inside[1].children or []} <= {"text", "softbreak"}


@_EACH_PARSER
@examples(200)
@given(text=_MARKS.filter(str.strip))
def test_every_line_of_a_quote_stays_in_it_as_text(parser: MarkdownIt, text: str) -> None:
    tokens = parser.parse(quote(text))

    assert [token.type for token in tokens] == [
        "blockquote_open",
        "paragraph_open",
        "inline",
        "paragraph_close",
        "blockquote_close",
    ]
    children = tokens[2].children or []
    lines = "".join("\n" if child.type == "softbreak" else child.content for child in children).split("\n")
    assert {child.type for child in children} <= {"text", "softbreak"}
    assert lines == [_flat(line) for line in text.splitlines() if line.strip()]


def test_nothing_quoted_is_nothing() -> None:
    assert quote("") == quote(" \n\t\n") == ""


@_EACH_PARSER
@examples(300)
@given(text=st.text(st.sampled_from("`\\*<&;a1 \n"), max_size=20).filter(str.strip))
def test_code_shows_any_text_whole(parser: MarkdownIt, text: str) -> None:
    [_, inline, _] = parser.parse(f"See {code(text)} there.")

    assert [(child.type, child.content) for child in inline.children or []] == [
        ("text", "See "),
        ("code_inline", _flat(text)),
        ("text", " there."),
    ]


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    assert code("get_order") == "`get_order`"
    assert code("a``b`c") == "```a``b`c```"
    assert code("`x`") == "`` `x` ``"


def test_a_runbook_is_its_headings_and_bodies() -> None:
    runbook = Runbook(
        title="Refunds fail",
        sections=(
            RunbookSection(heading="Confirm", body="1. Look."),
            RunbookSection(heading="Mend", body="2. Act."),
        ),
    )

    assert runbook.markdown == "# Refunds fail\n\n## Confirm\n\n1. Look.\n\n## Mend\n\n2. Act.\n"
