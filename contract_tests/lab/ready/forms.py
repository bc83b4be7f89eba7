"""Broken forms of one streamed Response, each shown to a client: finer than the fixtures, of which a rule has one."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Collection, Mapping, Sequence
from copy import deepcopy
from functools import cache
from http.client import HTTPConnection
from typing import Any

from contract_tests.lab.clients.corpus import subjects
from contract_tests.lab.clients.driving import Driver
from contract_tests.lab.clients.verdicts import judge_client
from contract_tests.lab.ready.edits import ENDS, FORMS, Edit
from contract_tests.lab.ready.tasks import MODEL
from contract_tests.ready.effects import IF_USAGE_IS_READ, Effect, effect_of, form_of
from contract_tests.ready.seen import ANY_FORM
from contract_tests.report.breakage import NOT_ASKED, load_table
from contract_tests.rules import RULES, judge
from contract_tests.rules.engine.judge import Level
from fake_server import FakeServer, ReplayServer
from fake_server.relay.relay import Relay
from fake_server.wire.exchange import Exchange, Write
from fake_server.wire.fixture import load

Row = Mapping[str, str]
QUESTION = {"kind": "responses", "body": {"model": MODEL, "input": "write a poem about a tree", "stream": True}}
_USAGE = ("responses.no-chat", "responses.usage", "responses.usage-details")
"""Rules on a member that an application may leave unread."""
_ABOUT_ANSWERS = ("chat.", "formats.", "http.", "responses.", "sse.", "tools.", "usage.")
"""Sections of rules on the answers to what is recorded."""
_USAGE_WAS_READ = re.compile(r"(has no attribute|Cannot read properties of).*tokens")


def whole_stream() -> Exchange:
    """A streamed Response of the fake, as the relay sees it."""
    return asyncio.run(_record_stream())


async def _record_stream() -> Exchange:
    with FakeServer([], seed=1, plain=True) as fake:
        async with Relay(fake.root) as relay:
            body, typed = json.dumps(QUESTION["body"]), {"Content-Type": "application/json"}

            def ask() -> None:
                connection = HTTPConnection("127.0.0.1", relay.port, timeout=30)
                connection.request("POST", f"{relay.path}/v1/responses", body, typed)
                connection.getresponse().read()
                connection.close()

            await asyncio.to_thread(ask)
        return relay.exchanges[0]


def edited(exchange: Exchange, edit: Edit) -> Exchange:
    """The exchange with its events changed, and numbered again."""
    events = [json.loads(line[6:]) for line in exchange.payload.decode().splitlines() if line.startswith("data: ")]
    changed = edit(deepcopy(events))
    for number, event in enumerate(changed):
        if "sequence_number" in event:
            event["sequence_number"] = number
    named = [(f"event: {event['type']}\n" if "type" in event else "", json.dumps(event)) for event in changed]
    payload = "".join(f"{name}data: {data}\n\n" for name, data in named).encode()
    return exchange.but(writes=(Write(payload),))


def measure(drivers: Sequence[Driver], also: Collection[str] = ()) -> tuple[dict[str, dict[str, Row]], dict[str, Row]]:
    """What becomes of a client and its helpers, by rule and form, and by way of ending; `also` as in `effect_of`."""
    good = whole_stream()
    right = {driver.client.name: _ask(driver, edited(good, lambda events: events)) for driver in drivers}
    shown: dict[str, tuple[Exchange, Row]] = {}
    for name, edit in FORMS.items():
        exchange = edited(good, edit)
        answers = {driver.client.name: _ask(driver, exchange) for driver in drivers}
        shown[name] = exchange, {column: _verdict(answer, right[column]) for column, answer in answers.items()}
    columns = list(right)
    ends: dict[str, Row] = {
        name: {column: _without_finish(verdict) for column, verdict in shown[name][1].items()} for name in ENDS
    }
    return _by_rule(columns, [shown[name] for name in FORMS if name not in ENDS], also), ends


def _ask(driver: Driver, exchange: Exchange) -> Mapping[str, Any]:
    with ReplayServer(exchange, match="any", speed=0) as server:
        return driver(server.base_url, QUESTION)


def _verdict(answer: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    verdict = judge_client(answer, right)
    said = str((answer.get("said") or {}).get("message"))
    return verdict + IF_USAGE_IS_READ if verdict.startswith("raises") and _USAGE_WAS_READ.search(said) else verdict


def _without_finish(verdict: str) -> str:
    """A verdict on an answer that is incomplete: that the client says so is no harm."""
    kind, mark, members = verdict.partition("wrong: ")
    rest = [member for member in members.split(", ") if member.removeprefix("final ") != "finish"]
    return verdict if not mark or kind else f"wrong: {', '.join(rest)}" if rest else "fine"


def _by_rule(
    columns: Sequence[str], shown: Sequence[tuple[Exchange, Row]], also: Collection[str]
) -> dict[str, dict[str, Row]]:
    """The verdicts by rule and form, of forms that do not do to a client what the table says of the rule."""
    known: dict[str, dict[str, Row]] = {}
    every = [(_broken(exchange), row) for exchange, row in shown]
    every += [(broken, _row(name, columns)) for name, broken in _fixtures()]
    for broken, row in sorted(every, key=lambda pair: (len(pair[0]), -_harm(pair[1], also))):
        for rule, form in broken:
            known.setdefault(rule, {}).setdefault(form, row)
    table = load_table()
    for rule in _USAGE:
        rows = known.get(rule, {}).values()
        if read := [row for row in rows if any(verdict.endswith(IF_USAGE_IS_READ) for verdict in row.values())]:
            known[rule][ANY_FORM] = read[0]
    return {
        rule: different
        for rule, forms in sorted(known.items())
        if (different := {form: row for form, row in sorted(forms.items()) if _differs(row, table.of_rule(rule), also)})
    }


def _harm(row: Row, also: Collection[str]) -> int:
    """How many of the client and its helpers are stopped."""
    return sum(effect_of(verdict, also=also) is Effect.STOPS for verdict in row.values())


def _differs(row: Row, measured: Row, also: Collection[str]) -> bool:
    return any(
        effect_of(verdict, also=also) is not effect_of(measured.get(column, NOT_ASKED), also=also)
        for column, verdict in row.items()
        if verdict != NOT_ASKED
    )


def _broken(exchange: Exchange) -> list[tuple[str, str]]:
    """The rules that an exchange breaks, each with its form; notes only where nothing else is broken."""
    findings = judge(exchange).findings
    weighty = [finding for finding in findings if finding.rule.level is not Level.NOTE] or findings
    return list(dict.fromkeys((finding.rule.id, form_of(finding)) for finding in weighty))


def _row(name: str, columns: Sequence[str]) -> Row:
    verdicts = load_table().verdicts[name]
    return {column: verdicts.get(column, NOT_ASKED) for column in columns}


@cache
def _fixtures() -> Sequence[tuple[str, list[tuple[str, str]]]]:
    """The fixtures of bugs that the table has verdicts on and that break one MUST rule on answers, with that.

    Of what breaks several, none is to blame alone; of usage the table does not tell who reads it.
    """
    known = load_table().verdicts
    chosen = [subject for subject in subjects() if subject.name in known and subject.name.startswith("bugs/")]
    judged = [(subject.name, _broken(load(subject.path).exchange)) for subject in chosen]
    return [(name, broken) for name, broken in judged if len(broken) == 1 and _is_plain(broken[0][0])]


def _is_plain(rule: str) -> bool:
    return rule not in _USAGE and rule.startswith(_ABOUT_ANSWERS) and RULES[rule].level is Level.MUST
