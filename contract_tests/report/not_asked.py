"""What was not asked or judged, in the same words in every form: a selection left it out, or nothing could be."""

from __future__ import annotations

from contract_tests.report.document import RUN, Document
from contract_tests.report.findings import some
from contract_tests.run.outcome import REACHED
from fake_server.wire.text import printable, shorten

_LONGEST = 80
"""Characters of a word of the command line."""


def count_left_out(document: Document) -> int:
    """How many cases were not asked, or exchanges not judged, because of a selection."""
    return sum(document["selection"]["left_out"].values()) if "selection" in document else 0


def describe_selection(document: Document) -> str:
    """`--select chat.short: 3 of 412 cases were asked`; '' where all was asked, or nobody knows."""
    if "selection" not in document:
        return ""
    by = some([shorten(" ".join(printable(text).split()), _LONGEST) for text in document["selection"]["by"]])
    whole = document["summary"]["total"]["coverage"]["of"]
    asked = f"{whole - count_left_out(document):,} of {whole:,}"
    if document["format"] == RUN:
        return f"{by}: {asked} cases were asked"
    has_rules = any(text.startswith("--select") for text in document["selection"]["by"])
    return f"{by}: {asked} exchanges were judged{', by the selected rules alone' if has_rules else ''}"


def why_no_verdict(document: Document) -> str:
    """Why there is neither a pass nor a fail: what stopped it, else what the first case that was not reached says."""
    if document["verdict"] in ("pass", "fail"):
        return ""
    if why := why_not_judged(document):
        return f"not judged: {why}"
    if stopped := " ".join(printable(document.get("stopped", "")).split()):
        return f"stopped: {stopped}"
    cases = document["cases"] if document["format"] == RUN else []
    wanted = [case for case in cases if case["outcome"] == "harness failed"] or [
        case for case in cases if case["outcome"] not in REACHED
    ]
    if not wanted:
        return "not all was judged"
    first = f"{wanted[0]['outcome']}: {' '.join(printable(wanted[0]['reason']).split())}"
    return f"{some([case['id'] for case in wanted], 3)} {first}"


def why_not_judged(document: Document) -> str:
    """Why nothing was asked or judged at all, so that no number says anything; '' where something was."""
    if document["verdict"] in ("pass", "fail"):
        return ""
    if document["cases"] if document["format"] == RUN else document["exchanges"]:
        return ""
    return " ".join(printable(document.get("stopped", "")).split()) or "nothing was asked"
