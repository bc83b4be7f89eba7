"""The findings as SARIF 2.1.0, for code scanning.

A result keeps its fingerprints from run to run: rule, case and path in the JSON make them, not events and bytes. Its
location is the saved exchange, else the file of options, else a path that only names the case; what a target says is
in messages, escaped as the format wants it (`{` doubled, no embedded link).
https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from itertools import chain, islice
from pathlib import Path, PurePosixPath
from typing import Any, cast
from urllib.parse import quote

from contract_tests.report.document import RUN, Document, FindingIn, ToleratedIn, findings_in, tolerated_in
from contract_tests.report.findings import count, format_place
from contract_tests.report.forms.parts import one_line
from contract_tests.report.not_asked import describe_selection, why_no_verdict
from contract_tests.rules.engine.judge import Level
from contract_tests.rules.engine.node import show_path
from fake_server.wire.text import dump_json

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
MOST = 5_000
"""Results; GitHub shows no more of a run and refuses 25,000. MUST findings come first."""
_MOST_NOTES = 100
LEVELS = {Level.MUST: "error", Level.SHOULD: "warning", Level.NOTE: "note"}
_URI = re.compile(r"https?://[A-Za-z0-9][\w.~/#?&=%+:-]*", re.ASCII)
_VERSION = re.compile(r"\d[\w.+-]{0,40}", re.ASCII)
_INFORMATION = "https://platform.openai.com/docs/api-reference"


def format_sarif(document: Document) -> str:
    """The findings as SARIF; tolerated ones are suppressed results, with the reason."""
    listed, left_out = _chosen(document)
    rules = {finding["rule"]: finding for finding in reversed(listed)}
    order = {rule: index for index, rule in enumerate(sorted(rules))}
    seen: Counter[str] = Counter()
    run = {
        "tool": {
            "driver": {
                "name": "openai-contract-kit",
                "version": kit if _VERSION.fullmatch(kit := document.get("kit", "")) else "0",
                "informationUri": _INFORMATION,
                "rules": [_rule(rules[rule]) for rule in order],
            }
        },
        "automationDetails": {"id": "openai-contract/"},
        "invocations": [_invocation(document, left_out)],
        "results": [_result(document, finding, order[finding["rule"]], seen) for finding in listed],
        "columnKind": "unicodeCodePoints",
        "properties": {name: document[name] for name in ("verdict", "summary", "selection") if name in document},
    }
    return dump_json({"$schema": SCHEMA, "version": "2.1.0", "runs": [run]})


def _chosen(document: Document) -> tuple[list[FindingIn], int]:
    """The findings that are told, MUST first and tolerated ones last, and how many are not."""
    levels = list(Level)
    counting = sorted(findings_in(document), key=lambda finding: levels.index(Level(finding["level"])))
    everything: Iterable[FindingIn] = chain(counting, tolerated_in(document))
    listed = list(islice(everything, MOST))
    return listed, len(counting) + document["summary"]["tolerated"] - len(listed)


def _invocation(document: Document, left_out: int) -> dict[str, Any]:
    stopped = document.get("stopped", "")
    why = why_no_verdict(document) or (f"stopped: {stopped}" if stopped else "")
    errors = [one_line(why)] if why else []
    texts = document["notes"] if document["format"] == RUN else document["surprises"]
    notes = [one_line(text) for text in texts[:_MOST_NOTES]]
    if len(texts) > _MOST_NOTES:
        notes.append(f"{count(len(texts) - _MOST_NOTES, 'more note')}; the JSON report has all")
    if selection := describe_selection(document):
        notes.append(f"not everything was selected: {selection}")
    if left_out:
        notes.append(f"{count(left_out, 'finding')} had no room here; the JSON report has all.")
    return {
        "executionSuccessful": document["verdict"] in ("pass", "fail"),
        "exitCode": document["exit_code"],
        "toolExecutionNotifications": [
            *({"level": "error", "message": {"text": _message(text)}} for text in errors),
            *({"level": "note", "message": {"text": _message(text)}} for text in notes),
        ],
    }


def _rule(finding: FindingIn) -> dict[str, Any]:
    """What is to be known of a rule, as one of its findings tells it."""
    clause, breaks = one_line(finding["clause"], 1_000) or _rule_id(finding), one_line(finding["breaks"], 1_000)
    text = " ".join(filter(None, (clause, breaks and f"What breaks: {breaks}.")))
    rule = {
        "id": _rule_id(finding),
        "shortDescription": {"text": clause},
        "fullDescription": {"text": clause},
        "help": {"text": text, "markdown": _literally(text)},
        "defaultConfiguration": {"level": LEVELS[Level(finding["level"])]},
        "properties": {"tags": ["openai", one_line(finding["rule"].rpartition(".")[0], 100) or "rule"]},
    }
    return rule | ({"helpUri": finding["see"]} if _URI.fullmatch(finding["see"]) else {})


def _result(document: Document, finding: FindingIn, index: int, seen: Counter[str]) -> dict[str, Any]:
    path = re.sub(r"\[\d+\]", "[*]", show_path(tuple(finding["at"]["path"])))
    identity = hashlib.sha256("\0".join((finding["rule"], finding["in"], path)).encode()).hexdigest()
    seen[identity] += 1
    result = {
        "ruleId": _rule_id(finding),
        "ruleIndex": index,
        "level": LEVELS[Level(finding["level"])],
        "message": {"text": _message(_describe(finding))},
        "locations": [_location(document, finding)],
        "partialFingerprints": {
            "primaryLocationLineHash": f"{identity[:16]}:{seen[identity]}",  # the one that GitHub reads
            "openaiContractFinding/v1": f"{identity}:{seen[identity]}",
        },
    }
    if "tolerated" not in finding:
        return result
    entry = cast(ToleratedIn, finding)["tolerated"]
    justification = f"{entry['by']}: {entry['reason']}" + (f" ({entry['link']})" if entry["link"] else "")
    suppression = {"kind": "external", "status": "accepted", "justification": one_line(justification)}
    return {**result, "suppressions": [suppression]}


def _rule_id(finding: FindingIn) -> str:
    return one_line(finding["rule"], 200) or "unnamed"


def _describe(finding: FindingIn) -> str:
    rows = {"Actual": finding["actual"], "expected": finding["expected"], "at": format_place(finding)}
    rows |= {"in": finding["in"], "again": finding.get("again", "")}
    parts = [f"{name}: {one_line(text)}" for name, text in rows.items() if text]
    return f"{one_line(finding['clause'])} {'; '.join(parts)}."


def _location(document: Document, finding: FindingIn) -> dict[str, Any]:
    origin = document.get("recordings", {}).get(finding["in"])
    config = document.get("config", "") if document["format"] == RUN else ""
    if origin is not None:
        uri, line = _uri(origin["file"]), max(origin["line"], 1)
    elif config:
        uri, line = _uri(config), 1
    else:
        uri, line = f"openai-contract/{_quote(one_line(finding['in'], 200)) or 'reply'}", 1
    place = {"name": one_line(finding["in"], 200), "kind": "member", "fullyQualifiedName": one_line(_name(finding))}
    return {
        "physicalLocation": {"artifactLocation": {"uri": uri}, "region": {"startLine": line}},
        "logicalLocations": [place],
    }


def _name(finding: FindingIn) -> str:
    return f"{finding['in']} {format_place(finding)}"


def _uri(path: str) -> str:
    """A path as a URI reference; relative paths stay relative to where the command ran."""
    if Path(path).is_absolute():
        return f"file://{_quote(Path(path).as_posix())}"
    return _quote(PurePosixPath(Path(path).as_posix()).as_posix())


def _quote(path: str) -> str:
    return quote(path, safe="/", errors="replace")


def _message(text: str) -> str:
    """A text as a message: braces would be placeholders, `[a](b)` a link."""
    return text.replace("{", "{{").replace("}", "}}").replace("](", "] (")


def _literally(text: str) -> str:
    """A text as Markdown that shows it as it is."""
    return re.sub(r"([\\`*_{}\[\]()#+.!|<>~@&-])", r"\\\1", text)
