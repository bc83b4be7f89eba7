"""What `contract ready` knows: one file for each client that is recorded, and the requests recorded again."""

from __future__ import annotations

from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.ready import tasks
from contract_tests.lab.ready.__main__ import SUBJECTS, is_known
from contract_tests.lab.ready.forms import FORMS, edited, whole_stream
from contract_tests.lab.ready.recording import record
from contract_tests.ready.seen import client_names, load_client
from contract_tests.rules import judge


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
