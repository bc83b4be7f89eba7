"""Formats findings, the same way everywhere."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Mapping, Sequence

from contract_tests.report.breakage import NO_ERROR, format_breakage, load_table
from contract_tests.report.document import FindingIn
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import Evidence, Finding, Level
from contract_tests.rules.engine.node import Place
from contract_tests.rules.evidence import WEB_SOCKET, describe_request
from fake_server.wire.text import shorten, shorten_start

MARKS = {Level.MUST: "✗", Level.SHOULD: "!", Level.NOTE: "·"}
WIDTH = 110
"""Columns of a report that is not printed on a terminal."""
_EXPLAINS, _FAILED = "errors.added-parameter", "relations.accepted"
"""The rule whose finding stands first, as requests fail for what was never sent; the rule that requests fail."""
_SHOWN_LABELS = 6
_REFERENCES = {
    "/chat/completions": see.CHAT_CREATE,
    "/completions": see.COMPLETION_CREATE,
    "/embeddings": see.EMBEDDING_CREATE,
    "/moderations": see.MODERATION_CREATE,
    "/responses": see.RESPONSE_CREATE,
}
"""The reference of each endpoint, by the end of its path."""


def finding_as_json(finding: Finding, command: str = "") -> FindingIn:
    """A finding as a JSON object; `command` is the run that found it."""
    evidence = finding.evidence
    return {
        "rule": finding.rule.id,
        "level": finding.rule.level.value,
        "clause": finding.rule.clause,
        "in": finding.label,
        "at": {"event": finding.place.event, "path": list(finding.place.path), "byte": finding.place.offset},
        "expected": finding.expected,
        "actual": finding.actual,
        "request": {"method": evidence.method, "target": evidence.target, "members": dict(evidence.members)}
        if evidence
        else None,
        "bytes": {"before": evidence.before, "after": evidence.after} if evidence else None,
        "breaks": finding.harm,
        "clients": dict(clients_of(finding)),
        "because": reason(finding),
        "see": find_reference(finding),
        "again": again(finding, command),
    }


def format_finding(
    finding: Finding, title: str = "", also: Sequence[str] = (), command: str = "", width: int = WIDTH
) -> str:
    """Format one finding; `command` is the run that found it, to which the case is added."""
    return format_finding_in(finding_as_json(finding, command), title, also, width)


def format_finding_in(finding: FindingIn, title: str = "", also: Sequence[str] = (), width: int = WIDTH) -> str:
    """Format one finding of a document; `also` names other cases or recordings with a finding of the same rule.

    Bytes of the reply fill lines of `width`.
    """
    where = " ".join((title or finding["in"]).split())
    lines = [*_head(finding), f"    at        {format_place(finding)}"]
    lines[0] += f"   {where}" if where else ""
    lines += _rows({"expected": finding["expected"], "actual": finding["actual"]})
    lines += _evidence(finding, width)
    again = finding.get("again")
    lines += [*_rows(_about(finding)), *([f"    again     {again}"] if again else []), *_also(also)]
    return "\n".join(lines)


def format_group(findings: Sequence[Finding], also: Sequence[str] = (), width: int = WIDTH) -> str:
    """Format findings of one rule: the rule once, then each place with the actual value."""
    listed = [finding_as_json(finding) for finding in findings]
    expected = {finding["expected"] for finding in listed}
    common = expected.pop() if len(expected) == 1 else ""
    lines = [*_head(listed[0]), *_rows({"expected": common, **_about(listed[0])})]
    for finding in listed:
        rows = {"at": format_place(finding), "expected": "" if common else finding["expected"]}
        rows |= {"actual": finding["actual"]}
        rows |= {} if finding["breaks"] == listed[0]["breaks"] else {"breaks": finding["breaks"]}
        lines += [f"    in        {' '.join(finding['in'].split())}", *_rows(rows, indent=6)]
        lines += _evidence(finding, width, indent=6)
    return "\n".join(lines + _also(also))


def format_place(finding: FindingIn) -> str:
    """`event 3, choices[0].delta, byte 812`."""
    at = finding["at"]
    return str(Place(at["event"], tuple(at["path"]), at["byte"]))


def format_request(finding: FindingIn) -> str:
    """`POST /v1/chat/completions {stream: true, n: 2}`, '' where the request is not known."""
    request = finding.get("request")
    if not request:
        return ""
    return describe_request(Evidence(request["method"], request["target"], tuple(request["members"].items())))


def again(finding: Finding, command: str) -> str:
    """The command that asks for the finding again and records what comes; '' where there is none."""
    case_id = finding.label.partition(" ")[0]
    return f"{command} --select {case_id} --record recordings" if command and case_id else ""


_REASON = re.compile(r"(?:status \d+|an error in the stream): .*", re.DOTALL)
"""What follows the role in what `relations.accepted` saw; roles may hold colons."""
_MOST_REASONS = 6
"""For more reasons than this, failures are told once: the texts differ in what is no reason, such as an id."""
HELPER = ".stream()"
"""How the names of clients end that read streams alone."""


def _head(finding: FindingIn) -> list[str]:
    return [f"{MARKS[Level(finding['level'])]} {finding['rule']}   {finding['level']}", f"  {finding['clause']}"]


def _evidence(finding: FindingIn, width: int, indent: int = 4) -> list[str]:
    """The request, and the bytes of the reply with a mark below the place."""
    lines = _rows({"request": format_request(finding)}, indent)
    shown = finding.get("bytes")
    if not shown or not (shown["before"] or shown["after"]):
        return lines
    at_place = finding["at"]["byte"] is not None
    name, room = "bytes" if at_place else "reply", width - indent - 10
    before = shorten_start(shown["before"], room * 2 // 5)
    lines.append(f"{'':{indent}}{name:9} {before}{shorten(shown['after'], room - len(before))}")
    return [*lines, f"{'':{indent + 10 + len(before)}}^"] if at_place else lines


def _about(finding: FindingIn) -> dict[str, str]:
    clients = format_breakage(finding["clients"])
    return {
        "breaks": finding["breaks"],
        "clients": clients,
        "because": finding.get("because", ""),
        "see": finding["see"],
    }


def find_reference(finding: Finding) -> str:
    """Where the clause is from; of a relation about requests to any endpoint, the reference of the one it is about."""
    evidence, wanted = finding.evidence, finding.rule.see
    if evidence is None or not finding.rule.relation or wanted != see.CHAT_CREATE:
        return wanted
    path = evidence.target.partition("?")[0]
    return next((reference for end, reference in _REFERENCES.items() if path.endswith(end)), wanted)


def clients_of(finding: Finding) -> Mapping[str, str]:
    """Each client's verdict on the form that was measured; none where the finding is of another form.

    They were measured over HTTP: of a turn over a WebSocket that says nothing.
    Where a chat was not to be streamed, no stream helper has read it. (Of Responses they were given objects too.)
    """
    if finding.own_harm or _is_over_web_socket(finding):
        return {}
    row = load_table().of_rule(finding.rule.id)
    evidence = finding.evidence
    is_streamed = finding.place.event is not None or not evidence or ("stream", "true") in evidence.members
    if is_streamed or finding.rule.id.startswith("responses"):
        return row
    return {client: verdict for client, verdict in row.items() if not client.endswith(HELPER)}


def reason(finding: Finding) -> str:
    """Why a rule is a MUST, where the clients that were measured do not show it of this finding."""
    row = load_table().of_rule(finding.rule.id)
    is_elsewhere = finding.own_harm and finding.rule.level is Level.MUST and NO_ERROR not in row.values()
    if finding.rule.basis or not is_elsewhere or not row or _is_over_web_socket(finding):
        return finding.rule.basis
    return f"in the form that was measured, {format_breakage(row)}"


def _is_over_web_socket(finding: Finding) -> bool:
    return finding.evidence is not None and finding.evidence.method == WEB_SOCKET


def _rows(rows: Mapping[str, str], indent: int = 4) -> list[str]:
    return [f"{'':{indent}}{name:9} {' '.join(text.split())}" for name, text in rows.items() if text]


def _also(labels: Sequence[str]) -> list[str]:
    return [f"    also in   {some(labels)}"] if labels else []


def count(number: int, noun: str) -> str:
    """'1 case', '2 cases'."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def some(labels: Sequence[str], limit: int = _SHOWN_LABELS, of: int | None = None) -> str:
    """'a, b, c and 3 more'; `of` is how many there are, where `labels` are only the first of them."""
    listed = labels[:limit]
    more = (len(labels) if of is None else of) - len(listed)
    shown = ", ".join(listed)
    return f"{shown} and {more:,} more" if more > 0 else shown


