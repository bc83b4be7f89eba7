"""What a Response says, whichever form it came in, so that several can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from contract_tests.rules.engine.answers import normalize_arguments, whole_text
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.response_stream import items_of
from contract_tests.rules.engine.subjects import computed_once
from contract_tests.rules.engine.view import View
from contract_tests.rules.responses.subjects import CALLS, responses_given, texts_of


@dataclass(frozen=True, slots=True)
class Said:
    """A Response: `root` is the object, `types` those of its items, less reasoning, which comes or not."""

    root: Node
    text: str
    calls: tuple[tuple[str, str], ...]
    types: tuple[str, ...]

    @property
    def input_tokens(self) -> int | None:
        """The tokens of the input that its usage counts."""
        count = self.root["usage"]["input_tokens"]
        return count.value if count.kind == "integer" else None

    @property
    def end(self) -> str:
        """The status, and why it is incomplete."""
        return " ".join(filter(None, (self.root.text_of("status"), self.root["incomplete_details"]["reason"].text)))


@computed_once
def _all_said(view: View) -> Iterator[Said]:
    for root in responses_given(view):
        items = list(items_of(root))
        calls = tuple(
            (item["name"].text, normalize_arguments(item["arguments"].text or item["input"].text))
            for item in items
            if item.text_of("type") in CALLS
        )
        types = tuple(kind for item in items if (kind := item.text_of("type")) != "reasoning")
        yield Said(root, "".join(node.text for node in texts_of(root)), calls, types)


def said_in(view: View) -> Said | None:
    """What a Response says that has an end; None where there is none."""
    return next(iter(_all_said(view)), None) if view.ok else None


def said_of(views: list[View]) -> list[Said]:
    """What those of the replies say that are Responses."""
    return [said for said in map(said_in, views) if said]


def text_of_reply(view: View) -> str:
    """All a reply says in text, be it of chat, of text completions, or a Response."""
    said = said_in(view)
    return said.text if said else whole_text(view)


def same_answer(view: View) -> tuple[object, ...]:
    """What two replies are compared by to find whether equal requests have equal answers; empty for no answer."""
    said = said_in(view)
    return (said.text, said.calls, said.end) if said else ()


def facts_of(view: View) -> dict[str, object]:
    """What rules compare of a Response however it is worded, by name."""
    said = said_in(view)
    return {"types": said.types, "end": said.end, "input_tokens": said.input_tokens} if said else {}
