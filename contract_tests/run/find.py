"""Before the first case: which base URL answers, which model to use, how an unknown path is answered."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.provoked import NO_SUCH_PATH
from contract_tests.target.ask import CHAT, COMPLETIONS, EMBEDDINGS
from contract_tests.target.errors import NoModel, NotReached, Unreachable, UsageError
from contract_tests.target.options import DEFAULT_MODEL, Options
from contract_tests.target.refusals import refusal_text
from contract_tests.target.session import Session
from fake_server.wire.exchange import Ending

REQUESTS = 5
"""How many requests `prepare` sends at most."""

_NO_PATH = (404, 405, 501)
_WORDS = {"embeddings": ("embed",), "completions": ("instruct", "davinci", "babbage")}


def split_target(url: str) -> tuple[str, tuple[str, str]]:
    """The URL without `/v1`, and the prefixes to try in order: as given first. Raises UsageError."""
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise UsageError(f"the target is not a URL: {error}") from error
    path = parts.path.rstrip("/")
    for endpoint in (CHAT, COMPLETIONS, EMBEDDINGS, "/models"):
        path = path.removesuffix(endpoint)  # a base URL, though an endpoint's was given
    without = path.removesuffix("/v1")
    root = urlunsplit((parts.scheme, parts.netloc, without, parts.query, parts.fragment))
    return root, ("/v1", "") if path != without else ("", "/v1")


async def prepare(session: Session, prefixes: tuple[str, str]) -> None:
    """Fill in the session's prefix, model, list of models and control exchange.

    Raises Unreachable if nothing answers chat requests or the key is refused, NoModel if none was named
    and the usual one is not listed.
    """
    try:
        if not await _find_by_models(session, prefixes):
            await _find_by_chat(session, prefixes)
        if session.prefix != prefixes[0]:
            how = "with" if session.prefix else "without"
            session.note(f"using {session.base_url}: the target answers {how} /v1")
        session.model = session.model or _model(session)
        session.fitting = models_by_endpoint(session.listed)
        session.control = await session.exchange("control", "GET", f"/{NO_SUCH_PATH}-{secrets.token_hex(4)}")
    except NotReached as error:
        raise Unreachable(f"the run ended before it was found: {error}") from error


def models_by_endpoint(listed: Iterable[str]) -> dict[str, str]:
    """The first listed model whose name says that it embeds, or that it completes text."""
    models: dict[str, str] = {}
    for model in listed:
        for endpoint, words in _WORDS.items():
            if any(word in model.lower() for word in words):
                models.setdefault(endpoint, model)
    return models


async def _find_by_models(session: Session, prefixes: tuple[str, str]) -> bool:
    """Choose the prefix under which models are listed; whether there is one."""
    for session.prefix in prefixes:
        view = await _ask(session, "GET", "/models")
        entries = view.root["data"]
        if view.ok and entries.kind == "array":
            session.listed = tuple(entry["id"].text for entry in entries if entry["id"].text)
            return True
    return False


async def _find_by_chat(session: Session, prefixes: tuple[str, str]) -> None:
    """Choose the prefix under which a chat request is answered, or at least understood."""
    model = session.options.model or DEFAULT_MODEL
    body = {"model": model, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1}
    understood, met = [], []
    for session.prefix in prefixes:
        view = await _ask(session, "POST", CHAT, json.dumps(body).encode())
        met.append(f"{session.prefix}{CHAT}: {_describe_answer(view)}")
        if view.ok and view.form != "other":
            return
        about_model = "model" in refusal_text(view).lower()
        if view.status >= 400 and (view.status not in _NO_PATH or about_model):
            understood.append(session.prefix)
    if not understood:
        raise Unreachable(
            f"{session.root} answers neither models nor chat/completions, with /v1 and without "
            f"({'; '.join(met)}); check the URL"
        )
    session.prefix = understood[0]


def _describe_answer(view: View) -> str:
    """What came instead of an answer: why it ended, or its status with its type or where it redirects."""
    if view.exchange.problem or not view.status:
        return view.exchange.problem or "no answer"
    leads = view.exchange.header("location")
    about = f"to {leads[:100]}" if leads else view.exchange.media_type or "without a type"
    return f"status {view.status}, {about}"


async def _ask(session: Session, method: str, path: str, body: bytes = b"") -> View:
    """Send one request. Raises Unreachable if nobody answers or the key is refused."""
    exchange = await session.exchange("target", method, path, body)
    view = View(exchange)
    if exchange.ending is Ending.UNREACHABLE:
        raise Unreachable(exchange.problem)
    if view.status in (401, 407) or (view.status == 403 and not session.options.api_key):
        refusal = f"(status {view.status}): {refusal_text(view)}"
        if session.options.api_key:
            raise Unreachable(f"the target refuses the key {refusal}")
        raise Unreachable(f"the target requires a key; set OPENAI_API_KEY or use --key-env {refusal}")
    return view


def _model(session: Session) -> str:
    named, listed = session.options.model, session.listed
    if named is None and listed and DEFAULT_MODEL not in listed:
        raise NoModel(listed)
    if named is None and not listed:
        session.note(f"the target lists no models; {DEFAULT_MODEL} is used")
    if named is not None and listed and named not in listed:
        session.note(f"the target does not list {named}")
    return named or DEFAULT_MODEL


def session_for(options: Options) -> tuple[Session, tuple[str, str]]:
    """A session in front of the target and the prefixes to try. Raises UsageError for a bad target."""
    root, prefixes = split_target(options.target)
    return Session(options, root), prefixes
