"""Where an answer comes from: the model that gave it, and when."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from itertools import islice

from contract_tests.rules.chat.chunks import chat_stream
from contract_tests.rules.chat.reply import chat
from contract_tests.rules.embeddings import embedding_lists, embeddings
from contract_tests.rules.engine import references as see
from contract_tests.rules.engine.judge import NOTE, SHOULD, Complaint, Section
from contract_tests.rules.engine.node import Node
from contract_tests.rules.engine.subjects import dicts
from contract_tests.rules.engine.view import View
from contract_tests.rules.shared.reply import is_time
from fake_server.wire.exchange import Aspect
from fake_server.wire.http_date import parse_http_date

Roots = Callable[[View], Iterable[Node]]
"""What stands for a reply: the dict, or the first chunk."""

_DATED = re.compile(r".+-\d{4}-\d{2}-\d{2}")
_POINTERS = ("preview", "latest")
"""Last words of names that point to whatever model of their family is the newest."""


def _words(name: str) -> list[str]:
    """The parts of a name; its vendor and variant (`vendor/model:free`) are no parts of it."""
    return re.split(r"[-_@]", name.casefold().rsplit("/", 1)[-1].partition(":")[0])


def _is_version_of(answered: str, asked: str) -> bool:
    """Whether the names differ in versions alone: words that hold a digit, `mini` and `turbo` do not."""
    given, wanted = _words(answered), _words(asked)
    if wanted[-1] in _POINTERS:
        return given[0] == wanted[0]
    more, fewer = sorted((given, wanted), key=len, reverse=True)
    rest = [word for word in more if word not in fewer]
    numbers = all(re.search(r"\d", word) or word in _POINTERS for word in rest)
    return numbers and all(word in more for word in fewer)


def _named_models(view: View, roots: Roots, *, dated: bool) -> Iterable[tuple[Node, str]]:
    """The model of a reply, and the one that was asked for."""
    asked = view.request["model"].text
    if asked and (_DATED.fullmatch(asked) is not None) is dated:
        yield from ((root["model"], asked) for root in roots(view) if root["model"].text.strip())


def _first_chunks(view: View) -> Iterable[Node]:
    """The first chunk that names a model: one with a content filter's verdict alone does not."""
    if view.endpoint == "chat" and view.is_stream:
        yield from islice((chunk for chunk in view.chunks if chunk["model"].text.strip()), 1)


def add_dated_model(section: Section, roots: Roots) -> None:
    """Register dated-model, for requests that name a model with its date."""

    @section.rule(
        "dated-model",
        over=lambda view: _named_models(view, roots, dated=True),
        level=SHOULD,
        needs=[Aspect.REQUEST],
        see=see.CHAT_CREATE,
        harm="a pinned snapshot is replaced by another, and nobody notices",
    )
    def dated_model(node: Node, asked: str) -> Iterable[Complaint]:
        """A model that is requested by its dated name answers under exactly that name."""
        if node.text != asked:
            yield node, str(node), f'"{asked}"'


def add_other_model(section: Section, roots: Roots, create: str, harm: str) -> None:
    """Register other-model, for requests that name a model without a date."""

    @section.rule(
        "other-model",
        over=lambda view: _named_models(view, roots, dated=False),
        level=NOTE,
        needs=[Aspect.REQUEST],
        see=create,
        yields_to=("errors.unknown-model",),
        harm=harm,
    )
    def other_model(node: Node, asked: str) -> Iterable[Complaint]:
        """The model that answers is the one requested, or a version of it."""
        if not _is_version_of(node.text, asked):
            yield node, str(node), f'"{asked}", or a version of it'


_OLD = timedelta(days=1)


def created_and_sent(view: View, roots: Iterable[Node]) -> Iterable[tuple[Node, datetime]]:
    """The `created` of a reply that says when it was sent, and when that was."""
    if (sent := parse_http_date(view.exchange.header("date"))) is not None:
        yield from ((root["created"], sent) for root in roots if is_time(root["created"].value))


def is_apart(node: Node, sent: datetime, limit: timedelta) -> bool:
    """Whether a reply was created at another time than it was sent."""
    return abs(datetime.fromtimestamp(node.value, UTC) - sent) > limit


def add_created_now(section: Section, roots: Roots) -> None:
    """Register created-now, for replies that say when they were sent."""

    @section.rule(
        "created-now",
        over=lambda view: created_and_sent(view, roots(view)),
        level=NOTE,
        see=see.CHAT_OBJECT,
        harm="histories sorted by time are out of order; the answer may be an old one from a cache",
    )
    def created_now(node: Node, sent: datetime) -> Iterable[Complaint]:
        """`created` is within a day of the Date field."""
        if is_apart(node, sent, _OLD):
            yield node, f"{node}, sent {sent:%Y-%m-%d}", f"about {sent.timestamp():.0f}"


_PRICES = "prices, limits and tests are those of a model that did not answer"
_VECTORS = "vectors of another model are near to nothing that was stored before"

add_dated_model(chat, dicts)
add_dated_model(chat_stream, _first_chunks)
add_other_model(chat, dicts, see.CHAT_CREATE, _PRICES)
add_other_model(chat_stream, _first_chunks, see.CHAT_CREATE, _PRICES)
add_other_model(embeddings, embedding_lists, see.EMBEDDING_CREATE, _VECTORS)
add_created_now(chat, dicts)
add_created_now(chat_stream, _first_chunks)
