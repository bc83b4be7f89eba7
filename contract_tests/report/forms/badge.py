"""A badge: the verdict and the two numbers, as an image of its own and for shields.io's endpoint."""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

from contract_tests.report.document import Document, tolerated_in
from contract_tests.report.forms.parts import (
    describe_conformance,
    describe_coverage,
    format_percent,
)
from contract_tests.report.not_asked import describe_selection, why_not_judged
from contract_tests.rules.engine.judge import Level
from fake_server.wire.text import dump_json

LABEL = "OpenAI contract"
TOLERATED = "tolerated"
COLOURS = {"pass": "#1b6e2d", TOLERATED: "#7a5600", "fail": "#a8201a"}
"""White text on each has a contrast of 6 or more; what says the verdict is the text."""
_NO_VERDICT = "#555"
_NAMES = {"pass": "brightgreen", TOLERATED: "yellow", "fail": "red"}
_NARROW, _WIDE = "fijlrtI.,:;|!'()[] ·1", "mwMW%@"
_HEIGHT, _PADDING = 20, 6


def format_badge(document: Document) -> str:
    """The badge as SVG: no script, no font and no address, and a title for those who do not see it."""
    message = _message(document)
    parts = [describe_conformance(document), describe_coverage(document), describe_selection(document)]
    parts = [why] if (why := why_not_judged(document)) else parts
    title = f"{LABEL}: {message} ({'; '.join(filter(None, parts))})"
    left, right = (_width(text) + 2 * _PADDING for text in (LABEL, message))
    colour = COLOURS.get(_state(document), _NO_VERDICT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{left + right}" height="{_HEIGHT}" role="img" '
        f"aria-label={quoteattr(title)}>\n"
        f"<title>{escape(title)}</title>\n"
        f'<clipPath id="r"><rect width="{left + right}" height="{_HEIGHT}" rx="3"/></clipPath>\n'
        '<g clip-path="url(#r)">'
        f'<rect width="{left}" height="{_HEIGHT}" fill="#333"/>'
        f'<rect x="{left}" width="{right}" height="{_HEIGHT}" fill="{colour}"/></g>\n'
        '<g fill="#fff" font-family="Verdana,Geneva,DejaVu Sans,sans-serif" font-size="11" aria-hidden="true">\n'
        f"{_text(LABEL, _PADDING)}\n{_text(message, left + _PADDING)}\n</g>\n</svg>\n"
    )


def format_shields(document: Document) -> str:
    """What shields.io reads at the address of an endpoint badge."""
    state = _state(document)
    value = {
        "schemaVersion": 1,
        "label": LABEL,
        "message": _message(document),
        "color": _NAMES.get(state, "lightgrey"),
        "isError": state not in _NAMES,
    }
    return dump_json(value)


def _state(document: Document) -> str:
    """The verdict; TOLERATED for a pass that tolerates MUST findings: it is not as green as one without."""
    is_right = all(finding["level"] != Level.MUST for finding in tolerated_in(document))
    return document["verdict"] if is_right or document["verdict"] != "pass" else TOLERATED


def _message(document: Document) -> str:
    """`pass · 98.2% conformance · 90% coverage`."""
    total = document["summary"]["total"]
    numbers = ((total["conformance"], "conformance"), (total["coverage"], "coverage"))
    if why_not_judged(document):
        return "not judged"
    more = ["a selection"] if "selection" in document else []
    tolerated = document["summary"]["tolerated"]
    verdict = document["verdict"] + (f", {tolerated:,} tolerated" if tolerated else "")
    return " · ".join([verdict, *(f"{format_percent(share)} {name}" for share, name in numbers), *more])


def _width(text: str) -> int:
    """About how many pixels the text takes in Verdana of 11 pixels; `textLength` makes it exact."""
    return round(sum(4.2 if char in _NARROW else 9.6 if char in _WIDE else 6.9 for char in text))


def _text(text: str, x: int) -> str:
    return f'<text x="{x}" y="14" textLength="{_width(text)}" lengthAdjust="spacingAndGlyphs">{escape(text)}</text>'
