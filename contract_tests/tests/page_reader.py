"""Reads an HTML page as a browser would, and the texts that must not become part of one."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from contract_tests.report.html.diff import format_diff
from contract_tests.report.html.page import format_html

HOSTILE = (
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' autofocus onfocus=alert(1) x='",
    "</title></style></pre></svg><svg onload=alert(1)>",
    "<!-- --!> <![CDATA[ ]]> <?php ?>",
    "{{ 7 * 7 }}{% raw %}{# #}",
    "javascript:alert(1)",
    "\u202emoc.live\u2066\u200b\ufeff",
    "\x00\x07\x1b[31m\x85\x9b",
    "\ud800 half",
    "&lt;b&gt; &#x3c;script&#x3e;",
    "x" * 1_900,
    "`</code>`<b>`",
)


class Reader(HTMLParser):
    """The elements of a page with the names of their attributes, their addresses, and its texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.addresses: list[str] = []
        self.ids: list[str] = []
        self.texts: list[str] = []
        self.code: list[str] = []
        self._inside = ""
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _ in attrs)))
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "data")]
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self._inside = tag

    def handle_endtag(self, tag: str) -> None:
        self._inside = ""

    def handle_data(self, data: str) -> None:
        (self.code if self._inside in ("script", "style") else self.texts).append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())


def make_page(document: Any) -> str:
    """The page of a report or of a comparison."""
    return format_diff(document) if "same" in document else format_html(document)


def read(document: Any) -> Reader:
    return Reader(make_page(document))
