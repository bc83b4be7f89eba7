"""POST /embeddings: a vector for each text, or what a script that is no answer in words says."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any

from fake_server.api import errors, tokens
from fake_server.api import vectors as embedding
from fake_server.api.render.templates import PLACEHOLDERS
from fake_server.api.reply import ErrorReply, NumbersReply, RawReply
from fake_server.api.validate.completions import CONTEXT_SIZES
from fake_server.api.validate.embeddings import validate_embeddings
from fake_server.api.validate.models import is_chat_model, is_served
from fake_server.server.answer import answer_numbers
from fake_server.server.deliveries import deliver_directly, deliver_json
from fake_server.server.request_context import RequestContext
from fake_server.server.settings import Settings
from fake_server.wire.budget import hold
from fake_server.wire.delivery import Delivery

MARK = PLACEHOLDERS[0]
_NUMBER, _PACKED = 20, 6
"""Bytes of a number of a vector, as JSON and in base64."""


def create_embeddings(context: RequestContext) -> Delivery:
    """A vector for each text."""
    body = context.request.body
    scripted = _refusal(body, context.settings) or scripted_numbers(context, as_chat(body))
    if isinstance(scripted, (ErrorReply, RawReply)):
        return deliver_directly(scripted, context.settings.seed)
    context.tokens = count = sum(max(tokens.count(text), 1) for text in tokens.prompt_texts(body["input"]))
    vectors = _vectors(body, scripted.embedding)
    before, *after = context.style.serialize(_listed(body, count, repeat(MARK))).split(b'"%s"' % MARK.encode())
    pieces = [before]
    for vector, rest in zip(vectors, after, strict=True):  # one by one: as numbers they take three times the room
        pieces += (context.style.serialize(vector), rest)
    return deliver_json(b"".join(pieces), count)


def embeddings_of(body: Mapping[str, Any], count: int, same: Sequence[float] | None = None) -> dict[str, Any]:
    """The API's list of embeddings for a good request of `count` tokens; `same`: the vector of every text."""
    return _listed(body, count, _vectors(body, same))


def _vectors(body: Mapping[str, Any], same: Sequence[float] | None) -> Iterator[list[float] | str]:
    """The vector of each text, as numbers or in base64. Raises TooMuch before the first."""
    model, packed, size = body["model"], body.get("encoding_format") == "base64", body.get("dimensions")
    texts = tokens.prompt_texts(body["input"])
    numbers = len(same or ()) or size or embedding.vector_size(model)
    hold(len(texts) * numbers * (_PACKED if packed else _NUMBER), f"{len(texts):,} vectors of {numbers:,} numbers")
    vectors = (embedding.make_vector(model, text, size) if same is None else list(same) for text in texts)
    return map(embedding.encode_base64, vectors) if packed else vectors


def _listed(body: Mapping[str, Any], count: int, vectors: Iterable[list[float] | str]) -> dict[str, Any]:
    """The list with an entry for each text."""
    texts = tokens.prompt_texts(body["input"])
    data = [
        {"object": "embedding", "index": index, "embedding": vector}
        for index, (_, vector) in enumerate(zip(texts, vectors, strict=False))
    ]
    usage = {"prompt_tokens": count, "total_tokens": count}
    return {"object": "list", "data": data, "model": body["model"], "usage": usage}


def _refusal(body: Mapping[str, Any], settings: Settings) -> ErrorReply | None:
    refusal = validate_embeddings(body)
    if refusal is not None:
        return refusal
    if not is_served(body["model"], settings.models):
        return errors.model_not_found(body["model"])
    if body["model"] in CONTEXT_SIZES or is_chat_model(body["model"]):
        return errors.not_allowed("generate embeddings")
    return None


def scripted_numbers(context: RequestContext, chat: Mapping[str, Any]) -> ErrorReply | RawReply | NumbersReply:
    """What a script answers to the chat that stands for the request; a NumbersReply may be empty."""
    settings, space = context.settings, context.space
    request = context.request.but(chat)
    reply = answer_numbers(request, space.book, space.state, strict=settings.strict, seed=settings.seed)
    context.entry.script, context.faults = reply.script, reply.faults
    return reply


def as_chat(body: Mapping[str, Any]) -> dict[str, Any]:
    """The request as a chat in which a user said its texts, for the conditions of scripts."""
    messages = [{"role": "user", "content": text} for text in tokens.prompt_texts(body["input"])]
    return {**body, "messages": messages}
