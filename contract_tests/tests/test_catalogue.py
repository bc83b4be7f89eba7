"""The catalogue of known bugs: each has a fixture, broken as it says and no more, and can be played."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterator
from dataclasses import replace

import pytest
import yaml

from contract_tests.lab import bug_fixtures as made
from contract_tests.rules import RULES, judge
from contract_tests.run.run import Options, run
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server import FakeServer
from fake_server.bugs.catalogue import Bug, bugs, find, waiting
from fake_server.bugs.errors import BugError
from fake_server.bugs.playing import HEADER
from fake_server.tests.replays import captured
from fake_server.wire import fixture
from fake_server.wire.bounds import Bounds

SMALL = Bounds(connect=2, first_byte=15, idle=5, exchange=40)
SHOWN = list(made.shown())
BEHAVIOURS = [bug for bug in bugs().values() if bug.cases]
FLAGGED = 0.95
ISSUE = re.compile(r"[\w.-]+/[\w.-]+#\d+")


@needs_recordings
def test_every_known_bug_is_here() -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    listed = yaml.load((SHARED / "drift-bugs.yaml").read_text(), Loader=loader)
    here = {one.id: one.source for bug in bugs().values() for one in bug.seen}
    here |= {one.id: one.source for one in waiting().values()}
    assert {one["id"] for one in listed if one["source"] != here.get(one["id"])} == set()
    own = set(here) - {one["id"] for one in listed}
    about_responses = {one.id for bug in bugs().values() if bug.endpoint == "responses" for one in bug.seen}
    assert own <= about_responses, "the list of the others is complete"
    assert [name for name in own if not ISSUE.fullmatch(here[name])] == []


@needs_recordings
def test_a_bug_is_played_where_it_was_seen() -> None:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    listed = yaml.load((SHARED / "drift-bugs.yaml").read_text(), Loader=loader)
    told = {one["id"]: (one["endpoint"].replace("chat.", "chat/"), one["mode"]) for one in listed}
    for bug in bugs().values():
        for one in bug.seen:
            if one.id not in told:
                continue
            endpoint, mode = told[one.id]
            assert endpoint in (bug.endpoint, "errors", "http") or bug.endpoint == "any", one.id
            assert (mode, bug.stream) not in {("stream", False), ("dict", True)}, one.id


def test_a_bug_that_no_fixture_shows_names_the_cases_that_meet_it() -> None:
    assert [bug.id for bug in bugs().values() if not (bug.of or bug.cases or bug.lawful)] == []


def test_most_are_flagged_and_the_rest_say_why_not() -> None:
    elsewhere = {one.id for one in waiting().values() if "not in the kit yet" in one.why}
    here = [one for bug in bugs().values() for one in bug.seen]
    flagged = [one for bug in bugs().values() if bug.breaks for one in bug.seen]
    assert len(flagged) / (len(here) + len(waiting()) - len(elsewhere)) >= FLAGGED
    assert all(bool(bug.breaks) is not bool(bug.lawful) for bug in bugs().values())
    assert all(one.why for one in waiting().values())


def test_the_rules_named_exist() -> None:
    assert {rule for bug in bugs().values() for rule in bug.breaks} <= set(RULES)


@pytest.mark.parametrize("bug", SHOWN, ids=lambda bug: bug.id)
def test_the_fixture_has_the_defect_and_nothing_else(bug: Bug) -> None:
    kept = fixture.load(made.path_of(bug))
    assert kept == made.fixture(bug), "python -m contract_tests.lab.bug_fixtures --write"
    assert judge(kept.exchange).ids() == set(bug.breaks)
    assert judge(made.conforming(bug)).findings == (), "without the defect there is nothing to find"


def test_no_fixture_is_left_of_a_bug_that_is_gone() -> None:
    generated = {path.stem for path in fixture.find(made.FOLDER) if fixture.load(path).notes.startswith("severity:")}
    assert generated == {bug.id for bug in SHOWN}


# -- played


@pytest.fixture(scope="module")
def fake() -> Iterator[FakeServer]:
    with FakeServer(plain=True) as server:
        yield server


@pytest.mark.parametrize("bug", [bug for bug in SHOWN if bug.breaks and not bug.cases], ids=lambda bug: bug.id)
def test_a_bug_is_played_to_who_asks_for_it(bug: Bug, fake: FakeServer) -> None:
    request = made.conforming(bug).request
    key = "" if "headers" in bug.when else "Authorization: Bearer sk-any\r\n"
    port = int(fake.root.rpartition(":")[2])
    asked = captured(port, request, f"Content-Type: application/json\r\n{key}{HEADER}: {bug.id}\r\n")
    found = judge(asyncio.run(asked)).ids()
    assert bug.breaks[0] in found


BOTH_WAYS = [bug for bug in SHOWN if bug.endpoint == "responses" and bug.stream is None and bug.breaks]


@pytest.mark.parametrize("stream", [False, True], ids=["dict", "stream"])
@pytest.mark.parametrize("bug", BOTH_WAYS, ids=lambda bug: bug.id)
def test_a_bug_of_responses_is_played_with_and_without_stream(bug: Bug, stream: bool, fake: FakeServer) -> None:
    request = made.conforming(bug).request
    body = {**json.loads(request.body), "stream": stream}
    for name, test in bug.when.get("body", {}).items():
        if test == {"exists": False}:
            body.pop(name.removeprefix("$."), None)
    port = int(fake.root.rpartition(":")[2])
    headers = f"Content-Type: application/json\r\nAuthorization: Bearer sk-any\r\n{HEADER}: {bug.id}\r\n"
    found = judge(asyncio.run(captured(port, replace(request, body=json.dumps(body).encode()), headers))).ids()
    assert bug.breaks[0] in found


@pytest.mark.slow
@pytest.mark.parametrize("bug", BEHAVIOURS, ids=lambda bug: bug.id)
def test_a_behaviour_is_found_by_the_suite(bug: Bug) -> None:
    with FakeServer(seed=1, bugs=[bug.id]) as fake:
        report = asyncio.run(run(Options(fake.base_url, select=tuple(bug.cases), bounds=SMALL)))
    found = {one.rule.id for one in report.findings}
    # that a valid request is refused says all that its status does
    breaks = set(bug.breaks) - ({"errors.not-422"} if "relations.accepted" in found else set())
    assert breaks == found if bug.of is None else breaks <= found


def test_a_bug_is_found_by_the_names_of_its_sources_too() -> None:
    assert find("mistralrs-no-done").id == "ikllama-no-done"
    with pytest.raises(BugError, match="did you mean 'ikllama-no-done'"):
        find("ikllama-no-don")
    with pytest.raises(BugError, match="known and cannot be played: the Realtime API"):
        find("stdapi-realtime-response-fields-missing")
    with pytest.raises(BugError, match="a string, not '7'"):
        find(7)
