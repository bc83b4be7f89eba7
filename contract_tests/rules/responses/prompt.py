"""Section responses: the prompt template that a Response names, beside the one that was asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint
from contract_tests.rules.engine.node import Node, show
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.reply import responses
from contract_tests.rules.responses.subjects import answers_to_requests
from fake_server.relay.redact import holds_dummy
from fake_server.wire.exchange import Aspect

_TEXTS = ("text", "file_id", "file_url", "image_url", "detail", "type")
"""Members of a variable that come back as they were sent; the bytes of a file do not."""
_SOURCES = ("file_id", "file_url", "image_url")
"""What is null in a variable that was sent without it."""


def _prompts(view: View) -> Iterator[tuple[Node, Node]]:
    """The prompt that came back, beside the one that was sent."""
    sent = view.request["prompt"]
    for root in answers_to_requests(view) if sent.kind == "object" else ():
        yield root["prompt"], sent


@responses.rule(
    "prompt",
    over=_prompts,
    level=SHOULD,
    needs=[Aspect.REQUEST],
    see=see.RESPONSE_CREATE,
    harm="the model is given another template, or one with another text put in, and nobody is told",
)
def prompt(node: Node, sent: Node) -> Iterable[Complaint]:
    """`prompt` comes back with the id, the version and the variables that were sent, a text as an input_text."""
    for name in ("id", "version"):
        if sent[name] and node[name].value != sent[name].value:
            yield node[name], str(node[name]), str(sent[name])
    given = sent["variables"]
    for name in given.value if given.kind == "object" else ():
        own, back = given[name], node["variables"][name]
        wanted = own.value if own.kind == "object" else {"type": "input_text", "text": own.value}
        for member in _TEXTS:
            if _differs(back[member], wanted.get(member)):
                yield back[member], str(back[member]), f"{show(wanted[member])}, as it was sent"
            elif member in _SOURCES and member not in wanted and back[member]:
                yield back[member], str(back[member]), "null: it was not sent"


def _differs(back: Node, value: object) -> bool:
    """Whether a text came back as another one: bytes in a URL come back in another form, secrets masked."""
    if not isinstance(value, str) or value.startswith("data:"):
        return False
    if back.value is None and back.path[-1] == "image_url":  # it comes back where `include` asks for it
        return False
    return back.value != value and not holds_dummy(back.text)
