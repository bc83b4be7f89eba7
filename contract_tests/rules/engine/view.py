"""What rules read: an Exchange with its body decoded, parsed and sorted into events and chunks."""

from __future__ import annotations

from functools import cached_property
from typing import Any

from contract_tests.rules.engine.endpoints import endpoint_of, is_of_responses
from contract_tests.rules.engine.failures import is_failure, is_flat_error
from contract_tests.rules.engine.kinds import is_completion, is_count_alone, is_of_another_kind
from contract_tests.rules.engine.node import Budget, Document, Node, Place
from contract_tests.rules.engine.stream import StreamedChoice, assemble
from fake_server.wire import jsontext, sse
from fake_server.wire.coding import decode_content
from fake_server.wire.exchange import Aspect, Ending, Exchange

_EVENT_STARTS = (b"data:", b"event:", b"id:", b"retry:", b":")
MAX_LINES = 600_000
"""Lines of a stream that are judged: 200,000 events of three. A hostile stream of 16 MiB has millions."""


class Payload:
    """The data of one event, parsed, and its root."""

    __slots__ = ("event", "node", "parsed", "text")

    def __init__(self, event: sse.Event, text: bytes, parsed: jsontext.Document, budget: Budget) -> None:
        self.event, self.text, self.parsed = event, text, parsed
        self.node = Node(parsed.value, Document(text, event, budget))

    @property
    def done(self) -> bool:
        """Whether the data is [DONE]."""
        return self.text.strip() == b"[DONE]"


