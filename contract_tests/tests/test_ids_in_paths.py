"""Ids that a target gives go into a path only where they can stand there as they are."""

from __future__ import annotations

import json

import pytest

from contract_tests.target.support import fits_a_path
from contract_tests.tests.small_target import Answer, Asked, reply, report_of
from contract_tests.tests.test_responses import load


@pytest.mark.parametrize(
    "name",
    ["resp_0a9Xw2c4", "chatcmpl-B7o:1~2.x", "resp_" + "Zm9v" * 100 + "wQ=", "7", "conv_" + "a" * 495],
)
def test_ids_of_servers_fit(name: str) -> None:
    assert fits_a_path(name)


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "../models",
        "a?x=1",
        "a#b",
        "a b",
        "a\r\nHost: x",
        "a%2e",
        "é",
        "a" * 501,
        "a\\b",
        "a\x00",
        "a\n",
    ],
)
def test_what_leads_elsewhere_does_not(name: str) -> None:
    assert not fits_a_path(name)


def test_what_the_shortest_request_may_have_stored_is_tidied_up_whatever_its_id() -> None:
    name = "resp_bGl0ZWxsbTo-eA=="
    genuine = json.loads(load("response-dict").payload)
    asked: list[str] = []

    def answer(given: Asked) -> Answer | None:
        asked.append(f"{given.method} {given.path}")
        return reply(200, {**genuine, "id": name}) if given.path == "/v1/responses" else None

    report_of(answer, "responses.plain")
    assert f"DELETE /v1/responses/{name}" in asked
