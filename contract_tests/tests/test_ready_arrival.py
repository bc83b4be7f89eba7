"""`contract ready` tells a target that loses half of a request from one that hands it on, and from a weak model."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from contract_tests.cli.schema import KINDS
from contract_tests.ready.arrival import State, Witness
from contract_tests.ready.asking import cases_of
from contract_tests.ready.bodies import going_on, names_of
from contract_tests.ready.report import as_json, rest_of, stops_of
from contract_tests.ready.seen import APIS, load_client
from contract_tests.ready.verdict import Readiness, weigh
from contract_tests.rules.engine.node import Budget, Document, Node
from contract_tests.run.run import Options, run
from contract_tests.tests.test_ready_forms import AGENTS, AI, CLIENTS, CODEX, LANGCHAIN, PYTHON
from fake_server import FakeServer

Script = Mapping[str, Any]
SPOKEN = [(name, api) for name in CLIENTS for api in load_client(name).requests]
ROLES = ("system", "developer")
TOLD = ["$.instructions", *(f"$.{name}[?@.role=='{role}']" for name in ("input", "messages") for role in ROLES)]
IGNORED = {
    "name": "output ignored",
    "when": {"tool_result": {"contains": "The code is"}},
    "reply": {"text": "It rains."},
}
DEAF = {"name": "knows nothing", "when": {"response_format": "text"}, "reply": {"text": "Hm."}}


def ask(name: str, api: str, faults: Sequence[Script] = (), scripts: Sequence[Script] = ()) -> Readiness:
    """What comes of all requests of a client to a fake that goes wrong in one way."""
    client = load_client(name)
    witness = Witness(client, api)
    with FakeServer(list(scripts), seed=1, plain=True) as fake:
        for fault in faults:
            fake.fault(**fault)
        cases = [*cases_of(client, api), *witness.cases()]
        report = asyncio.run(run(Options(fake.base_url, concurrency=1), cases=cases, path=APIS[api]))
    return weigh(client, api, report, witness.found)


def misread(*paths: str, **more: Any) -> list[Script]:
    return [{"fault": "misread", "without": list(paths), **more}]


def in_state(readiness: Readiness, state: State) -> dict[str, str]:
    """What is in this state, by the name of its case."""
    return {each.case_id.partition(".")[2]: each.thing for each in readiness.arrivals if each.state is state}


@pytest.mark.parametrize(("name", "api"), SPOKEN)
def test_every_client_is_stopped_where_its_tools_are_dropped(name: str, api: str) -> None:
    readiness = ask(name, api, misread("$.tools", "$.tool_choice"))
    assert "tools" in in_state(readiness, State.LOST)
    assert readiness.exit_code == 1


@pytest.mark.parametrize(("name", "api"), SPOKEN)
def test_every_client_is_stopped_where_what_the_model_is_told_is_dropped(name: str, api: str) -> None:
    readiness = ask(name, api, misread(*TOLD))
    assert list(in_state(readiness, State.LOST)) == ["instructions"]
    assert readiness.exit_code == 1


@pytest.mark.parametrize(("name", "api"), SPOKEN)
def test_every_client_is_stopped_where_the_output_of_a_tool_is_dropped(name: str, api: str) -> None:
    readiness = ask(name, api, scripts=[IGNORED])
    lost = in_state(readiness, State.LOST)
    assert list(lost) == (["output", "output-previous"] if name in (AGENTS, AI) and api == "responses" else ["output"])
    assert readiness.exit_code == 1


@pytest.mark.parametrize(
    ("path", "things"),
    [
        ("$.tools[?@.type=='namespace']", ["the tools close_agent, resume_agent"]),
        ("$.tools[?@.name=='view_image']", ["the tool view_image"]),
        ("$.tools[?@.type=='function']", [f"the tool {name}" for name in ("exec_command", "write_stdin")]),
        ("$.tools[2:]", ["the tool request_user_input", "the tool view_image"]),
    ],
)
def test_tools_of_codex_are_missed_one_by_one(path: str, things: Sequence[str]) -> None:
    readiness = ask(CODEX, "responses", misread(path))
    lost = [arrival.thing for arrival in readiness.arrivals if arrival.state is State.LOST]
    for begin in things:
        assert any(thing.startswith(begin) for thing in lost), lost
    assert len(lost) < 8
    assert readiness.exit_code == 1


def test_what_is_lost_is_said_with_what_to_do() -> None:
    readiness = ask(PYTHON, "responses", misread("$.tools"))
    (text,) = stops_of(readiness)
    assert text.startswith("✗ the tool: never seen by the model; the input has 9 tokens with them and 9 without them")
    assert "goes on with an answer that knows nothing of it" in text
    assert "to do     hand it to the model, or refuse the request and name the member" in text
    (stops,) = json.loads(as_json(readiness))["stops"]
    assert (stops["request"], stops["finding"]) == ("responses.tools", None)


# -- what is not known


@pytest.mark.parametrize("api", list(APIS))
def test_a_model_that_repeats_nothing_is_not_accused_and_no_client_is_said_to_be_carried(api: str) -> None:
    readiness = ask(LANGCHAIN, api, scripts=[DEAF])
    assert not in_state(readiness, State.LOST)
    assert set(in_state(readiness, State.NOT_SHOWN)) >= {"output", "instructions"}
    assert readiness.exit_code == 3
    assert any(line.startswith(f"not shown {api}.output: that the output of the tool") for line in rest_of(readiness))
    shown = json.loads(as_json(readiness))
    assert shown["verdict"] == "not known"
    assert {each["request"] for each in shown["not_shown"]} >= {f"{api}.output", f"{api}.instructions"}


def test_where_no_tokens_are_counted_a_call_shows_that_tools_arrive() -> None:
    uncounted = {"fault": "json", "at": "$.response", "remove": ["usage"]}
    readiness = ask(CODEX, "responses", [uncounted])
    assert not in_state(readiness, State.LOST)
    assert "tools" in in_state(readiness, State.ARRIVED)


def test_where_no_tokens_are_counted_and_no_tool_is_called_nothing_is_known() -> None:
    readiness = ask(PYTHON, "chat", [*misread("$.tools"), {"fault": "json", "at": "$", "remove": ["usage"]}])
    assert in_state(readiness, State.NOT_SHOWN)["tools"] == "the tool get_weather"


# -- the requests


def response(output: Sequence[Any]) -> Node:
    return Node({"id": "resp_1", "output": output}, Document(b"", None, Budget()))


def test_a_request_that_goes_on_answers_every_call() -> None:
    (request,) = (each for each in load_client(AGENTS).requests["responses"] if each.after)
    calls = [{"type": "function_call", "call_id": f"call_{number}"} for number in (1, 2)]
    body = going_on(request.body, response(calls))
    assert body is not None
    assert body["previous_response_id"] == "resp_1"
    assert [(item["type"], item["call_id"]) for item in body["input"]] == [
        ("function_call_output", "call_1"),
        ("function_call_output", "call_2"),
    ]
    assert going_on(request.body, response([])) is None


def test_names_of_tools() -> None:
    assert names_of({"type": "function", "function": {"name": "a"}}) == ("a",)
    assert names_of({"type": "custom", "name": "b"}) == ("b",)
    assert names_of({"type": "web_search"}) == ("web_search",)
    assert names_of({"type": "namespace", "name": "n", "tools": [{"type": "function", "name": "c"}]}) == ("c",)


# -- the JSON report


@pytest.mark.parametrize(
    ("faults", "scripts", "verdict"),
    [
        ([], [], "ready"),
        (misread("$.tools"), [], "not ready"),
        ([{"fault": "json", "at": "$.choices[*].message", "remove": ["content"]}], [], "not ready"),
        ([{"fault": "json", "at": "$.usage", "set": {"total_tokens": 1000}}], [], "ready"),
        ([{"fault": "error", "status": 400, "when": {"method": "POST"}}], [], "not ready"),
        ([], [DEAF], "not known"),
    ],
)
def test_the_json_report_is_of_the_published_schema(
    faults: Sequence[Script], scripts: Sequence[Script], verdict: str
) -> None:
    report = json.loads(as_json(ask(PYTHON, "chat", faults, scripts)))
    assert report["verdict"] == verdict
    schema = KINDS["report"].schema()
    Draft202012Validator(schema).validate(report)
    for name in report:
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate({key: value for key, value in report.items() if key != name})
