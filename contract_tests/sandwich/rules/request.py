"""The request side: what the caller sent arrives once, unchanged, and with nothing that is not its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Place
from contract_tests.sandwich.changes import Change, changes, reordered
from contract_tests.sandwich.pair import Pair, credential, error_of, operation
from fake_server.wire.exchange import Ending, Exchange, header_values
from fake_server.wire.text import format_count

request = Section(
    "sandwich.request",
    "Through a proxy: the request",
    see.CHAT_CREATE,
    relation=True,
    basis="what a caller sends is addressed to the upstream, and each clause is read from the bytes of both sides",
)
MESSAGES = ("messages", "input", "prompt", "instructions")
"""Members that hold what people and models wrote."""
SCHEMAS = ("tools", "functions", "response_format", "text")
"""Members that hold definitions of tools and of formats."""
RETRYABLE = (408, 409, 429)
"""Statuses below 500 for which the official SDKs ask again."""


def asked(pair: Pair) -> Iterator[Pair]:
    """The pair, if the upstream was asked for something."""
    if pair.arrived is not None:
        yield pair


def arrived(pair: Pair) -> Iterator[Pair]:
    """The pair, if the upstream was asked for the same operation, whose parameters can be compared."""
    if pair.is_same_operation and pair.sent:
        yield pair


def sent(pair: Pair) -> Iterator[Pair]:
    """The pair: every request was sent."""
    yield pair


def between(pair: Pair, wanted: Callable[[Change], bool]) -> Iterator[Change]:
    """The changes of the request, of members other than the model, that are `wanted`."""
    for change in changes(pair.sent, pair.arrived or {}):
        if change.path != ("model",) and wanted(change):
            yield change


def is_within(change: Change, names: Iterable[str]) -> bool:
    """Whether a change is within one of these members, which came."""
    is_whole = len(change.path) == 1 and (change.is_added or change.is_dropped or change.is_null_dropped)
    return bool(change.path) and change.path[0] in tuple(names) and not is_whole


def is_plain(change: Change) -> bool:
    """Whether a change is about neither messages nor schemas, or about such a member as a whole."""
    return not is_within(change, (*MESSAGES, *SCHEMAS))


@request.rule("reached", over=sent, harm="an answer is made up, or a cached one is taken for another question's")
def reached(pair: Pair) -> Iterable[Complaint]:
    """An answered request has reached the upstream."""
    if not pair.upstream and pair.caller.ok:
        yield Place(), f"status {pair.caller.status} without a request to the upstream"


@request.rule(
    "refused-by-name", over=sent, harm="the caller cannot tell what to leave out, and takes the proxy for broken"
)
def refused_by_name(pair: Pair) -> Iterable[Complaint]:
    """A proxy that does not pass a parameter on refuses it by its name with a 4xx."""
    if pair.upstream or pair.caller.ok:
        return
    name = pair.probe.partition(".")[0]
    error = error_of(pair.caller) or {}
    words = f"{error.get('param')} {error.get('message')}"
    if not (400 <= pair.caller.status < 500 and name and name in words):
        shown = f"status {pair.caller.status or 'none'}: {error.get('message') or 'no error object'}"
        yield Place(path=(name,) if name else ()), shown, f"a 4xx that names {name}" if name else "an answer"


@request.rule("once", over=sent, harm="each request is paid twice, and what a tool does is done twice")
def once(pair: Pair) -> Iterable[Complaint]:
    """A request that the upstream has answered is not sent to it again."""
    if len(pair.upstream) > 1 and not all(may_be_asked_again(each) for each in pair.upstream[:-1]):
        statuses = ", ".join(str(each.status or "no reply") for each in pair.upstream)
        yield (
            Place(),
            f"{format_count(len(pair.upstream), 'request')} to the upstream, answered {statuses}",
            "one request",
        )


def may_be_asked_again(exchange: Exchange) -> bool:
    """Whether an attempt failed in such a way that another may succeed, before the caller had any of it."""
    if exchange.status is None or exchange.ending is not Ending.CLEAN:
        return True
    return exchange.status in RETRYABLE or exchange.status >= 500


@request.rule("retries", over=sent, harm="an outage is made worse, and the caller's own retries are multiplied")
def retries(pair: Pair) -> Iterable[Complaint]:
    """A failed request is sent again as often as the proxy declares, at most."""
    extra = len(pair.upstream) - 1
    if extra > pair.retries and all(may_be_asked_again(each) for each in pair.upstream[:-1]):
        yield Place(), format_count(extra, "retry", "retries"), f"{pair.retries} at most"


@request.rule("method-and-path", over=asked, harm="another operation is asked for than the caller meant")
def method_and_path(pair: Pair) -> Iterable[Complaint]:
    """The upstream is asked for the same operation, by the same method and path below /v1."""
    if not pair.is_same_operation:
        yield Place(), operation(pair.upstream[0]), operation(pair.front)


KEPT_OPTIONS = frozenset(("close", "keep-alive"))
HOP_BY_HOP = ("proxy-authorization", "proxy-connection", "te", "trailer", "keep-alive")
"""Fields that concern the connection to the proxy alone, beside those that Connection names."""


def of_one_hop(pair: Pair) -> Iterator[tuple[Pair, set[str]]]:
    """The pair with the names of the fields that the caller sent for the proxy alone."""
    fields = pair.front.request.headers or ()
    named = ",".join(header_values(fields, "connection")).lower().split(",")
    names = {name.strip() for name in (*named, *HOP_BY_HOP)} - KEPT_OPTIONS
    if pair.upstream and (sent := names & {name.lower() for name, _ in fields}):
        yield pair, sent


@request.rule(
    "hop-by-hop",
    over=of_one_hop,
    see=f"{see.HTTP}#section-7.6.1",
    harm="what was meant for the proxy alone, such as its password, is given to another company",
)
def hop_by_hop(pair: Pair, names: set[str]) -> Iterable[Complaint]:
    """Header fields that concern one connection, and those that Connection names, do not arrive."""
    for name, value in pair.upstream[0].request.headers or ():
        if name.lower() in names:
            yield Place(), f"{name}: {value}", "no such field"


@request.rule("model", over=arrived, harm="another model answers than was asked, at another price")
def model(pair: Pair) -> Iterable[Complaint]:
    """The model arrives as the caller named it."""
    for change in changes(pair.sent.get("model"), (pair.arrived or {}).get("model")):
        yield Place(path=("model", *change.path)), *change.shown[1:]


@request.rule("dropped", over=arrived, harm="the parameter has no effect, and nobody says so")
def dropped(pair: Pair) -> Iterable[Complaint]:
    """Each parameter that was sent arrives."""
    for change in between(pair, lambda change: change.is_dropped and is_plain(change)):
        yield change.shown


@request.rule("null-kept", over=arrived, level=SHOULD, harm="what was switched off by null has its default again")
def null_kept(pair: Pair) -> Iterable[Complaint]:
    """A parameter that was sent as null arrives as null."""
    for change in between(pair, lambda change: change.is_null_dropped and is_plain(change)):
        yield change.shown


@request.rule("changed", over=arrived, harm="the model is asked for something else, and nobody says so")
def changed(pair: Pair) -> Iterable[Complaint]:
    """Each parameter arrives with the value that was sent."""
    for change in between(pair, lambda change: change.is_changed and is_plain(change)):
        yield change.shown


@request.rule("number", over=arrived, harm="seeds, ids and penalties are others than were sent")
def number(pair: Pair) -> Iterable[Complaint]:
    """Each number of a parameter arrives with all its digits."""
    for change in between(pair, lambda change: change.is_number and is_plain(change)):
        yield change.shown


@request.rule("added", over=arrived, harm="a strict upstream refuses what nobody sent, or its answer is another one")
def added(pair: Pair) -> Iterable[Complaint]:
    """The upstream gets no parameter that the caller did not send."""
    for change in between(pair, lambda change: change.is_added and is_plain(change)):
        yield change.shown


@request.rule("messages", over=arrived, harm="the model reads another conversation than the caller wrote")
def messages(pair: Pair) -> Iterable[Complaint]:
    """Messages arrive word for word, in their order, with all their members."""
    for change in between(pair, lambda change: is_within(change, MESSAGES)):
        yield change.shown


@request.rule("schemas", over=arrived, harm="the model fills in another schema than the one the caller checks against")
def schemas(pair: Pair) -> Iterable[Complaint]:
    """The definitions of tools and formats arrive as they were sent."""
    for change in between(pair, lambda change: is_within(change, SCHEMAS)):
        yield change.shown


@request.rule(
    "schema-order", over=arrived, level=SHOULD, harm="the model writes the members in another order than was designed"
)
def schema_order(pair: Pair) -> Iterable[Complaint]:
    """The members of schemas arrive in the order in which they were sent."""
    for name in SCHEMAS:
        for change in reordered(pair.sent.get(name), (pair.arrived or {}).get(name)):
            yield Place(path=(name, *change.path)), *change.shown[1:]


@request.rule("caller-key", over=sent, harm="the caller's credential is given to another company", see=see.KEY_SAFETY)
def caller_key(pair: Pair) -> Iterable[Complaint]:
    """The caller's key does not reach the upstream."""
    if not pair.caller_key or pair.caller_key == pair.upstream_key:
        return
    for each in pair.upstream:
        held = [name for name, value in each.request.headers or () if pair.caller_key in value]
        held += ["the URL"] if pair.caller_key in each.request.target else []
        held += ["the body"] if pair.caller_key.encode() in each.request.body else []
        for name in held:
            yield Place(), f"the caller's key in {name}", "the upstream's own key"


@request.rule(
    "upstream-key", over=asked, harm="the upstream refuses the request, or bills somebody else", see=see.KEY_SAFETY
)
def upstream_key(pair: Pair) -> Iterable[Complaint]:
    """The upstream is asked with the key that the proxy was given for it."""
    if not pair.upstream_key or credential(pair.upstream[0]) in (pair.upstream_key, pair.caller_key):
        return
    found = "another key" if credential(pair.upstream[0]) else "no key"
    yield Place(), found, "the key that was given for the upstream"
