"""Section responses: the object itself, as one dict or as the end of a stream carries it."""

from __future__ import annotations

from collections.abc import Iterable

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import Endpoint
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.subjects import (
    CREATED,
    candidates,
    finished,
    is_response,
    responses_given,
)
from contract_tests.rules.shared.reply import (
    LATEST,
    complain_unless_object,
    complain_unless_same_categories,
    complain_unless_time,
    harm_of_count,
    is_text,
    is_time,
)

responses = Section("responses", "Responses", see.RESPONSE_OBJECT)

_NO_FRACTION = "gateways in Go answer 502: they decode whole seconds; the reference says number, OpenAI sends whole"
UNTYPED = "clients choose by `type` what it is: they skip it, or raise"
STATUSES = ("completed", "failed", "in_progress", "cancelled", "queued", "incomplete")
REASONS = ("max_output_tokens", "content_filter", "max_messages", "steered")
"""Why a Response is incomplete; the last two came with openai-python 3.57."""
COUNTS = ("input_tokens", "output_tokens", "total_tokens")
DETAILS = {"input_tokens_details": "cached_tokens", "output_tokens_details": "reasoning_tokens"}
_CHAT_COUNTS = ("prompt_tokens", "completion_tokens")

_new = Endpoint(CREATED)


@responses.rule(
    "is-dict",
    over=_new.unstreamed,
    see=see.RESPONSE_CREATE,
    harm="clients get a string, or an object full of None",
)
def is_dict(view: View) -> Iterable[Complaint]:
    """A Response that was not asked for with `stream: true` is one JSON object."""
    if view.form == "events":
        yield view, "server-sent events", "one JSON object"
    else:
        yield from complain_unless_object(view)


@responses.rule("object", over=candidates, harm="code that reads `response.id` raises, and nobody can go on from it")
def object_(root: Node) -> Iterable[Complaint]:
    """`object` is "response", `id` a non-empty string, `created_at` a time in seconds and `output` an array."""
    if not is_response(root):
        harm = "routers and logs take it for something else" if root["object"].text else ""
        yield root, f"a reply that is no Response: {root}", '"response"', harm
        return
    if root["object"].value != "response":
        yield root["object"], str(root["object"]), '"response"', "routers and logs take it for something else"
    if not is_text(root.value.get("id")):
        yield root["id"], str(root["id"]), "a non-empty string"
    yield from _complain_unless_seconds(root["created_at"])
    if root["output"].kind != "array":
        yield root["output"], str(root["output"]), "an array", "code that goes through `response.output` raises"
    for item in root["output"]:
        if not item.text_of("type"):
            yield item, str(item), "an object with a type", UNTYPED


def _complain_unless_seconds(node: Node) -> Iterable[Complaint]:
    """What is wrong with a time; a fraction is legal by the reference, and breaks who decodes whole numbers."""
    if not is_time(node.value):
        is_fraction = isinstance(node.value, float) and abs(node.value) < LATEST and is_time(int(node.value))
        harm = _NO_FRACTION if is_fraction else "dates made of it are wrong, or raise"
        yield from ((*complaint, harm) for complaint in complain_unless_time(node) if len(complaint) == 3)


@responses.rule(
    "id-prefix",
    over=responses_given,
    level=NOTE,
    harm="logs and routers that tell ids apart by resp_ take it for something else",
)
def id_prefix(root: Node) -> Iterable[Complaint]:
    """The `id` of a Response begins with resp_."""
    if root["id"].text and not root["id"].text.startswith("resp_"):
        yield root["id"], str(root["id"]), '"resp_…"'


