"""What a target does with what it keeps, seen in a run: lost results, ids that nobody finds, wrong pages."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from contract_tests.rules.engine.lacks import lacks_what_is_named
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import completed
from contract_tests.tests.small_traces import view_of
from fake_server.testing.server import FakeServer


def run_on(url: str, *select: str) -> RunReport:
    report: RunReport = completed(run(Options(url, select=select)))
    return report


def found_in(report: RunReport) -> set[str]:
    return {finding.rule.id for finding in report.findings}


def _blank_results(sent: dict[str, Any]) -> None:
    for item in sent.get("input", ()):
        if isinstance(item, dict) and str(item.get("type", "")).endswith("_output"):
            item["output"] = ""


def _without_role(*roles: str) -> planted.Edit:
    def edit(sent: dict[str, Any]) -> None:
        if isinstance(sent.get("input"), list):
            sent["input"] = [item for item in sent["input"] if item.get("role") not in roles]

    return edit


LOST: dict[str, tuple[str, planted.Edit]] = {
    "a result": ("responses.result", _blank_results),
    "a result in parts": ("responses.result-parts", _blank_results),
    "a custom result": ("responses.custom-result", _blank_results),
    "a developer message": ("responses.roles", _without_role("developer")),
    "a system message": ("responses.roles", _without_role("system")),
    "an answer": ("responses.answers", _without_role("assistant")),
}


@pytest.mark.parametrize("what", LOST)
def test_what_the_model_never_sees_is_asked_back_and_missed(what: str) -> None:
    case_id, edit = LOST[what]
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, edit=edit) as proxy:
        report = run_on(proxy.base_url, case_id)
    assert found_in(report) == {"relations.asked-back"}


def test_an_answer_that_is_lost_behind_previous_response_id_is_missed() -> None:
    """The target that lies in front keeps the turns of the user alone."""

    def edit(sent: dict[str, Any]) -> None:
        if sent.pop("previous_response_id", None):
            sent["input"] = [{"role": "user", "content": "Go on."}, {"role": "user", "content": sent["input"]}]

    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, edit=edit) as proxy:
        report = run_on(proxy.base_url, "responses.stored.answer")
    assert "relations.asked-back" in found_in(report)


class Spoils:
    """Changes JSON replies, successes and refusals, by their body."""

    def __init__(self, change: Callable[[planted.Reply, dict[str, Any]], object]) -> None:
        self._change = change

    def __call__(self, reply: planted.Reply) -> None:
        if not reply.streamed and reply.body.lstrip().startswith(b"{"):
            value = reply.value
            self._change(reply, value)
            reply.value = value


def _one_id(reply: planted.Reply, value: dict[str, Any]) -> None:
    if value.get("object") == "response":
        value["id"] = "resp_always"


def _nothing_kept(reply: planted.Reply, value: dict[str, Any]) -> None:
    if value.get("object") == "response" and not reply.asked:
        reply.status = 404
        name = value["id"]
        value.clear()
        error = {"message": f"Response {name} not found", "type": "invalid_request_error", "param": None, "code": None}
        value["error"] = error


def test_a_target_that_says_it_stores_and_does_not_is_a_finding_once() -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, Spoils(_nothing_kept)) as proxy:
        report = run_on(proxy.base_url, "responses.stored.life", "responses.stored.previous")
    assert [finding.rule.id for finding in report.findings] == ["relations.response-found"]
    assert [result.outcome for result in report.results] == [Outcome.FAIL, Outcome.UNSUPPORTED]


def test_one_id_for_every_response_is_a_finding() -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, Spoils(_one_id)) as proxy:
        report = run_on(proxy.base_url, "responses.own-output")
    assert "relations.own-ids" in found_in(report)


def _other(**members: Any) -> Callable[[planted.Reply, dict[str, Any]], object]:
    """Other parameters in what is read: no body was sent."""

    def change(reply: planted.Reply, value: dict[str, Any]) -> None:
        if value.get("object") == "response" and not reply.asked:
            value.update(members)

    return change


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": 1.0},
        {"tools": []},
        {"metadata": {}},
        {"instructions": None},
        {"text": {"format": {"type": "text"}}},
    ],
    ids=str,
)
def test_parameters_that_are_read_otherwise_are_a_finding(members: dict[str, Any]) -> None:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, Spoils(_other(**members))) as proxy:
        report = run_on(proxy.base_url, "responses.stored.parameters")
    assert "relations.response-as-made" in found_in(report)


def _listed(change: Callable[[dict[str, Any]], object]) -> Callable[[planted.Reply, dict[str, Any]], object]:
    def bug(reply: planted.Reply, value: dict[str, Any]) -> None:
        if value.get("object") == "list" and value.get("data") and not reply.asked:
            change(value)

    return bug


def _oldest_first(value: dict[str, Any]) -> None:
    value["data"].sort(key=lambda item: json.dumps(item["content"]), reverse=True)  # river, tree
    value.update(first_id=value["data"][0]["id"], last_id=value["data"][-1]["id"])


def _first_input_first(value: dict[str, Any]) -> None:
    value["data"].sort(key=lambda item: "A tree is old." not in json.dumps(item["content"]))
    value.update(first_id=value["data"][0]["id"], last_id=value["data"][-1]["id"])


def _empty_item(reply: planted.Reply, value: dict[str, Any]) -> None:
    if value.get("type") == "message":
        value["content"] = []


def _wrong_conversation(reply: planted.Reply, value: dict[str, Any]) -> None:
    if isinstance(value.get("conversation"), dict):
        value["conversation"] = value["conversation"]["id"]


KEPT: dict[str, tuple[str, Callable[[planted.Reply, dict[str, Any]], object], str]] = {
    "never more": ("conversations.items", _listed(lambda value: value.update(has_more=False)), "conversation-pages"),
    "always more": ("conversations.items", _listed(lambda value: value.update(has_more=True)), "conversation-pages"),
    "one order": ("conversations.items", _listed(_oldest_first), "conversation-pages"),
    "never more input": (
        "responses.stored.life",
        _listed(lambda value: value.update(has_more=False)),
        "response-input-pages",
    ),
    "always more input": (
        "responses.stored.life",
        _listed(lambda value: value.update(has_more=True)),
        "response-input-pages",
    ),
    "input in one order": ("responses.stored.life", _listed(_first_input_first), "response-input-pages"),
    "an empty item": ("conversations.items", _empty_item, "conversation-item-as-added"),
    "a conversation as string": ("conversations.turns", _wrong_conversation, "conversation-echoed"),
}


@pytest.mark.parametrize("what", KEPT)
def test_what_is_kept_and_shown_wrongly_is_a_finding(what: str) -> None:
    case_id, change, rule = KEPT[what]
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, Spoils(change)) as proxy:
        report = run_on(proxy.base_url, case_id)
    assert f"relations.{rule}" in found_in(report), found_in(report)


def test_what_is_there_and_cannot_be_deleted_is_a_finding() -> None:
    def change(reply: planted.Reply, value: dict[str, Any]) -> None:
        if value.get("deleted"):
            reply.status = 404
            message = f"Response with id '{value.pop('id')}' not found."
            value["error"] = {"message": message, "type": "invalid_request_error", "param": None, "code": None}

    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, Spoils(change)) as proxy:
        report = run_on(proxy.base_url, "responses.stored.life")
    assert "relations.found-by-id" in found_in(report)


@pytest.mark.parametrize(
    ("text", "about_id"),
    [
        ("Response with id 'resp_0123456789' not found.", True),
        ("No response found with id resp_0123456789", True),
        ("Response not found", True),
        ("resp_0123456789: unknown", True),
        ("Not Found", False),
        ("Invalid URL (GET /v1/responses/resp_0123456789)", False),
        ("Cannot GET /v1/responses/resp_0123456789", False),
        ("there is no such path", False),
        ("The requested URL was not found on the server.", False),
    ],
)
def test_whether_a_404_is_about_the_id_or_the_path(text: str, about_id: bool) -> None:
    view = view_of(json.dumps({"error": {"message": text}}).encode(), 404, path="/v1/responses/resp_0123456789")
    assert lacks_what_is_named(view) is about_id
