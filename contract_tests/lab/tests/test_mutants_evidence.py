"""Classes of equivalent mutants have the evidence they name: genuine recordings have the form."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import pytest

from contract_tests.lab.mutation.equivalent import ABSENT, CLASSES, NULL, SOMETIMES, STRING
from contract_tests.lab.mutation.json_paths import fold, kind_of, walk
from contract_tests.lab.mutation.operators.members import ENUMERATED
from contract_tests.lab.mutation.reply import Reply, read_reply
from contract_tests.recordings.reading import read
from contract_tests.rules.engine.view import View
from contract_tests.tests.shared import SHARED, needs_recordings
from fake_server.wire.exchange import Aspect, Exchange

pytestmark = [needs_recordings, pytest.mark.slow]


@dataclass
class Seen:
    """What genuine replies show: kinds of values by place, members of objects by place, and more."""

    kinds: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    members: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    words: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    heads: list[Exchange] = field(default_factory=list)
    calls: Counter[int] = field(default_factory=Counter)
    listed: set[str] = field(default_factory=set)
    models: set[str] = field(default_factory=set)
    uncalled: int = 0
    reasons_again: int = 0

    def add(self, exchange: Exchange, reply: Reply) -> None:
        if exchange.knows(Aspect.HEADERS):
            self.heads.append(exchange)
        for document in reply.documents:
            for path, value in walk(document) if document is not None else ():
                place = f"{reply.section}:{fold(path)}"
                self.kinds[place][kind_of(value)] += 1
                if isinstance(value, dict):
                    self.members[place].update(list(value))
                elif isinstance(value, str) and place in ENUMERATED:
                    self.words[place][value] += 1

        view = View(reply.exchange)
        if view.endpoint == "completions":
            self.reasons_again += any(len(choice.finishes) > 1 for choice in view.streamed)
        self._chat(view)

    def _chat(self, view: View) -> None:
        if view.endpoint == "models" and view.is_dict:
            self.listed |= {entry["id"].text for entry in view.root["data"]}
        if view.endpoint != "chat" or not view.is_dict:
            return
        self.models.add(view.root["model"].text)
        found = [len(list(choice["message"]["tool_calls"])) for choice in view.root["choices"]]
        self.calls.update(count for count in found if count)
        forced = view.request["tool_choice"]
        free = not forced.there or forced.value == "auto"
        self.uncalled += free and bool(list(view.request["tools"])) and not any(found)

    def absent(self, place: str) -> tuple[int, int]:
        section, _, path = place.partition(":")
        parent, _, member = path.rpartition(".")
        there = self.kinds[f"{section}:{parent}"]["object"]
        return there - self.members[f"{section}:{parent}"][member], there


@pytest.fixture(scope="module")
def seen() -> Seen:
    found = Seen()
    for recording in read(SHARED / "recordings" / "openai.jsonl"):
        view = View(recording.exchange)
        if view.endpoint or view.is_refusal:
            found.add(recording.exchange, read_reply(recording.exchange))
    return found


def test_members_are_absent_as_often_as_is_said(seen: Seen) -> None:
    assert {place: seen.absent(place) for place in ABSENT} == ABSENT
    assert all(without > 0 for without, _ in ABSENT.values())


@pytest.mark.parametrize(("table", "kind"), [(NULL, "null"), (STRING, "string")])
def test_values_are_null_or_strings_as_often_as_is_said(
    seen: Seen, table: dict[str, tuple[int, int]], kind: str
) -> None:
    counted = {place: (seen.kinds[place][kind], seen.kinds[place].total()) for place in table}
    assert counted == table
    assert all(number > 0 for number, _ in table.values())


def test_what_is_null_at_times_and_a_string_at_others_is_both(seen: Seen) -> None:
    assert all(seen.kinds[place]["null"] and seen.kinds[place]["string"] for place in STRING)


def test_closed_sets_have_few_words_that_are_seen_often(seen: Seen) -> None:
    assert {place for place in ENUMERATED if not 0 < len(seen.words[place]) <= 8} == set()
    assert {place for place in ENUMERATED if seen.words[place].total() < 50} == set()


@pytest.mark.parametrize("name", SOMETIMES)
def test_fields_are_sent_and_left_out(seen: Seen, name: str) -> None:
    sent = [any(field.lower().startswith(name) for field, _ in head.headers) for head in seen.heads]
    assert any(sent)
    assert not all(sent)


def test_request_ids_have_several_forms(seen: Seen) -> None:
    ids = [value for head in seen.heads if (value := head.header("x-request-id")) is not None]
    for form in (r"req_[0-9a-f]+", r"[0-9a-f]{32}", r"[0-9a-f]{8}-[0-9a-f-]{27}"):
        assert any(re.fullmatch(form, value) for value in ids), form


def test_messages_make_one_call_or_several(seen: Seen) -> None:
    assert seen.calls[1] > 0
    assert any(count > 1 for count in seen.calls)


def test_streamed_text_completions_say_their_reason_again(seen: Seen) -> None:
    assert seen.reasons_again > 0


def test_tools_that_nobody_forces_are_left_uncalled(seen: Seen) -> None:
    assert seen.uncalled > 0


def test_a_list_of_models_lacks_models_that_answer(seen: Seen) -> None:
    assert seen.listed
    assert seen.models - seen.listed - {""}


def test_every_class_says_what_it_stands_on() -> None:
    docs: dict[str, Any] = {name: holds.__doc__ for name, holds in CLASSES.items()}
    assert all(text and text.split("\n")[0].endswith(".") for text in docs.values())