def first_few(
    findings: Iterable[Finding], limit: int, cases: Container[str] = ()
) -> list[tuple[list[Finding], list[str]]]:
    """The first findings of each rule, all with different labels, and the labels of the rest.

    MUST first, and of each level what most cases or recordings have. The exchanges of one of `cases` count once. Valid
    requests that fail for different reasons are told one by one: to each belongs another mend.
    """
    found = list(findings)
    reasons = {_reason_of_failure(finding) for finding in found if finding.rule.id == _FAILED}
    apart = len(reasons) <= _MOST_REASONS
    by_label: dict[tuple[str, str], dict[str, Finding]] = {}
    for finding in found:
        case_id = finding.label.partition(" ")[0]
        label = case_id if case_id in cases else finding.label
        cause = _reason_of_failure(finding) if apart and finding.rule.id == _FAILED else ""
        by_label.setdefault((finding.rule.id, cause), {}).setdefault(label, finding)
    groups = [(list(firsts.values())[:limit], list(firsts)[limit:]) for firsts in by_label.values()]
    groups.sort(key=lambda group: -len(group[0]) - len(group[1]))
    reach: Counter[str] = Counter()
    for shown, also in groups:
        reach[shown[0].rule.id] += len(shown) + len(also)
    if _FAILED in reach:  # that requests fail stands before the form of the errors that they fail with
        musts = (shown[0].rule.id for shown, _ in groups if shown[0].rule.level is Level.MUST)
        reach[_FAILED] = max(reach[name] for name in musts if name == _FAILED or name.startswith("errors."))
    return sorted(groups, key=lambda group: (*rank(group[0][0]), *_reach_of(group[0][0].rule.id, reach)))


def _reason_of_failure(finding: Finding) -> str:
    """What a request failed for, as `relations.accepted` says it, whichever part of the case it was."""
    at = _REASON.search(finding.actual)
    return re.sub(r"\d+", "0", at.group() if at else finding.actual.partition(": ")[2])


def _reach_of(rule_id: str, reach: Mapping[str, int]) -> tuple[int, bool]:
    return -reach[rule_id], rule_id != _FAILED


def rank(finding: Finding) -> tuple[bool, int]:
    """A key to sort findings by: first what explains the others, then by level."""
    return _rank(finding.rule.id, finding.rule.level)


def rank_in(finding: FindingIn) -> tuple[bool, int]:
    """The same key for a finding of a document."""
    return _rank(finding["rule"], Level(finding["level"]))


def _rank(rule_id: str, level: Level) -> tuple[bool, int]:
    return rule_id != _EXPLAINS, list(Level).index(level)
