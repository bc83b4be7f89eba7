"""Mutants that are no defects: classes of forms that genuine replies have, each with its evidence beside it.

Three classes about header fields that recordings do not keep stand on the text of HTTP instead.

Numbers count the objects of api.openai.com's recordings (`recordings/openai.jsonl` of the shared folder) that
show the form, of those that could; `test_mutants_evidence.py` counts them again.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from contract_tests.lab.mutation.mutant import Mutant
from contract_tests.rules.stored import REPEATED

ABSENT: dict[str, tuple[int, int]] = {
    "chat:service_tier": (130, 1061),
    "chat:system_fingerprint": (3, 1061),
    "chat:choices[].logprobs": (93, 1074),
    "chat:choices[].message.annotations": (156, 1074),
    "chat:choices[].message.refusal": (20, 1074),
    "chat:usage.prompt_tokens_details": (68, 1061),
    "chat:usage.prompt_tokens_details.audio_tokens": (21, 993),
    "chat:usage.completion_tokens_details": (25, 1061),
    "chat:usage.completion_tokens_details.audio_tokens": (64, 1036),
    "chat:usage.completion_tokens_details.accepted_prediction_tokens": (64, 1036),
    "chat:usage.completion_tokens_details.rejected_prediction_tokens": (64, 1036),
    "chat.stream:choices[].delta.refusal": (8626, 8838),
    "chat.stream:usage.prompt_tokens_details": (1, 134),
    "chat.stream:usage.completion_tokens_details": (1, 134),
    "responses:background": (37, 625),
    "responses:completed_at": (179, 625),
    "responses:max_tool_calls": (47, 625),
    "responses:safety_identifier": (52, 625),
    "responses:service_tier": (36, 625),
    "responses:top_logprobs": (47, 625),
    "responses:prompt_cache_key": (52, 625),
    "responses:billing": (84, 625),
    "responses:frequency_penalty": (180, 625),
    "responses:presence_penalty": (180, 625),
    "responses:prompt_cache_retention": (145, 625),
    "responses:reasoning.summary": (24, 615),
    "responses:text.verbosity": (47, 615),
    "responses:tool_usage": (386, 625),
    "responses:usage.input_tokens_details.cache_write_tokens": (384, 616),
    "responses:output[].content[].logprobs": (35, 455),
    "responses.stream:response.frequency_penalty": (129, 602),
    "responses.stream:response.completed_at": (126, 602),
    "responses.stream:response.service_tier": (12, 602),
    "responses.stream:response.safety_identifier": (27, 602),
    "responses.stream:response.max_tool_calls": (15, 602),
    "responses:moderation": (287, 625),
    "responses.stream:response.moderation": (206, 602),
    "responses.stream:response.prompt_cache_key": (27, 602),
    "responses.stream:response.prompt_cache_retention": (99, 602),
    "responses.stream:response.presence_penalty": (129, 602),
    "moderations:results[].category_applied_input_types": (2, 9),
}
"""Places of members that some genuine object does without: (without it, all objects that could have it)."""

NULL: dict[str, tuple[int, int]] = {
    "chat:system_fingerprint": (195, 1058),
    "errors:error.code": (11, 60),
    "errors:error.param": (39, 60),
    "responses:prompt_cache_retention": (138, 480),
    "responses.stream:response.prompt_cache_retention": (95, 503),
}
"""Places of values that are null in some genuine object: (null, all values there)."""

STRING: dict[str, tuple[int, int]] = {
    "errors:error.code": (49, 60),
    "errors:error.param": (21, 60),
    "responses:prompt_cache_key": (75, 573),
    "responses.stream:response.prompt_cache_key": (120, 575),
}
"""Places that hold null in some genuine objects and in others a string: (strings, all values there)."""

SOMETIMES = ("x-request-id", "openai-version", "openai-processing-ms", "x-ratelimit-")
"""Fields, by the beginning of their names, that some genuine replies lack beside others of these."""

_LEFT_OUT = ("header-drop", "header-rename")
_CALLS = "chat:choices[].message.tool_calls"
_LISTS = ("vary", "cache-control", "connection")

CLASSES: dict[str, Callable[[Mutant], bool]] = {}


def why_equivalent(mutant: Mutant) -> str:
    """The name of the class a mutant belongs to, '' for none."""
    return next((name for name, holds in CLASSES.items() if holds(mutant)), "")


def _class(holds: Callable[[Mutant], bool]) -> Callable[[Mutant], bool]:
    CLASSES[holds.__name__.replace("_", "-")] = holds
    return holds


@_class
def member_absent(mutant: Mutant) -> bool:
    """A member is left out, or goes under a name nobody knows, which some genuine replies lack (ABSENT)."""
    return mutant.operator in ("drop", "rename") and mutant.shape in ABSENT


@_class
def member_null(mutant: Mutant) -> bool:
    """A value is null where it is null in some genuine replies (NULL)."""
    return mutant.operator == "null" and mutant.shape in NULL


@_class
def null_or_text(mutant: Mutant) -> bool:
    """A string stands where genuine replies have null or, at other times, a string (STRING)."""
    return mutant.operator == "retype-string" and mutant.before == "null" and mutant.shape in STRING


@_class
def other_calls(mutant: Mutant) -> bool:
    """A call is missing beside others, or calls come in another order: the model called something else.

    Of 190 genuine messages with calls 167 make one and 23 several, of one function or of different ones.
    """
    return mutant.operator in ("drop-item", "reorder") and mutant.shape.startswith(_CALLS)


@_class
def called_nothing(mutant: Mutant) -> bool:
    """Tools were not sent on and nothing was called, where the request leaves that to the model.

    121 genuine requests that offer tools and force none were answered without a call.
    """
    body = mutant.original.request.json()
    free = body.get("tool_choice") in (None, "auto") if isinstance(body, dict) else False
    return mutant.operator == "parameter-dropped" and mutant.shape.endswith(":tools") and free


@_class
def reason_repeated(mutant: Mutant) -> bool:
    """The last chunk of a choice of a text completion comes twice: genuine streams repeat its reason."""
    return mutant.operator == "double-event" and mutant.shape == "completions.stream:finishing"


@_class
def another_vector(mutant: Mutant) -> bool:
    """The numbers of a vector come in another order: another text has that vector.

    Genuine vectors hold numbers in no order, and nothing in one reply says which text they belong to.
    """
    return mutant.operator == "reorder" and mutant.shape == "embeddings:data[].embedding"


@_class
def fewer_models(mutant: Mutant) -> bool:
    """A model is missing in the list of models, which is another account's list.

    The genuine list of 135 models lacks models that other genuine recordings were answered by.
    """
    return mutant.shape == "models:data[]" and mutant.operator == "drop-item"


@_class
def field_sometimes_sent(mutant: Mutant) -> bool:
    """A header field is missing that genuine replies have and lack (SOMETIMES).

    Of 1,435 replies whose headers were kept, 9 lack openai-version, 11 openai-processing-ms, 564 x-request-id
    and 524 all rate limits.
    """
    return mutant.operator in _LEFT_OUT and mutant.shape.startswith(SOMETIMES)


@_class
def request_id_of_any_form(mutant: Mutant) -> bool:
    """A request id is another text: genuine ones are `req_` and hex digits, bare hex digits, or a UUID."""
    return mutant.operator == "header-retype" and mutant.shape == "x-request-id"


@_class
def field_optional_in_http(mutant: Mutant) -> bool:
    """A field is missing that HTTP leaves to the server; recordings do not keep these.

    Vary, Cache-Control and Connection are optional; a server without a clock sends no Date (RFC 9110
    section 6.6.1), and a client that misses it puts in its own time.
    """
    return mutant.operator in _LEFT_OUT and mutant.shape in (*_LISTS, "date")


@_class
def list_field(mutant: Mutant) -> bool:
    """A list of tokens is empty, has other tokens, or is spread over two fields (RFC 9110 section 5.3)."""
    return mutant.operator in ("header-empty", "header-retype", "header-twice") and mutant.shape in _LISTS


@_class
def body_until_close(mutant: Mutant) -> bool:
    """A body without Content-Length ends where the connection ends (RFC 9112 section 6.3, rule 8)."""
    return mutant.operator in _LEFT_OUT and mutant.shape == "content-length"


_OPTIONAL = frozenset((*REPEATED, "annotations", "service_tier", "system_fingerprint"))


@_class
def not_required_of_stored(mutant: Mutant) -> bool:
    """A stored completion lacks what no schema of the reference requires, or repeats what a request may have.

    No recording of one is published: CreateChatCompletionResponse says what is required, the examples what is repeated.
    """
    name = re.split(r"[:.\]]+", mutant.shape)[-1]
    if not mutant.shape.startswith("stored:") or name not in _OPTIONAL:
        return False
    kind = mutant.operator.removeprefix("retype-").replace("fraction", "number")
    return mutant.operator in ("drop", "rename", "null") or kind in REPEATED.get(name, ())


_SCHEMA = re.compile(r"^responses(\.stream)?:(.*\.)?tools\[\]\.(input_schema|parameters)\.")
_FREE = ("drop", "rename", "retype-boolean", "retype-array", "drop-item", "reorder")


@_class
def another_schema(mutant: Mutant) -> bool:
    """A tool takes something else: what an MCP server listed, or OpenAI wrote anew, is not in the request.

    JSON Schema requires no member, takes true for a schema and a list for a `type`. Of 1,069 properties of listed
    tools 14 have no description and one no type. Where the request shows the schema, `responses.tools` complains.
    """
    return mutant.operator in _FREE and _SCHEMA.match(mutant.shape) is not None


@_class
def other_output(mutant: Mutant) -> bool:
    """An item is missing beside others, or items come in another order: the model did something else.

    Of genuine Responses with a message 117 have reasoning before it and others do without; a summary has one
    paragraph or several. What cannot stand last, or was demanded, has a rule.
    """
    places = ("responses:output", "responses:output[]", "responses:output[].summary", "responses:output[].summary[]")
    return mutant.operator in ("drop-item", "reorder") and mutant.shape in places


@_class
def order_of_citations(mutant: Mutant) -> bool:
    """Citations come in another order: each says where in the text it belongs."""
    return mutant.operator == "reorder" and mutant.shape.endswith("responses:output[].content[].annotations")


@_class
def null_or_absent(mutant: Mutant) -> bool:
    """A null below the parameters of a Response is left out: the SDK's types make it optional, which is read alike."""
    below = mutant.shape.startswith(("responses:tools[].", "responses:prompt."))
    return mutant.operator in ("drop", "rename") and mutant.before == "null" and below


@_class
def another_servers_notes(mutant: Mutant) -> bool:
    """Hints that an MCP server gave its tool: the SDK's type of them is any value."""
    return re.match(r"^responses(\.stream)?:.*tools\[\]\.annotations\.", mutant.shape) is not None
