"""Moderations and stored completions: sections that a target may lack, and faults in what it has."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contract_tests.cases import CASES
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import Options, run
from contract_tests.tests import planted
from contract_tests.tests.small_target import Answer, Answerer, Asked, completed, of, refusal, reply, report_of
from fake_server.testing.server import FakeServer

SECTIONS = ("moderations", "stored")


@pytest.mark.parametrize(
    "missing",
    [
        refusal(404, "there is no such path"),
        refusal(405, "Only POST is known here."),
        refusal(501, "Not yet."),
        reply(404, {"detail": "Not Found"}),
        reply(405, {"detail": "Method Not Allowed"}, "Allow: POST"),
        reply(404, b"<h1>Lost?</h1>", kind="text/html"),
    ],
    ids=range(6),
)
def test_a_target_without_the_endpoint_is_no_drift(missing: Answer) -> None:
    def answer(asked: Asked) -> Answer | None:
        is_there = asked.path == "/v1/models" or (asked.path == "/v1/chat/completions" and asked.method == "POST")
        return None if is_there else missing

    report, _ = report_of(answer, *SECTIONS)
    assert {result.outcome for result in report.results} == {Outcome.UNSUPPORTED}
    assert [finding.rule.id for result in report.results for finding in result.findings] == []
    assert len(report.results) == sum(case.section in SECTIONS for case in CASES.values())


@pytest.mark.parametrize("status", [400, 401, 500, 503])
def test_moderations_of_no_known_model_are_not_reached_where_they_are_refused(status: int) -> None:
    """A proxy has the endpoint, and perhaps nobody behind it; with a model named, a refusal is one."""
    refused = refusal(status, "The api_key client option must be set.")
    answer = lambda asked: refused if asked.path == "/v1/moderations" else None  # noqa: E731
    report, _ = report_of(answer, "moderations")
    assert {result.outcome for result in report.results} == {Outcome.NOT_REACHED}
    assert "name one with --model moderations=NAME" in report.results[0].reason
    named, _ = report_of(answer, "moderations.one", models={"moderations": "m"})
    assert "relations.accepted" in {finding.rule.id for finding in named.results[0].findings}


def _stored_outcomes(listing: Answer) -> set[Outcome]:
    """The outcomes of the section where a GET of the endpoint is answered like this, without a finding."""
    paths = ("/v1/chat/completions?", "/v1/chat/completions/")
    report, _ = report_of(lambda asked: listing if asked.path.startswith(paths) else None, "stored")
    assert not [finding.rule.id for result in report.results for finding in result.findings]
    return {result.outcome for result in report.results}


@pytest.mark.parametrize(
    "page", [reply(200, b"<!doctype html><title>Console</title>", kind="text/html"), reply(200, {"status": "alive"})]
)
def test_what_stands_at_every_path_lists_nothing(page: Answer) -> None:
    assert _stored_outcomes(page) == {Outcome.UNSUPPORTED}


@pytest.mark.parametrize("status", [400, 403, 422, 500])
def test_a_list_that_is_refused_is_not_reached(status: int) -> None:
    assert _stored_outcomes(reply(status, b"no", kind="text/plain")) == {Outcome.NOT_REACHED}


def test_a_target_that_takes_store_and_stores_nothing_is_told_of() -> None:
    listing: dict[str, Any] = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}

    def answer(asked: Asked) -> Answer | None:
        return reply(200, listing) if asked.method == "GET" and asked.path.startswith("/v1/chat/completions?") else None

    report, _ = report_of(answer, "stored.life", "stored.off")
    assert of(report, "stored.life").outcome is Outcome.WARN
    assert {finding.rule.id for finding in of(report, "stored.life").findings} == {"relations.stored-found"}
    assert of(report, "stored.off").outcome is Outcome.PASS


def _broken_rules(bug: planted.Bug, *select: str) -> set[str]:
    with FakeServer(seed=1) as fake, planted.Planted(fake.base_url, bug) as proxy:
        report = completed(run(Options(proxy.base_url, select=select)))
    return {finding.rule.id for result in report.results for finding in result.findings}


def _on(has: str, change: Any) -> planted.Bug:
    """Change every JSON reply that has this member."""

    def bug(answered: planted.Reply) -> None:
        if not answered.streamed and answered.status == 200 and has in answered.body.decode():
            value = answered.value
            change(value)
            answered.value = value

    return bug


def _swap(value: dict[str, Any]) -> None:
    value["results"].reverse()


def _percent(value: dict[str, Any]) -> None:
    for result in value["results"]:
        result["category_scores"] = {name: score * 100 for name, score in result["category_scores"].items()}


def _text(value: dict[str, Any]) -> None:
    for result in value["results"]:
        result["categories"] = {name: str(verdict).lower() for name, verdict in result["categories"].items()}


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (_swap, "relations.moderated-alike"),
        (_percent, "moderations.scores"),
        (_text, "moderations.categories"),
        (lambda value: value.update(results=value["results"][:1]), "moderations.count"),
    ],
    ids=["swapped", "percent", "text", "first-only"],
)
def test_what_a_proxy_spoils_in_moderations_is_found(change: Any, rule: str) -> None:
    assert _broken_rules(_on('"category_scores"', change), "moderations") == {rule}


def _old_labels(value: dict[str, Any]) -> None:
    value.update({} if "data" in value else {"metadata": {"topic": "old"}})


def _other_text(value: dict[str, Any]) -> None:
    for choice in value.get("choices", ()):
        choice["message"]["content"] = "Something else."


@pytest.mark.parametrize(
    ("has", "change", "rule"),
    [
        ('"input_user"', _old_labels, "stored.updated"),
        ('"input_user"', _other_text, "relations.stored-as-created"),
        ('"chat.completion.deleted"', lambda value: value.pop("deleted"), "stored.deleted"),
    ],
    ids=["labels", "text", "deleted"],
)
def test_what_a_proxy_spoils_in_stored_completions_is_found(has: str, change: Any, rule: str) -> None:
    assert _broken_rules(_on(has, change), "stored") == {rule}


def _store(*, deletes: bool, filters: bool) -> Answerer:
    """A target that stores every completion, whether it is asked to or not."""
    stored: dict[str, bytes] = {}

    def answer(asked: Asked) -> Answer | None:
        path, _, query = asked.path.partition("?")
        name = path.removeprefix("/v1/chat/completions").strip("/")
        if asked.method == "DELETE":
            if deletes:
                stored.pop(name)
            return reply(200, {"object": "chat.completion.deleted", "id": name, "deleted": True})
        if asked.method == "GET" and query:
            wanted = query.partition("metadata%5Btopic%5D=")[2].partition("&")[0]
            entries = [json.loads(entry) for entry in stored.values()]
            entries = [entry for entry in entries if not filters or entry["metadata"].get("topic") == wanted]
            ends = [entries[0]["id"], entries[-1]["id"]] if entries else [None, None]
            return reply(
                200, {"object": "list", "data": entries, "first_id": ends[0], "last_id": ends[1], "has_more": False}
            )
        if asked.method == "GET" and name.startswith("chatcmpl"):
            return reply(200, stored[name]) if name in stored else refusal(404, "No such completion.")
        if asked.method == "POST" and not name and not asked.is_preflight:
            created = f"chatcmpl-{len(stored)}"
            head = {"id": created, "object": "chat.completion", "created": 1_700_000_000}
            message = {"role": "assistant", "content": "Hello.", "refusal": None}
            choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
            usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}
            whole = {**head, "model": asked.json["model"], "choices": [choice], "usage": usage}
            stored[created] = json.dumps({**whole, "metadata": asked.json.get("metadata", {})}).encode()
            return reply(200, whole)
        return None

    return answer


def _rules_of(report: RunReport) -> dict[str, set[str]]:
    return {result.case_id: {finding.rule.id for finding in result.findings} for result in report.results}


def test_a_store_that_forgets_deletions_and_keeps_all_is_found() -> None:
    report, _ = report_of(_store(deletes=False, filters=True), "stored.life", "stored.off")
    assert _rules_of(report) == {"stored.life": {"relations.stored-deleted"}, "stored.off": {"relations.not-stored"}}


def test_a_list_that_is_not_filtered_is_found_with_nobody_else_there() -> None:
    report, _ = report_of(_store(deletes=True, filters=False), "stored.life")
    assert "stored.filtered" in _rules_of(report)["stored.life"]