class View:
    """One exchange, read lazily: every property is computed once, when a rule first needs it.

    `secrets` were sent with the request, though the exchange does not hold them: keys, which are put in later.
    """

    def __init__(self, exchange: Exchange, max_depth: int = jsontext.MAX_DEPTH, secrets: tuple[str, ...] = ()) -> None:
        self.exchange, self._max_depth, self.secrets = exchange, max_depth, secrets
        self.listed: dict[object, list[Any]] = {}
        """Cache of `subjects.computed_once`."""
        self.budget = Budget()

    # -- what was asked

    @cached_property
    def endpoint(self) -> str:
        """The operation that was asked for, as `endpoint_of` names it; '' for others."""
        return endpoint_of(self.exchange.request.method, self.exchange.request.path)

    @property
    def is_of_responses(self) -> bool:
        """Whether the operation is one of Responses or of conversations."""
        return is_of_responses(self.endpoint)

    @cached_property
    def request_value(self) -> Any:
        """The JSON value of the request's body, None if it is not JSON."""
        return self.exchange.request.json()

    @cached_property
    def request(self) -> Node:
        """The JSON body of the request; an empty object if it is not a JSON object."""
        body = self.request_value
        return Node(body if isinstance(body, dict) else {}, Document(self.exchange.request.body, None, self.budget))

    @property
    def wants_stream(self) -> bool:
        """Whether the request has `stream: true`."""
        return self.request["stream"].value is True

    @cached_property
    def wanted_choices(self) -> int:
        """How many choices were requested: `n`, for each prompt of a text completion."""
        n = self.request["n"].value
        return (n if isinstance(n, int) and n > 0 else 1) * self._prompts

    @property
    def _prompts(self) -> int:
        """How many texts (or lists of tokens) `prompt` holds; a list of integers is one."""
        prompt = self.request["prompt"].value if self.endpoint == "completions" else None
        several = isinstance(prompt, list) and any(not isinstance(item, int) for item in prompt)
        return len(prompt) if isinstance(prompt, list) and several else 1

    # -- what came back

    @property
    def status(self) -> int:
        """The status code, 0 where no head arrived."""
        return self.exchange.status or 0

    @cached_property
    def fields(self) -> dict[str, str]:
        """The header fields of the reply by their names in lower case, repeated ones joined as `header` joins them."""
        values: dict[str, list[str]] = {}
        for name, value in self.exchange.headers:
            values.setdefault(name.lower(), []).append(value)
        return {name: ", ".join(same) for name, same in values.items()}

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return 200 <= self.status < 300

    @property
    def whole(self) -> bool:
        """Whether the reply came to its own end, and all of it is judged; an unknown ending counts as one."""
        return self.exchange.ending in (Ending.CLEAN, Ending.UNKNOWN) and not self.is_cut

    @cached_property
    def _decoded(self) -> tuple[bytes, str]:
        return decode_content(self.exchange)

    @property
    def body(self) -> bytes:
        """The body without content coding."""
        return self._decoded[0]

    @property
    def coding_problem(self) -> str:
        """Why the content coding could not be undone to the end, '' if it could."""
        return self._decoded[1]

    @cached_property
    def form(self) -> str:
        """What the body is: 'events', 'json', 'other' or 'empty'. Clear bytes outweigh the Content-Type."""
        start = self.body.removeprefix(sse.BOM).lstrip(b" \t\r\n")
        typed = self.exchange.media_type
        if not start:
            return "empty"
        refused = self.is_refusal and start[:1] == b"{"  # an error object, whatever it is typed as
        if (typed == "text/event-stream" and not refused) or start.startswith(_EVENT_STARTS):
            return "events"
        if typed == "application/octet-stream" and self.ok and not self.endpoint:
            return "other"  # the content of a file, whatever is in it
        if start[:1] in b"{[" or (typed or "").endswith("json"):
            return "json"
        return "other"

    @cached_property
    def document(self) -> jsontext.Document:
        """The body parsed as JSON, with what is wrong with it."""
        return self._parse(self.body)

    def _parse(self, text: bytes) -> jsontext.Document:
        return jsontext.parse(text, self._max_depth, jsontext.MAX_VALUES)

    @cached_property
    def root(self) -> Node:
        """The JSON body; a node without a value where the body is not JSON."""
        return Node(self.document.value if self.form == "json" else None, Document(self.body, None, self.budget))

    @cached_property
    def events(self) -> list[sse.Event]:
        """The server-sent events of the body, incomplete ones included; none if it is not a stream."""
        return sse.decode(self.body[: self._stream_end]) if self.form == "events" else []

    @cached_property
    def _stream_end(self) -> int:
        """Where that part of a stream ends which is judged: behind MAX_LINES lines."""
        return sse.end_of_lines(self.body, MAX_LINES) if self.form == "events" else len(self.body)

    @property
    def is_cut(self) -> bool:
        """Whether a stream has more lines than are judged."""
        return self._stream_end < len(self.body)

    @cached_property
    def payloads(self) -> list[Payload]:
        """Every event that has data, [DONE] included."""
        payloads = []
        for event in self.events:
            text = event.raw_data
            if text is not None:
                payloads.append(Payload(event, text, self._parse(text), self.budget))
        return payloads

    @cached_property
    def messages(self) -> list[Node]:
        """The JSON objects of a stream, up to the first [DONE] and after it alike."""
        return [payload.node for payload in self.payloads if isinstance(payload.parsed.value, dict)]

    @cached_property
    def _sorted_messages(self) -> tuple[list[Node], list[Node], list[Node]]:
        chunks: list[Node] = []
        errors: list[Node] = []
        strays: list[Node] = []
        streams_chunks = self.endpoint in ("chat", "completions")
        for node in self.messages:
            failed = self.is_of_responses and node.text_of("type") == "error"  # flat, by the reference
            if failed or node.says("error") or (streams_chunks and is_flat_error(node)):
                errors.append(node)
            elif errors and streams_chunks and not is_count_alone(node):
                continue  # nobody reads it: clients end with the error
            elif streams_chunks and (is_of_another_kind(node, self.endpoint) or not is_completion(node)):
                strays.append(node)
            else:
                chunks.append(node)
        return chunks, errors, strays

    @cached_property
    def chunks(self) -> list[Node]:
        """The objects of a stream that are chunks; of those that each come twice, the first."""
        chunks = self._sorted_messages[0]
        return chunks[::2] if self.is_doubled else chunks

    @cached_property
    def is_doubled(self) -> bool:
        """Whether each chunk of a stream comes twice; two that are alike may be chance."""
        chunks = self._sorted_messages[0]
        if len(chunks) < 4 or len(chunks) % 2:
            return False
        return all(one.value == other.value for one, other in zip(chunks[::2], chunks[1::2], strict=True))

    @property
    def error_events(self) -> list[Node]:
        """The objects of a stream that report an error, as `error` or in a form of their own."""
        return self._sorted_messages[1]

    @property
    def ends_in_text(self) -> bool:
        """Whether the last data of a stream, less [DONE], is no JSON object: a message of whatever broke it off."""
        last = next((payload for payload in reversed(self.payloads) if not payload.done), None)
        return last is not None and not isinstance(last.parsed.value, dict)

    @property
    def strays(self) -> list[Node]:
        """The objects of a stream that are neither chunks nor errors."""
        return self._sorted_messages[2]

    @property
    def holds_another_answer(self) -> bool:
        """Whether events of a stream have choices, but in another form: a part of the answer, or all of it."""
        return any(node.value.get("choices") for node in self.strays)

    @cached_property
    def streamed(self) -> list[StreamedChoice]:
        """The choices of the stream, each put together from its chunks."""
        choices = assemble(self.chunks)
        for choice in choices:
            choice.is_doubled = self.is_doubled
        return choices

    @property
    def end(self) -> Place:
        """The place where the body stops."""
        return Place(offset=len(self.body))

    # -- the three forms of a reply that rules are written for

    @property
    def is_dict(self) -> bool:
        """A successful JSON object that is no error."""
        return self.ok and self.form == "json" and isinstance(self.root.value, dict) and not self.failure

    @cached_property
    def failure(self) -> Node:
        """The member that makes a successful JSON body an error after all; false where there is none.

        A Response, a job or a file that failed has `error` by the reference: its `object` says what it is.
        """
        root = self.root
        if (not self.endpoint or self.is_of_responses) and root["object"].text not in ("", "error"):
            return Node(None, root.document)
        if root["object"].value == "error":  # vLLM and SGLang: a flat error
            return root["object"]
        if root["error"] or root["object"].there or not is_failure(root.value):
            return root["error"]
        return root["detail"] or root

    @property
    def is_failed_success(self) -> bool:
        """An error in JSON with a status that calls it a success."""
        return self.ok and self.form == "json" and bool(self.failure)

    @property
    def is_stream(self) -> bool:
        """A successful reply in events that holds at least one JSON object."""
        return self.ok and self.form == "events" and bool(self.messages)

    @property
    def is_refusal(self) -> bool:
        """A reply with a 4xx or 5xx status."""
        return self.status >= 400

    def knows(self, *aspects: Aspect) -> bool:
        """Whether the exchange holds all of these aspects of what crossed the wire."""
        return self.exchange.knows(*aspects)
