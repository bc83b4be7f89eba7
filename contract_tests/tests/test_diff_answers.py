"""`contract diff` where one side answers and the other refuses: the refusal is the difference, and nothing else is."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from contract_tests.diffing.answers import ACCEPTED
from contract_tests.diffing.compare import compare
from contract_tests.diffing.difference import Difference, Kind, Role
from contract_tests.diffing.verdicts import Verdict
from contract_tests.tests.diff_pairs import DICT as POEM
from contract_tests.tests.diff_pairs import STREAM as POEM_STREAM
from contract_tests.tests.diff_pairs import of, reply
from fake_server.wire.exchange import Ending, Exchange, Framing, Request, Write

LACKS_CONFIG = {"detail": [{"loc": ["body", "config"], "message": "Field required", "type": "missing"}]}
"""What gpt4free 8.8.6 answers to every request for a Response; 8.1.7 answered them."""
NO_SUCH = {"error": {"message": "no such model", "type": "invalid_request_error", "code": None, "param": None}}


ASKS = {"messages": [{"role": "user", "content": "Hi"}]}
DICT = reply(json.loads(POEM.payload), **ASKS)
STREAM = POEM_STREAM.but(
    request=replace(DICT.request, body=json.dumps({"model": "gpt-4o", "stream": True, **ASKS}).encode())
)


def refusing(exchange: Exchange, status: int, body: Any) -> Exchange:
    """The request of an exchange, refused."""
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = (("Content-Type", "application/json"),)
    return exchange.but(status=status, reason="", headers=headers, writes=(Write(text),), framing=Framing.LENGTH)


def a_response() -> Exchange:
    request = Request("POST", "/v1/responses", (), b'{"model":"gpt-4o-mini","input":"Hi"}')
    body = {"id": "resp_1", "object": "response", "created_at": 1760000000, "output": [], "usage": {"prompt_tokens": 1}}
    return reply(body).but(request=request)


@pytest.mark.parametrize(
    ("answer", "status", "body", "told"),
    [
        (a_response(), 422, LACKS_CONFIG, "refused with 422: config: Field required"),
        (DICT, 400, NO_SUCH, "refused with 400: no such model"),
        (STREAM, 422, LACKS_CONFIG, "refused with 422: config: Field required"),
        (STREAM, 502, b"Bad Gateway", "refused with 502: Bad Gateway"),
        (DICT, 500, b"", "refused with 500"),
        (DICT, 401, {"error": "no key"}, "refused with 401: no key"),
    ],
)
def test_a_refusal_of_what_was_answered_is_one_difference_beside_the_status(
    answer: Exchange, status: int, body: Any, told: str
) -> None:
    refusal = refusing(answer, status, body)
    for a, b, verdict in ((answer, refusal, Verdict.B_REFUSES), (refusal, answer, Verdict.A_REFUSES)):
        found, of_status = compare(of(a), of(b)).differences
        assert (found.where, found.verdict, found.rule) == ("the answer", verdict, ACCEPTED)
        assert {found.a, found.b} == {"an answer", told}
        assert (of_status.where, {of_status.a, of_status.b}) == ("status", {"200", str(status)})


@pytest.mark.parametrize("kinds", [[Kind.SHAPE], [Kind.FRAMING], [Kind.ORDER, Kind.TIMING]])
def test_only_the_kinds_that_were_asked_for_are_told(kinds: list[Kind]) -> None:
    found = compare(of(DICT), of(refusing(DICT, 400, NO_SUCH)), kinds).differences
    assert {difference.kind for difference in found} <= set(kinds)


@pytest.mark.parametrize(
    ("sent", "rule"),
    [
        ({"messages": []}, "errors.refuses-no-messages"),
        (ASKS, ACCEPTED),
    ],
)
def test_an_answer_to_what_was_to_be_refused_breaks_the_rule_that_says_so(sent: dict[str, Any], rule: str) -> None:
    answer = reply(json.loads(DICT.payload), **sent)
    found = compare(of(answer), of(refusing(answer, 400, NO_SUCH))).differences
    assert found[0].rule == rule


@pytest.mark.parametrize(
    ("refuses", "verdict"), [(Role.OTHER, Verdict.DRIFTED), (Role.FAKE, Verdict.B_REFUSES), (Role.GENUINE, None)]
)
def test_who_refuses_what_openai_answers_has_drifted(refuses: Role, verdict: Verdict | None) -> None:
    first = compare(of(DICT, Role.GENUINE), of(refusing(DICT, 400, NO_SUCH), refuses)).differences[0]
    assert first.verdict is (verdict or Verdict.B_REFUSES)


def test_a_reply_that_never_came_is_no_refusal() -> None:
    gone = DICT.but(status=0, reason="", headers=(), writes=(), ending=Ending.UNREACHABLE)
    found = compare(of(DICT), of(gone)).differences
    assert [difference.where for difference in found if difference.where == "the answer"] == []


def bodies(found: tuple[Difference, ...]) -> list[tuple[str, Verdict | None]]:
    return [(difference.rule, difference.verdict) for difference in found if difference.where == "the body"]


def test_of_two_refusals_the_one_that_is_no_error_object_is_named() -> None:
    """The other lacks only its type: that rule stood at the body, and the rule that the body breaks nowhere."""
    typeless = refusing(DICT, 500, {"error": {"message": "failed"}})
    other_form = refusing(DICT, 422, LACKS_CONFIG)
    assert bodies(compare(of(typeless), of(other_form)).differences) == [("errors.object", Verdict.DRIFTED)]
    assert bodies(compare(of(other_form), of(typeless)).differences) == [("errors.object", Verdict.DRIFTED)]
