"""What `contract ready` knows: one file for each client that is recorded, and the requests recorded again."""

from __future__ import annotations

import pytest

from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.ready import tasks
from contract_tests.lab.ready.__main__ import SUBJECTS, is_known
from contract_tests.lab.ready.edits import FORMS
from contract_tests.lab.ready.forms import edited, whole_stream
from contract_tests.lab.ready.recording import record
from contract_tests.ready.effects import Effect, effect_on, verdicts_on
from contract_tests.ready.seen import client_names, load_client
from contract_tests.rules import judge

SDKS = {"openai-python", "openai-node"}
STREAMS = SDKS | {"agents-sdk", "ai-sdk", "langchain"}
STOPPED = {
    "output null at the end": SDKS | {"langchain"},
    "no output at the end": SDKS | {"langchain"},
    "no status at the end": SDKS | {"langchain"},
    "created without id": SDKS | {"ai-sdk"},
    "deltas null": STREAMS,
    "deltas as objects": STREAMS,
    "items without type": SDKS | {"ai-sdk", "codex"},
    "items without role": {"codex"},
    "items without content": SDKS | {"codex"},
    "opened with content null": SDKS,
    "texts without annotations": {"openai-python"},
    "texts of another type": SDKS | {"codex"},
    "usage as texts": {"agents-sdk", "ai-sdk", "codex", "langchain"},
    "usage without output_tokens": {"ai-sdk", "codex"},
    "error without members": {"langchain"},
    "created twice": set(),
    "part opened twice": {"openai-node"},
    "item opened twice": SDKS,
    "other output_index in deltas": SDKS | {"ai-sdk"},
    "parts counted from 1": SDKS,  # IndexError in the stream helper of openai-python
    "events wrapped": STREAMS | {"codex"},
    "types without response": STREAMS | {"codex"},
    "ends as done": STREAMS | {"codex"},
}
"""Who was seen to raise, hang or have another answer, by form."""


def test_there_is_a_file_for_each_client_and_a_measured_client_for_each_column() -> None:
    assert set(client_names()) == set(SUBJECTS)
    names = {client.name for client in CLIENTS}
    for name, subject in SUBJECTS.items():
        known = load_client(name)
        assert set(subject.columns) <= names
        assert (known.columns, known.api, known.acts_on) == (tuple(subject.columns), subject.api, subject.acts_on)
        assert is_known(name, known)


def test_the_stream_that_forms_are_made_of_breaks_no_rule_and_most_forms_do() -> None:
    good = whole_stream()
    assert not judge(edited(good, lambda events: events)).findings
    whole = {name for name, edit in FORMS.items() if not judge(edited(good, edit)).findings}
    assert {"no sequence numbers", "failed"} <= whole <= {"no sequence numbers", "failed", "incomplete"}


def test_the_requests_of_a_client_recorded_again_are_the_known_ones() -> None:
    (client,) = (client for client in CLIENTS if client.name == "openai-python 3")
    known = load_client("openai-python").requests["chat"]
    with Driver(client) as driver:
        (seen,) = record([driver], {"chat": {"text": tasks.CHAT["text"]}}).values()
    assert [request.body for request in seen] == [known[0].body]
    assert dict(seen[0].headers)["accept"] == dict(known[0].headers)["accept"]


@pytest.mark.parametrize("form", STOPPED)
def test_a_form_that_breaks_a_client_stops_it(form: str) -> None:
    findings = judge(edited(whole_stream(), FORMS[form])).findings
    stopped = {
        client.client
        for client in map(load_client, client_names())
        for finding in findings
        if effect_on(verdicts_on(finding, client), finding.rule.level, client.acts_on) is Effect.STOPS
    }
    assert stopped == STOPPED[form]
