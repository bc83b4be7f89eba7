"""What `contract ready` says: the obstacles that stop a client, what to do about each, and the verdict."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from contract_tests.ready.asking import CALL, has_call
from contract_tests.ready.effects import Effect, effect_of
from contract_tests.ready.seen import SeenClient, Verdicts
from contract_tests.ready.verdict import LOST, NO_ANSWER, REFUSED, Obstacle, Readiness, grouped
from contract_tests.report.files import clean_json
from contract_tests.report.findings import WIDTH, count, finding_as_json, format_finding, some
from contract_tests.rules.engine.view import View
from contract_tests.run.outcome import ExitCode
from fake_server.command_line import kit_version

FORMAT = "openai-contract-ready/1"
VERDICTS = {
    ExitCode.OK: "READY",
    ExitCode.FINDINGS: "NOT READY",
    ExitCode.UNREACHABLE: "NOT KNOWN",
    ExitCode.HARNESS: "HARNESS FAILED",
}
_WORDS = {"empty": "gets nothing, silently", "short": "gets a part of the answer, silently", "hangs": "hangs"}


def head_of(client: SeenClient, api: str) -> str:
    """The client whose requests are sent."""
    return f"client    {client.client} {client.version} by {api}, as it was seen on {client.seen}"


def stops_of(readiness: Readiness, width: int = WIDTH) -> Iterator[str]:
    """Each reason why the client is not carried: where, what it does to this client in this version, what to do."""
    for obstacles in grouped(readiness.of(Effect.STOPS)).values():
        first, names = obstacles[0], list(dict.fromkeys(obstacle.case_id for obstacle in obstacles))
        lines = _lines_of(first, names, width)
        lines.append(f"    stops     {describe(readiness, first.verdicts)}")
        yield "\n".join([*lines, f"    to do     {_todo(readiness, first)}"])


def _lines_of(obstacle: Obstacle, names: Sequence[str], width: int) -> list[str]:
    if obstacle.finding is None:
        return [f"✗ {obstacle.what}   {some(names)}"]
    text = format_finding(obstacle.finding, obstacle.case_id, names[1:], width=width)
    return [line for line in text.split("\n") if not line.startswith(("    clients", "    breaks", "    because"))]


def describe(readiness: Readiness, verdicts: Verdicts) -> str:
    """What becomes of the client and of its helpers, in words."""
    client = readiness.client
    if LOST in verdicts.values():
        return f"{client.client} {client.version} goes on with an answer that knows nothing of it, and no error"
    parts: dict[str, list[str]] = {}
    for column, verdict in verdicts.items():
        if effect_of(verdict, also=client.acts_on) is Effect.STOPS or verdict == NO_ANSWER:
            parts.setdefault(_in_words(verdict), []).append(column.partition(" ")[2] or "")
    if not parts:
        return f"{client.client} {client.version} has no answer to go on with"
    helpers = [name for name in client.columns if " ." in name]
    said = []
    for words, columns in parts.items():
        with_helper = [name for name in columns if name.startswith(".")]
        whose = "" if len(with_helper) < len(columns) or not helpers else f" with {', '.join(with_helper)}"
        said.append(f"{words}{whose}")
    return f"{client.client} {client.version} {'; '.join(said)}"


def _in_words(verdict: str) -> str:
    if verdict == NO_ANSWER:
        return "has no answer to go on with"
    if verdict == "wrong: no error":
        return "takes a failure for an answer"
    if verdict.startswith("wrong: "):
        return f"goes on with a wrong {verdict.removeprefix('wrong: ')}"
    return _WORDS.get(verdict, verdict)


def _todo(readiness: Readiness, obstacle: Obstacle) -> str:
    finding = obstacle.finding
    if LOST in obstacle.verdicts.values():
        return "hand it to the model, or refuse the request and name the member"
    name = obstacle.case_id.partition(".")[2]
    request = next(each for each in readiness.client.requests[readiness.api] if each.name == name)
    asked = f"{request.method} {request.path}"
    other = next((api for api in readiness.client.requests if api != readiness.api), "")
    if finding is None or (finding.rule.id == REFUSED and "status" not in finding.actual):
        return f"answer {asked} to its end: the request is valid and sets no limit"
    if finding.rule.id == REFUSED and "status" in finding.actual:
        hint = f"; `--api {other}` asks whether it is carried by {other}" if other else ""
        return f"answer {asked} with these members, as this client sends them{hint}"
    do = f"send {finding.expected} at this place" if finding.expected else "keep the rule"
    return f"{do}; `contract explain {finding.rule.id}` shows bytes that keep and that break it"


def rest_of(readiness: Readiness) -> Iterator[str]:
    """What does not stop the client, counted; and what could not be judged."""
    for effect, label, words in (
        (Effect.SURVIVED, "survived", ""),
        (Effect.NOT_MEASURED, "unknown", ", not measured with this client"),
    ):
        if found := readiness.of(effect):
            yield f"{label:9} {_count(found)}{words}: {some(list(grouped(found)))}"
    for arrival in readiness.not_shown:
        yield f"not shown {arrival.case_id}: that {arrival.thing} reaches the model; {arrival.what}"
    if quiet := _without_call(readiness):
        yield f"note      no tool is called in {some(quiet)}: how calls are sent was not judged there"
    for result in readiness.not_judged:
        yield f"{result.outcome:9} {result.case_id}: {result.reason}"
    yield from (f"note      {note}" for note in readiness.report.notes)
    if readiness.report.stopped:
        yield f"stopped   {readiness.report.stopped}"


def _without_call(readiness: Readiness) -> list[str]:
    """The requests for a tool call whose answers, which have come, have none."""
    results = (result for result in readiness.report.results if f".{CALL}" in result.case_id and result.exchanges)
    answers = {result.case_id: View(result.exchanges[-1]) for result in results if not result.emptied}
    return [name for name, view in answers.items() if view.ok and not has_call(view)]


def _count(obstacles: Sequence[Obstacle]) -> str:
    return f"{count(len(obstacles), 'finding')} of {count(len(grouped(obstacles)), 'rule')}"


def verdict_of(readiness: Readiness) -> str:
    """The last line."""
    client, code, report = readiness.client, readiness.exit_code, readiness.report
    stopping, survived = readiness.of(Effect.STOPS), readiness.of(Effect.SURVIVED)
    reasons = count(len(grouped(stopping)), "reason") if stopping else "nothing stops it"
    return (
        f"{VERDICTS[code]}  {client.client} {client.version} by {readiness.api}: {reasons}, "
        f"{count(len(survived), 'finding')} that it survives; {count(report.requests, 'request')}, "
        f"{report.seconds:.1f} s (exit code {int(code)})"
    )


def as_json(readiness: Readiness, secrets: Iterable[str] = ()) -> str:
    """The answer as JSON text: `{format, kit, started, client, version, seen, api, target, model, verdict, exit_code,
    seconds, requests, stops: [obstacle], survived: [obstacle], not_measured: [obstacle], not_judged: [{id, outcome,
    reason}], not_shown: [{request, thing, what}], notes}`; an obstacle
    is `{request, finding or null, what, clients: {name: verdict}, to_do}`."""
    client, report, code = readiness.client, readiness.report, readiness.exit_code

    def each(effect: Effect) -> list[dict[str, Any]]:
        return [
            {
                "request": obstacle.case_id,
                "finding": obstacle.finding and finding_as_json(obstacle.finding),
                "what": obstacle.what,
                "clients": dict(obstacle.verdicts),
                "to_do": _todo(readiness, obstacle) if effect is Effect.STOPS else "",
            }
            for obstacle in readiness.of(effect)
        ]

    value = {
        "format": FORMAT,
        "kit": kit_version(),
        "started": report.started,
        "client": client.client,
        "version": client.version,
        "seen": client.seen,
        "api": readiness.api,
        "target": report.target,
        "model": report.model,
        "verdict": VERDICTS[code].lower(),
        "exit_code": int(code),
        "seconds": round(report.seconds, 3),
        "requests": report.requests,
        "stops": each(Effect.STOPS),
        "survived": each(Effect.SURVIVED),
        "not_measured": each(Effect.NOT_MEASURED),
        "not_judged": [
            {"id": result.case_id, "outcome": result.outcome, "reason": result.reason}
            for result in readiness.not_judged
        ],
        "not_shown": [
            {"request": each.case_id, "thing": each.thing, "what": each.what} for each in readiness.not_shown
        ],
        "notes": report.notes,
    }
    return clean_json(value, secrets)
