"""Section formats: an answer in the response_format that was asked for."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.answers import Answer, answers
from contract_tests.rules.engine.judge import NOTE, Complaint, Section
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import wrong_formats
from contract_tests.rules.formats.fitting import Fitting
from fake_server.relay.redact import excerpt, holds_dummy
from fake_server.wire import jsontext

formats = Section("formats", "JSON mode, structured outputs, refusals", see.STRUCTURED)


def _requested_type(view: View) -> str:
    """The type of response_format; '' where it is not as the reference has it, or without the schema that it names."""
    given = view.request["response_format"]
    lacks_schema = given["type"].text == "json_schema" and not given["json_schema"]["schema"]
    return "" if lacks_schema or any(wrong_formats(view)) else given["type"].text


def _json_answers(view: View) -> Iterable[Answer]:
    """Answers in text that ended by themselves, where response_format asks for JSON.

    The dummy of a recording may stand in place of a number, and is no JSON itself.
    """
    for answer in answers(view) if _requested_type(view) in ("json_object", "json_schema") else ():
        whole = answer.finish == "stop" and answer.text and not answer.refusal
        if whole and (read_json(answer.text)[0] or not holds_dummy(answer.text)):
            yield answer


def read_json(text: str) -> tuple[int, Any]:
    """The value of a JSON text, and how often it stands there, each time behind white space; 0 where it is none."""
    parsed = jsontext.parse(text.encode("utf-8", "replace"))
    if parsed.ok:
        return 1, parsed.value
    text, count, first, at = text.strip(), 0, None, 0
    try:
        while at < len(text):
            value, end = json.JSONDecoder().raw_decode(text, at)
            first = value if not count else first
            space = _SPACE.match(text, end)
            if value != first or not isinstance(value, (dict, list)) or not space:
                return 0, None
            count, at = count + 1, space.end()
    except (ValueError, RecursionError):
        return 0, None
    return count, first


_SPACE = re.compile(r"\s+|\Z")


@formats.rule("json-text", over=_json_answers, see=see.CHAT_CREATE, harm="`json.loads(message.content)` raises")
def json_text(answer: Answer) -> Iterable[Complaint]:
    """With response_format json_object or json_schema the text is JSON with nothing around it."""
    if not read_json(answer.text)[0]:
        fenced = "JSON in a Markdown fence: " if answer.text.lstrip().startswith("```") else ""
        yield answer.where, f"{fenced}{excerpt(answer.text, 50)!r}", "a JSON text"


@formats.rule(
    "json-once",
    over=_json_answers,
    level=NOTE,
    see=see.CHAT_CREATE,
    harm="`json.loads(message.content)` raises: Extra data; models of OpenAI are recorded to do so beside tools",
)
def json_once(answer: Answer) -> Iterable[Complaint]:
    """With response_format json_object or json_schema the text holds the JSON once."""
    count, _ = read_json(answer.text)
    if count > 1:
        yield answer.where, f"the same JSON {count} times: the model repeats itself", "the JSON once"


def _parsed_answers(view: View) -> Iterable[tuple[Answer, Any]]:
    """The answers that are the JSON they were asked to be, each with its value."""
    for answer in _json_answers(view):
        count, value = read_json(answer.text)
        if count:
            yield answer, value


@formats.rule(
    "json-object",
    over=lambda view: _parsed_answers(view) if _requested_type(view) == "json_object" else (),
    see=see.CHAT_CREATE,
    harm="`answer['key']` raises",
)
def json_object(answer: Answer, value: object) -> Iterable[Complaint]:
    """With response_format json_object the JSON text is an object."""
    if not isinstance(value, dict):
        yield answer.where, f"{excerpt(answer.text, 50)!r}", "an object"


def _schema_answers(view: View) -> Iterable[tuple[Answer, Any, dict[str, Any], Fitting]]:
    json_schema = view.request["response_format"]["json_schema"]
    if json_schema["schema"].kind == "object" and json_schema["strict"].value is True:
        schema, fitting = json_schema["schema"].value, Fitting()
        yield from ((*parsed, schema, fitting) for parsed in _parsed_answers(view))


@formats.rule("schema-kept", over=_schema_answers, harm="typed clients fail to parse the answer")
def schema_kept(answer: Answer, value: Any, schema: dict[str, Any], fitting: Fitting) -> Iterable[Complaint]:
    """With a strict json_schema the text is valid against the schema that was sent."""
    if wrong := fitting.violation(value, schema):
        yield answer.where, wrong, "JSON that fits the schema"
