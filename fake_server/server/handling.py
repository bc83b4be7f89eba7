"""One request under way: read once, answered once, broken where a fault strikes."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response

from fake_server import bugs
from fake_server.api.render.style import Style
from fake_server.api.reply import ErrorReply
from fake_server.api.request import ApiRequest
from fake_server.faults import Fault, FaultError
from fake_server.faults.active import Armed, broken
from fake_server.faults.base import HEADER
from fake_server.faults.between import CrossTalk, OneSlot
from fake_server.faults.requests import Misread
from fake_server.server import body
from fake_server.server.error_response import clean_headers, error_response, to_json
from fake_server.server.paths import ENTRY, STYLE
from fake_server.server.response import DeliveryResponse
from fake_server.server.settings import Settings
from fake_server.server.socket_writer import pause
from fake_server.server.state.journal import JournalEntry
from fake_server.server.state.space import SPACE, Space
from fake_server.wire.delivery import Delivery, fixed_length
from fake_server.wire.exchange import Ending


class RequestContext:
    """A request with what it needs to be answered.

    `raw` are the bytes of its body, `taken` says whether they were read, `asking` what they ask. Who answers
    notes here the `script` that did, its `faults`, and the `tokens` that count for a quota.
    """

    def __init__(self, request: Request) -> None:
        self.request = request
        self.settings: Settings = request.app.state.settings
        self.space: Space = request.scope[SPACE]
        self.entry: JournalEntry = request.scope[ENTRY]
        self.raw, self.taken = b"", False
        self.asking = ApiRequest.at(self.entry.path, self.entry.fields)
        self.faults: tuple[Fault, ...] = ()
        self.tokens = 0

    @property
    def style(self) -> Style:
        """How the reply is written; equal requests are written alike."""
        style = self.settings.style_of(self.raw or self.entry.path.encode())
        self.request.scope[STYLE] = style
        return style

    async def read(self) -> None:
        """Take the body in. Raises body.Refused for one that cannot be read."""
        body.check_type(self.entry.fields)
        self.taken = True
        raw = await body.read(
            self.request, self.entry.fields, self.settings.max_body, self.settings.body_timeout
        )
        self.raw = self.entry.body = raw
        self.asking = self.asking.but(body.parse(raw))


Answer = Callable[[RequestContext], Awaitable[Delivery]]
"""What answers a visit."""


def operation(answer: Answer, *, reads: bool = True) -> Callable[[Request], Awaitable[Response]]:
    """An endpoint of the app. `reads` is false where requests have no body."""

    async def endpoint(request: Request) -> Response:
        visit = RequestContext(request)
        try:
            return await _answered(visit, await _read(visit, answer) if reads else answer)
        except bugs.BugError as error:
            return error_response(ErrorReply(400, str(error), param=bugs.HEADER, code="invalid_value"))
        except FaultError as error:
            return error_response(ErrorReply(400, str(error), param=HEADER, code="invalid_value"))

    return endpoint


async def _read(visit: RequestContext, answer: Answer) -> Answer:
    """What answers once the body is read: `answer`, or the refusal of a body that cannot be read."""
    try:
        await visit.read()
    except body.Refused as refused:
        return refusing(refused.reply)
    return answer


def refusing(error: ErrorReply) -> Answer:
    """What answers any visit with this refusal, which faults strike as they do every reply."""

    async def refused(_: RequestContext) -> Delivery:
        return refusal(error)

    return refused


async def _answered(visit: RequestContext, answer: Answer) -> Response:
    struck = visit.space.faults.striking(visit.asking) if visit.space.faults else []
    struck.sort(key=lambda one: "bug" in one.written and one.fault.fault == "no-done")  # others count events
    faults = [one.fault for one in struck]
    if HEADER in visit.entry.fields:
        from fake_server.faults.header import read  # few requests name any

        faults += _drawn(visit, read(visit.entry.fields[HEADER]))
    faults += _played(visit)
    for one in tuple(faults):
        if isinstance(one, CrossTalk) and visit.taken:
            await _crossed(visit, one)
        elif isinstance(one, Misread):
            faults += [told] if (told := one.echoed(visit.asking.body)) else []
            visit.asking = visit.asking.but(one.asked(visit.asking.body))
    delivery = _refused(struck)
    if delivery is not None:
        visit.entry.faults = ("quota",)
        return DeliveryResponse(delivery)
    instead = [one for one in faults if one.instead]
    if instead:
        delivery = instead[0].apply(Delivery(500, (), ()))
        faults = [one for one in faults if one is not instead[0]]
        visit.entry.faults = (instead[0].fault,)
    else:
        delivery = _counted(await answer(visit), struck, visit.tokens)
        faults += _drawn(visit, visit.faults)
    if faults:
        delivery, notes = broken(delivery, faults)
        visit.entry.faults += notes
    for one in faults:
        if isinstance(one, OneSlot):
            delivery = visit.space.slot.turn(delivery, one)
    if delivery.ending is not Ending.CLEAN and not visit.taken:
        # A socket that is closed with bytes unread resets the connection, and what was sent may be lost.
        await body.drain(visit.request, visit.settings.max_body)
    return DeliveryResponse(delivery)


async def _crossed(visit: RequestContext, fault: CrossTalk) -> None:
    """Let the visit say what another one says that is still under way, or comes while its client waits."""
    await pause(visit.request.receive, fault.wait)
    others = (
        one.json
        for one in visit.space.journal.entries()
        if one is not visit.entry and one.path == visit.entry.path and one.status is None
    )
    body = next((body for body in others if isinstance(body, dict)), {})
    words = {name: body[name] for name in ("messages", "prompt", "input") if name in body}
    visit.asking = visit.asking.but({**visit.asking.body, **words})


def _played(visit: RequestContext) -> list[Fault]:
    """The faults of the bugs of the server, and of those that the request's header names."""
    told = visit.entry.fields.get(bugs.HEADER)
    if told is None and not visit.settings.bugs:
        return []
    from fake_server.bugs.catalogue import bugs_named, playing

    played = (*visit.settings.bugs, *bugs_named(told or ""))
    return [one for one in playing(played, visit.asking) if not one.pages]


def _drawn(visit: RequestContext, faults: list[Fault] | tuple[Fault, ...]) -> list[Fault]:
    return [one for one in faults if visit.space.faults.drawn(one)]


def _refused(struck: list[Armed]) -> Delivery | None:
    refusals = (one.buckets.refuse() for one in struck if one.buckets)
    return next((refusal for refusal in refusals if refusal is not None), None)


def _counted(delivery: Delivery, struck: list[Armed], tokens: int) -> Delivery:
    """The reply with the header fields of the quotas, which it uses up."""
    told: dict[str, str] = {}
    for one in struck:
        if one.buckets:
            one.buckets.spend(tokens)
            told |= one.buckets.headers()
    if not told:
        return delivery
    kept = tuple(pair for pair in delivery.headers if pair[0] not in told)
    return delivery.but(headers=(*kept, *told.items()))


def refusal(error: ErrorReply) -> Delivery:
    """OpenAI's error object with its status and headers."""
    headers = {"content-type": "application/json", **clean_headers(error.headers)}
    return fixed_length(error.status, tuple(headers.items()), to_json(error.body()))