@responses.rule(
    "status",
    over=responses_given,
    harm="agents cannot tell an answer from a failure, or go on with half an answer",
)
def status(root: Node) -> Iterable[Complaint]:
    """`status` is one of the six, `error` is given exactly with failed, and `incomplete_details` with incomplete."""
    state = root["status"].text
    if state not in STATUSES:
        yield root["status"], str(root["status"]), ", ".join(STATUSES)
        return
    if state != "failed" and root["error"]:
        harm = "code that looks at `error` first takes an answer for a failure"
        yield root["error"], f"{root['error']} in a Response that is {state}", "null", harm
    if state == "failed" and not _says_why(root["error"]) and root.document.event is None:
        yield root["error"], str(root["error"]), "an object with code and message", "users are not told why it failed"
    details = root["incomplete_details"]
    if state != "incomplete" and details:
        harm = "code that looks at `incomplete_details` takes a whole answer for half of one"
        yield details, f"{details} in a Response that is {state}", "null", harm
    if state == "incomplete" and details["reason"].text not in REASONS:
        harm = "agents cannot tell a limit, which can be raised, from a filter"
        yield details["reason"], str(details["reason"]), ", ".join(REASONS), harm


def _says_why(error: Node) -> bool:
    return bool(error["code"].text and error["message"].text)


@responses.rule("no-chat", over=responses_given, harm="clients find no text and count no tokens, or raise on the usage")
def no_chat(root: Node) -> Iterable[Complaint]:
    """A Response has neither `choices` nor the token counts of a chat completion."""
    if root["choices"].there:
        harm = "clients that tell the two APIs apart by `choices` read it as a chat completion"
        yield root["choices"], "the choices of a chat completion", "`output`", harm
    for name in _CHAT_COUNTS:
        if root["usage"][name].there:
            yield root["usage"][name], f"usage.{name}", ", ".join(COUNTS)
            return


@responses.rule("usage", over=finished, yields_to=(".no-chat",), harm="cost accounting raises or counts nothing")
def usage(root: Node) -> Iterable[Complaint]:
    """A finished Response has `usage` with whole numbers for `input_tokens`, `output_tokens` and `total_tokens`."""
    node = root["usage"]
    if node.kind != "object":
        yield node, str(node), "an object"
        return
    for name in COUNTS:
        if node[name].kind != "integer" or node[name].value < 0:
            yield node[name], str(node[name]), "a non-negative integer", harm_of_count(node[name])


def _usages(view: View) -> Iterable[Node]:
    roots = [*responses_given(view), *([view.root] if view.endpoint == "response compacted" and view.is_dict else [])]
    return (root["usage"] for root in roots if root["usage"].kind == "object")


@responses.rule(
    "usage-details",
    over=_usages,
    yields_to=(".no-chat",),
    harm="sums of cached or reasoning tokens raise: both are declared as always there",
)
def usage_details(node: Node) -> Iterable[Complaint]:
    """The details of `usage` give a number for cached and for reasoning tokens."""
    for name, member in DETAILS.items():
        count = node[name][member]
        if count.kind != "integer" or count.value < 0:
            where = count if node[name].kind == "object" else node[name]
            yield where, str(where), "a non-negative integer" if where is count else "an object"
    written = node["input_tokens_details"]["cache_write_tokens"]
    if written and (written.kind != "integer" or written.value < 0):
        yield written, str(written), "a non-negative integer", "sums of the tokens written to the cache raise"


@responses.rule(
    "usage-adds",
    over=_usages,
    yields_to=(".usage", ".no-chat"),
    harm="bills and budgets disagree with each other",
)
def usage_adds(node: Node) -> Iterable[Complaint]:
    """`total_tokens` is the sum of the other two, and cached and reasoning tokens are parts of them."""
    given, output, total = (node[name].number for name in COUNTS)
    if given is None or output is None or total is None:
        return
    if given + output != total:
        yield node["total_tokens"], f"{given} + {output} is not {total}", str(given + output)
    for (name, member), whole in zip(DETAILS.items(), COUNTS, strict=False):
        part = node[name][member].number
        if part is not None and part > (node[whole].number or 0):
            harm = "a price computed from the rest is negative"
            yield node[name][member], str(part), f"at most {whole} ({node[whole]})", harm


