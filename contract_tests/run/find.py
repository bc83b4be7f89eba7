"""Before the first case: which base URL answers, which model to use, how an unknown path is answered."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from urllib.parse import urlsplit, urlunsplit

from contract_tests.rules.engine.refused import refusal_text
from contract_tests.rules.engine.view import View
from contract_tests.rules.errors.mistakes import NO_SUCH_PATH
from contract_tests.run.preflight import MODELS, NO_ENDPOINT, ask_plainly, check_alike, check_answers, describe_answer
from contract_tests.run.stages import find_stage_hint
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from contract_tests.target.errors import NoModel, NotReached, Unreachable, UsageError
from contract_tests.target.options import DEFAULT_MODEL, Options
from contract_tests.target.session import PlainRequest, Session
from fake_server.wire.exchange import Ending

_WORDS = {"embeddings": ("embed",), "completions": ("instruct", "davinci", "babbage"), "moderations": ("moderation",)}


def split_target(url: str) -> tuple[str, tuple[str, str]]:
    """The URL without `/v1`, and the prefixes to try in order: as given first. Raises UsageError."""
    try:
        parts = urlsplit(url.strip())
    except ValueError as error:
        raise UsageError(f"the target is not a URL: {error}") from error
    path = parts.path.rstrip("/")
    for endpoint in (CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES, MODELS):
        path = path.removesuffix(endpoint)  # a base URL, though an endpoint's was given
    without = path.removesuffix("/v1")
    root = urlunsplit((parts.scheme, parts.netloc, without, parts.query, parts.fragment))
    return root, ("/v1", "") if path != without else ("", "/v1")


async def prepare(
    session: Session, prefixes: tuple[str, str], plain_case: tuple[str, str] | None = None, path: str = CHAT
) -> None:
    """Fill in the session's prefix, model, list of models and control exchange, in at most 8 requests.

    A target that lists no models is found by a request to `path`. With `plain_case`, the id and the path of a case,
    its model is asked for an answer. Raises Unreachable if nothing answers, or valid requests are refused, NoModel if
    none was named and the usual one is not listed. Where no case asks for an answer, the list of models is what a
    target that is there answers.
    """
    plain_id, plain_path = plain_case if plain_case and plain_case[1] in (CHAT, RESPONSES) else ("", path)
    reply = None
    try:
        if not_listed := await _find_by_models(session, prefixes):
            model = session.options.model_for(plain_id, session.options.model or DEFAULT_MODEL)
            reply = await _find_by_asking(session, prefixes, PlainRequest(plain_path, model))
        if session.prefix != prefixes[0]:
            how = "with" if session.prefix else "without"
            session.note(f"using {session.base_url}: the target answers {how} /v1")
        session.model = session.model or _model(session)
        session.fitting = models_by_endpoint(session.listed)
        if plain_case:
            await check_answers(session, _plain_request(session, *plain_case), reply if plain_id else None)
        elif not_listed and reply:
            await check_alike(session, PlainRequest(path, session.model), not_listed, reply)
        else:
            session.plain = PlainRequest(MODELS, session.model)
        session.control = await session.exchange("control", "GET", f"/{NO_SUCH_PATH}-{secrets.token_hex(4)}")
    except NotReached as error:
        raise Unreachable(f"the run ended before it was found: {error}") from error


def _plain_request(session: Session, case_id: str, path: str) -> PlainRequest:
    """The plain request of an endpoint, with the model that this case asks."""
    fitting = session.fitting.get(case_id.partition(".")[0], session.model)
    return PlainRequest(path, session.options.model_for(case_id, fitting))


def models_by_endpoint(listed: Iterable[str]) -> dict[str, str]:
    """The first listed model whose name says that it embeds, completes text or moderates."""
    models: dict[str, str] = {}
    for model in listed:
        for endpoint, words in _WORDS.items():
            if any(word in model.lower() for word in words):
                models.setdefault(endpoint, model)
    return models


async def _find_by_models(session: Session, prefixes: tuple[str, str]) -> View | None:
    """Choose the prefix under which models are listed; where there is none, what was answered under the first."""
    views = []
    for session.prefix in prefixes:
        view = View(await session.exchange("target", "GET", MODELS))
        views.append(view)
        await _check_stage(session, view)
        entries = view.root["data"]
        if view.ok and entries.kind == "array":
            session.listed = tuple(entry["id"].text for entry in entries if entry["id"].text)
            return None
    return views[0]


async def _find_by_asking(session: Session, prefixes: tuple[str, str], plain: PlainRequest) -> View:
    """Choose the prefix under which a plain request is answered, or at least understood, and return the reply."""
    understood, met = [], []
    for session.prefix in prefixes:
        view = await ask_plainly(session, plain)
        met.append(f"{session.prefix}{plain.path}: {describe_answer(view)}")
        if view.ok and view.form != "other":
            return view
        about_model = "model" in refusal_text(view).lower()
        if view.status >= 400 and (view.status not in NO_ENDPOINT or about_model):
            understood.append((session.prefix, view))
    if not understood:
        raise Unreachable(
            f"{session.root} answers neither models nor {plain.path.strip('/')}, with /v1 and without "
            f"({'; '.join(met)}); check the URL"
        )
    session.prefix, view = understood[0]
    return view


async def _check_stage(session: Session, view: View) -> None:
    """Raise Unreachable where nobody is there, or speaks the other one of TLS and plain HTTP."""
    exchange = view.exchange
    if not view.status or (view.status == 400 and b"https" in view.body.lower()):
        hint = await find_stage_hint(session.root, exchange)
        if exchange.ending is Ending.UNREACHABLE or ": use http" in hint:
            met = exchange.problem or describe_answer(view)
            raise Unreachable(session.options.mask(f"{met}; {hint}" if hint else met))


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
