"""Section responses: the API of items, answered with one object."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from contract_tests.cases.prompts import SHORT
from contract_tests.target.ask import Ask, Body
from contract_tests.target.case import request_case
from contract_tests.target.endpoints import RESPONSES


def make_body(ask: Ask, given: str | Sequence[Any], tokens: int = 32, **more: Any) -> dict[str, Any]:
    """A request for a Response: `given` is the input, `tokens` the limit. Nothing is stored but what is asked to be."""
    return {"model": ask.model, "input": given, "max_output_tokens": tokens, "store": False, **more}


def response_case(
    case_id: str,
    title: str,
    given: str | Sequence[Any],
    tokens: int = 32,
    *,
    also: Iterable[str] = (),
    **more: Any,
) -> None:
    """Register a case of one request for a Response, about the parameters in `more` and the features `also`."""

    def body_of(ask: Ask) -> Body:
        return make_body(ask, given, tokens, **more)

    request_case(case_id, title, body_of, tokens, (*more, *also), path=RESPONSES)


response_case("responses.short", "a response", SHORT)
response_case("responses.stream.short", "a response, streamed", SHORT, stream=True)
