"""Makes the page: what the templates show of a document, and the policy that lets nothing else run or load."""

from __future__ import annotations

import base64
import hashlib
import re
from collections import Counter
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from markupsafe import Markup, escape

from contract_tests.report.findings import MARKS
from contract_tests.report.html import words
from contract_tests.report.html.groups import group_findings, place_of
from contract_tests.report.html.streams import streams_of
from contract_tests.run.outcome import Outcome
from fake_server.wire.text import printable, shorten

if TYPE_CHECKING:
    from jinja2 import Environment

HERE = Path(__file__).resolve().parent
SYMBOLS = {
    "pass": "✓",
    "warn": "!",
    "fail": "✗",
    "unsupported": "○",
    "not reached": "–",
    "setup failed": "△",
    "harness failed": "◆",
}
"""What stands beside each colour, so that the colour is never alone."""
MEANINGS = {
    "pass": "no findings",
    "warn": "only SHOULD findings, or tolerated ones",
    "fail": "at least one MUST finding",
    "unsupported": "the target says that it does not have this: it lowers coverage, never conformance",
    "not reached": "not asked, or not to the end: it says nothing about the target",
    "setup failed": "what the case needs first did not work",
    "harness failed": "the kit itself failed",
}
MOST_CONSPICUOUS = 12
"""Streams that are shown on their own; all are with their cases."""


def render(template: str, **values: Any) -> str:
    """A page of one of the templates in this folder."""
    return _environment().get_template(template).render(**values)


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined  # most commands write no page

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_show,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = (Markup((HERE / name).read_text("utf-8")) for name in ("page.css", "page.js"))  # noqa: S704
    environment.globals |= {
        "style": style,
        "script": script,
        "policy": _policy(style, script),
        "symbols": SYMBOLS | {str(level): mark for level, mark in MARKS.items()},
        "meanings": MEANINGS,
        "count": words.number,
    }
    environment.filters |= {
        "anchor": anchor,
        "link": link,
        "prose": prose,
        "percent": words.percent,
        "seconds": words.seconds,
        "bytes": words.size,
        "place": place_of,
        "shorten": shorten,
    }
    return environment


def _show(value: Any) -> Any:
    """A value as it may stand on the page: nothing that is invisible or turns the direction of a line."""
    return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _policy(style: str, script: str) -> str:
    """The Content-Security-Policy: the style and the script of this page, and nothing else from anywhere."""
    hashes = [
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'" for text in (style, script)
    ]
    return (
        f"default-src 'none'; style-src {hashes[0]}; script-src {hashes[1]}; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


def anchor(name: str) -> str:
    """A name as the id of an element: rules and cases keep theirs, so that links to them last."""
    return re.sub("[^A-Za-z0-9._-]", "-", name)[:100]


def prose(text: str) -> Markup:
    """A sentence, with what stands in backticks as code."""
    parts = printable(text).split("`")
    pairs = enumerate(parts if len(parts) % 2 else [text])
    return Markup().join(
        Markup("<code>{}</code>").format(part) if number % 2 else escape(part) for number, part in pairs
    )


def link(url: str) -> str:
    """An address that may be followed, '' for others: a report could name a script."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    return url if parts.scheme in ("http", "https") and parts.hostname and not re.search(r"[\s\"'<>]", url) else ""


def format_html(document: Mapping[str, Any]) -> str:
    """The page of a run or of a judgement of recordings."""
    is_run = "cases" in document
    cases = document["cases"] if is_run else []
    exchanges = [shown for case in cases for shown in case.get("exchanges", ())]
    exchanges += document.get("exchanges_with_findings", ())
    streams = streams_of(exchanges)
    drawn = {id(stream.exchange): stream for stream in streams}
    groups, tolerated = (
        group_findings(_listed(document, name), exchanges, document, drawn) for name in ("findings", "tolerated")
    )
    unit = "case" if is_run else "recording"
    values = {
        "report": document,
        "summary": document["summary"],
        "groups": groups,
        "tolerated": tolerated,
        "streams": streams,
        "conspicuous": sorted((s for s in streams if s.alarm), key=lambda s: -s.alarm)[:MOST_CONSPICUOUS],
        "shapes": Counter(stream.shape for stream in streams),
        "by_exchange": lambda shown: drawn.get(id(shown)),
        "outcomes": [outcome.value for outcome in Outcome if any(case["outcome"] == outcome for case in cases)],
        "counts": {its.value: of[its] for its in Outcome if (of := Counter(case["outcome"] for case in cases))[its]},
        "unjudged": _unjudged(cases),
        "worst": groups[0] if groups and groups[0].level != "NOTE" else None,
        "is_run": is_run,
        "case_ids": {case["id"] for case in cases},
        "unit": unit,
        **words.sentences(document, groups, unit),
    }
    return render("run.html" if is_run else "judgement.html", **values)


def _listed(document: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [finding for part in document.get("cases", (document,)) for finding in part.get(name, ())]


def _unjudged(cases: list[dict[str, Any]]) -> list[tuple[str, str, list[str]]]:
    """The cases that have no verdict: outcome, reason, ids."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for case in cases:
        if case["outcome"] not in ("pass", "warn", "fail"):
            reasons.setdefault((case["outcome"], case["reason"]), []).append(case["id"])
    return [(outcome, reason, ids) for (outcome, reason), ids in reasons.items()]