MEMBERS = (
    *("created_at", "error", "id", "incomplete_details", "instructions", "max_output_tokens", "metadata", "model"),
    *("object", "output", "parallel_tool_calls", "previous_response_id", "reasoning", "status", "store"),
    *("temperature", "text", "tool_choice", "tools", "top_p", "truncation", "usage", "user"),
)
"""What every genuine Response has, be it null."""
_OF_OTHERS = ("created_at", "id", "model", "object", "output", "status", "usage")
"""Members whose absence another rule names."""
KINDS = {
    **dict.fromkeys(("metadata", "reasoning", "text", "billing", "tool_usage"), ("object",)),
    **dict.fromkeys(("parallel_tool_calls", "store", "background"), ("boolean",)),
    "service_tier": ("string",),
    "top_logprobs": ("integer",),
    **dict.fromkeys(("temperature", "top_p", "frequency_penalty", "presence_penalty"), ("number", "integer")),
    "tool_choice": ("string", "object"),
    "tools": ("array",),
    "truncation": ("string",),
}
"""What is null in none of them: where the request does not say, the default stands."""


@responses.rule(
    "members",
    over=responses_given,
    level=SHOULD,
    harm="typed clients refuse the Response, and nobody can tell from it what it was made with",
)
def members(root: Node) -> Iterable[Complaint]:
    """A Response has every member that says its state, its output and its parameters, null only where there is none."""
    open_ = root.text_of("status") in ("queued", "in_progress")  # the usage of the others has a rule
    missing = [
        name for name in MEMBERS if name not in root.value and (name not in _OF_OTHERS or (open_ and name == "usage"))
    ]
    if missing:
        yield root, f"no {', '.join(missing[:6])}{' …' if len(missing) > 6 else ''}", "each of them, be it null"
    for name, kinds in KINDS.items():
        if root[name].there and root[name].kind not in kinds:
            yield root[name], str(root[name]), " or ".join(kinds), "typed clients refuse the Response"
    if root["reasoning"].kind == "object" and not root["reasoning"]["effort"].there:
        yield root["reasoning"]["effort"], "missing", "the effort, or null"
    if root["billing"].kind == "object" and not root["billing"]["payer"].text:
        yield root["billing"]["payer"], str(root["billing"]["payer"]), "who pays"
    if root["text"].kind == "object" and not root["text"]["format"]["type"].text:
        yield root["text"]["format"], str(root["text"]["format"]), "the format that was asked for"


RANGES = {"temperature": (0, 2), "top_p": (0, 1), "top_logprobs": (0, 20)}


@responses.rule(
    "ranges",
    over=responses_given,
    level=SHOULD,
    see=see.RESPONSE_CREATE,
    harm="asked again with what came back, OpenAI refuses it",
)
def ranges(root: Node) -> Iterable[Complaint]:
    """`temperature` is 0 to 2, `top_p` 0 to 1 and `top_logprobs` 0 to 20."""
    for name, (least, most) in RANGES.items():
        number = root[name].number
        if number is not None and not least <= number <= most:
            yield root[name], str(root[name]), f"{least} to {most}"


@responses.rule(
    "completed-at",
    over=responses_given,
    level=SHOULD,
    yields_to=(".status", ".object", "responses.stream.end-fits-status"),
    harm="reports of how long answers took are wrong",
)
def completed_at(root: Node) -> Iterable[Complaint]:
    """`completed_at`, where it is given, is null before the end, and then a time in seconds after `created_at`."""
    node = root["completed_at"]
    if not node:
        return
    if root.text_of("status") != "completed":
        yield node, f"{node} in a Response that is {root['status']}", "null"
    elif not is_time(node.value) or node.value < (root["created_at"].number or 0):
        yield node, str(node), "seconds since 1970, not before created_at"


@responses.rule("model", over=responses_given, harm="costs and logs are attributed to no model")
def model(root: Node) -> Iterable[Complaint]:
    """`model` is a non-empty string."""
    if not is_text(root.value.get("model")):
        yield root["model"], str(root["model"]), "a non-empty string"


def _moderation_results(view: View) -> Iterable[Node]:
    """Each result of a moderation that a Response carries."""
    for root in responses_given(view):
        for side in ("input", "output"):
            result = root["moderation"][side]
            if result.kind == "object" and result["categories"].there:
                yield result


@responses.rule(
    "moderation",
    over=_moderation_results,
    level=SHOULD,
    harm="a client that looks up the score of a flagged category finds none",
)
def moderation(result: Node) -> Iterable[Complaint]:
    """The maps of a moderation result name the same categories."""
    return complain_unless_same_categories(result)
