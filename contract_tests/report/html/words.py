"""The sentences of the page, and its numbers with their units."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, cast

from contract_tests.report.document import Document
from contract_tests.report.findings import count
from contract_tests.report.html.groups import LEVELS, Group
from contract_tests.report.not_asked import count_left_out, describe_selection, why_no_verdict, why_not_judged


def sentences(report: Mapping[str, Any], groups: Iterable[Group], unit: str) -> dict[str, Any]:
    """What the head of the page says: of the verdict, of both numbers, of the findings, and the facts of the run."""
    levels: dict[str, list[int]] = {}
    for group in groups:
        counts = levels.setdefault(group.level, [0, 0])
        counts[0] += len(group.findings)
        counts[1] += 1
    found = ", ".join(
        f"{count(levels[level][0], f'{level} finding')} of {count(levels[level][1], 'rule')}"
        for level in LEVELS
        if level in levels
    )
    total = report["summary"]["total"]
    return {
        "is_judged": not why_not_judged(cast(Document, report)),
        "found": found or "none",
        "sentence": _verdict(report, found),
        "facts": [(name, value) for name, value in _facts(report) if value],
        "covered": _covered(report, total["coverage"], unit),
        "conforming": _conforming(total["conformance"], unit),
    }


def _verdict(report: Mapping[str, Any], found: str) -> str:
    tolerated = report["summary"]["tolerated"]
    more = f" ({count(tolerated, 'finding')} tolerated)" if tolerated else ""
    if why := why_not_judged(cast(Document, report)):
        return f"Not judged, so this says nothing about the target: {why}"
    match report["verdict"]:
        case "pass":
            return f"No finding that fails: {found}{more}." if found else f"No findings{more}."
        case "fail":
            return f"{found or 'What is required is missing'}{more}."
        case "harness failed":
            return f"The kit itself failed: this says nothing about the target. {found}".strip()
        case _:
            why = "The run was stopped" if report.get("stopped") else "Too little was reached"
            rest = "" if report.get("stopped") else f" ({why_no_verdict(cast(Document, report))})"
            return f"{why}{rest}, so that there is no verdict; this is no pass. {found}".strip()


def _covered(report: Mapping[str, Any], share: Mapping[str, Any], unit: str) -> str:
    left_out = count_left_out(cast(Document, report))
    if "cases" not in report:
        rest = f"; {left_out:,} left out by a selection" if left_out else ""
        return f"{share['count']:,} of {share['of']:,} recordings have content that a rule is about{rest}"
    outcomes = Counter(case["outcome"] for case in report["cases"])
    missing = [f"{outcomes[name]} {name}" for name in outcomes if name not in ("pass", "warn", "fail")]
    missing += [f"{left_out:,} left out by a selection"] if left_out else []
    rest = f"; {', '.join(missing)}" if missing else ""
    return f"{share['count']:,} of {count(share['of'], unit)} reached{rest}"


def _conforming(share: Mapping[str, Any], unit: str) -> str:
    if not share["of"]:
        return "nothing was reached that could be right" if unit == "case" else "this report does not say"
    return f"{share['count']:,} of {share['of']:,} {'reached' if unit == 'case' else 'judged'} {unit}s keep every MUST"


def _facts(report: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "model", report.get("model", "")
    yield from report.get("server", {}).items()
    yield "started", report.get("started", "").replace("T", " ").replace("+00:00", " UTC")
    if "cases" in report:
        yield "took", seconds(report["seconds"])
        yield "requests", f"{report['requests']:,}"
    yield "exit code", str(report["exit_code"])
    yield "selected", describe_selection(cast(Document, report))


def number(count: int, noun: str, plural: str = "") -> str:
    """'1 reply', '2,000 replies'."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def percent(value: float | None) -> str:
    """99.9 as `99.9 %`, 100.0 as `100 %`, None as `–`."""
    return "–" if value is None else f"{value:g} %"


def seconds(value: float | None) -> str:
    """A time: `12 ms`, `1.24 s`."""
    if value is None:
        return "–"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def size(value: int | None) -> str:
    """A size: `612 bytes`, `6.2 kB`."""
    if value is None:
        return "–"
    return (
        count(value, "byte") if value < 1000 else f"{value / 1000:.1f} kB" if value < 1e6 else f"{value / 1e6:.1f} MB"
    )
