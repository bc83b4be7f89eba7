"""Before the first case, and again where an outage is suspected: whether the plainest request is answered."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import replace

from contract_tests.rules.engine.answers import is_wordless
from contract_tests.rules.engine.failures import is_failure
from contract_tests.rules.engine.refused import added_parameters, describe_refusal, without_tags
from contract_tests.rules.engine.view import View
from contract_tests.run.stages import find_stage_hint, is_without_reply
from contract_tests.target.ask import Ask, Case
from contract_tests.target.endpoints import CHAT, COMPLETIONS, EMBEDDINGS, RESPONSES
from contract_tests.target.errors import NotReached, Refused, Unreachable, Unsupported
from contract_tests.target.refusals import is_about_model
from contract_tests.target.session import PREFLIGHT, PlainRequest, Session
from contract_tests.target.support import lacks_api
from fake_server.relay.redact import excerpt

TOKENS = 32
"""What the answer to the plainest request may cost."""
ROOM = 1_000
"""Tokens for a model that thinks before it answers: in the time that a first byte may take, slow ones make as many."""
MOST = 4000
"""Characters of an error that are looked through for what to say of it."""
MODELS = "/models"
_PATHS = {
    "completions": COMPLETIONS,
    "embeddings": EMBEDDINGS,
    "responses": RESPONSES,
    "conversations": RESPONSES,
}
_NOT_ASKED = ("models", "moderations")
"""Sections that no plain request is for: whom to ask for moderations is often not known."""
_STREAMED = (CHAT, COMPLETIONS, RESPONSES)
_WITHOUT_ROOM = ("completions", "embeddings", *_NOT_ASKED)
NO_ENDPOINT = (404, 405, 501)
"""Statuses that say that a path is not there."""

_ABOUT_KEY = re.compile(
    r"api[ _-]?key|\bunauthori[sz]ed|\bauthenticat|\bcredentials?\b|(missing|invalid|no).{0,20}\btoken\b", re.I
)
_NO_MODEL = re.compile(r"\bmodel\b.{0,80}\b(not found|not exist|unknown|not supported|not available|no such)\b", re.I)
_PAGE = re.compile(rb"\s*(?:<!doctype html|<html|<head|<body|<\?xml)", re.IGNORECASE)


async def _no_play(ask: Ask) -> None:
    """The preflight is no case that is played."""


_PREFLIGHT = Case(PREFLIGHT, "the plainest request", 2, TOKENS, (), _no_play)


def may_think(case: Case) -> bool:
    """Whether a case asks for chat answers whose limits are raised where the model thinks."""
    return case.has_room and case.tokens > 0 and case.endpoint not in _WITHOUT_ROOM


def find_plain_case(cases: Iterable[Case]) -> tuple[str, str] | None:
    """The first case whose plain request is to be answered, of chat if there is one: its id and its path."""
    asking = [case for case in cases if case.endpoint in _PATHS or (case.tokens and case.endpoint not in _NOT_ASKED)]
    asked = [(case.id, _PATHS.get(case.endpoint, CHAT)) for case in asking]
    return min(asked, key=lambda found: found[1] != CHAT, default=None)


async def ask_plainly(session: Session, plain: PlainRequest, *, keyless: bool = False) -> View:
    """Send a plain request, or get the list of models, wait out any 429, and return what came.

    Raises Unreachable where the run ends before it.
    """
    ask = Ask(_PREFLIGHT, session)
    body = {"model": plain.model, **_members(ask, plain.path), **({"stream": True} if plain.stream else {})}
    try:
        if plain.path == MODELS:
            return await ask.raw("GET", MODELS)
        if keyless:
            no_key = [("Authorization", None)]
            return await ask.raw("POST", plain.path, json.dumps(body).encode(), no_key, role="no key", keyless=True)
        return await ask(body, path=plain.path, role="stream" if plain.stream else "dict")
    except (Refused, Unsupported, NotReached) as why:
        if not ask.views:
            raise Unreachable(f"the run ended before it was found: {why}") from why
        return ask.views[-1]
    finally:
        ask.share.release()


def _members(ask: Ask, path: str) -> dict[str, object]:
    """The members of the plainest request of an endpoint, less the model."""
    if path == CHAT:
        body = ask.body("Hi", TOKENS)
        return {name: body[name] for name in body if name != "model"}
    if path == RESPONSES:
        return {"input": "Hi", "max_output_tokens": TOKENS, "store": False}
    return {"prompt": "Hi", "max_tokens": TOKENS} if path == COMPLETIONS else {"input": "Hi"}


async def check_answers(session: Session, plain: PlainRequest, reply: View | None = None) -> None:
    """Ask once for a dict, and where that is refused for a stream; `reply` is a dict that was asked for already.

    Raises Unreachable, with what was answered and what to do, where both are refused: nothing could be judged.
    """
    reply = reply or await ask_plainly(session, plain)
    if not is_refused(reply):
        await _begin(session, plain, reply)
        return
    is_not_there = reply.status in NO_ENDPOINT or (plain.path == RESPONSES and lacks_api(reply, session.control))
    if plain.path != CHAT and (is_not_there or is_about_model(reply)):
        return  # the cases say that the endpoint, or a model for it, is not there
    streamed = reply
    if reply.status != 429 and plain.path in _STREAMED:
        streamed = await ask_plainly(session, replace(plain, stream=True))
        if not is_refused(streamed):
            await _begin(session, replace(plain, stream=True), streamed)
            return
    first, second = describe_answer(reply), describe_answer(streamed)
    form = "a dict and a stream" if plain.path in _STREAMED else plain.path.removeprefix("/")
    answers = f"{form}: {first}" if first == second else f"a dict: {first}; a stream: {second}"
    todo = await advise(session, plain, reply)
    what = "chat request" if plain.path == CHAT else "request"
    raise Unreachable(session.options.mask(f"a valid {what} has no answer ({answers}); {todo}"))


async def check_alike(session: Session, plain: PlainRequest, listing: View, reply: View) -> None:
    """Raise Unreachable where the list of models is refused, and a plain request in the same way.

    A list that is not there, or that alone is refused, is what the cases say.
    """
    if not is_refused(reply):
        session.plain = plain
    elif is_refused(listing) and listing.status == reply.status and listing.status not in NO_ENDPOINT:
        todo = await advise(session, plain, reply)
        asked = "chat" if plain.path == CHAT else plain.path.removeprefix("/")
        answer = f"models: {describe_answer(listing)}; {asked}: {describe_answer(reply)}"
        raise Unreachable(session.options.mask(f"no valid request has an answer ({answer}); {todo}"))


async def _begin(session: Session, plain: PlainRequest, reply: View) -> None:
    """Take this request as the one that is answered; make room where the model has no word within its limit."""
    session.plain = plain
    if plain.path != CHAT or not is_wordless(reply):
        return
    known, session.room = (dict(session.dropped), list(session.notes)), ROOM
    longer = await ask_plainly(session, plain)
    if is_refused(longer) or is_wordless(longer):
        session.room = 0
        session.dropped, session.notes = known  # a limit that is too high is no parameter that is refused
        more = f"a limit with {ROOM:,} more is refused" if is_refused(longer) else f"nor within {ROOM:,} more"
        session.note(f"the model has no word within {TOKENS} tokens, {more}")
    else:
        session.note(f"the model has no word within {TOKENS} tokens: {ROOM:,} are added to the limits of answers")


def is_refused(view: View) -> bool:
    """Whether a valid request has no answer: no reply, another status than 2xx, an error, a page or nothing.

    An answer that is broken as bytes is none of these: it is judged.
    """
    if not view.ok:
        return is_without_reply(view.exchange) or view.status >= 300
    if not view.whole or view.coding_problem:
        return False  # what came of it is judged
    if view.form == "json":
        if not view.document.ok:
            return False
        value = view.root.value
        return is_failure(value[0] if isinstance(value, list) and value else value) or value is None
    if view.form == "events":
        return _stream_failure(view) is not None
    return not view.body.strip() or is_page(view)


def is_page(view: View) -> bool:
    """Whether the body is a web page."""
    return _PAGE.match(view.body) is not None


def _stream_failure(view: View) -> str | None:
    """What a stream holds instead of an answer, or ''; None where it has chunks, or objects that are no errors."""
    texts = [payload.text.decode("utf-8", "replace") for payload in view.payloads if not payload.done]
    if view.error_events and not any(chunk["choices"] for chunk in view.chunks):
        event = view.error_events[0]
        return event["error"]["message"].text or str(event["error"] or event)
    return "".join(texts) if len(texts) < 2 and not view.messages else None


def describe_answer(view: View) -> str:
    """What came instead of an answer, in a few words: why there is no reply, or its status and message."""
    if not view.status:
        return view.exchange.problem or "no reply"
    if leads := view.exchange.header("location"):
        return f"status {view.status}, to {excerpt(leads, 100)}"
    error = _stream_failure(view) or describe_refusal(view)
    text = excerpt(without_tags(error[:MOST]), 160)
    if text:
        return f"status {view.status}: {text}"
    return f"status {view.status}, " + ((view.exchange.media_type or "no words") if view.body.strip() else "no body")


async def advise(session: Session, plain: PlainRequest, view: View) -> str:
    """What the reader is to do about a refusal of the plainest request."""
    status, text, key = view.status, describe_answer(view), session.options.api_key
    if not status:
        return await find_stage_hint(session.root, view.exchange) or "see the target's log"
    if 300 <= status < 400:
        return "give the URL that it redirects to"
    if names := ", ".join(added_parameters(view)[:3]):
        return f"no request has {names}: the target adds it on the way to its upstream, which refuses it"
    if is_about_model(view) or _NO_MODEL.search(text):
        listed = f" (it lists {', '.join(session.listed[:8])})" if session.listed else ""
        return f"name a model that it has with --model, {plain.model} was asked for{listed}"
    if status in (401, 403, 407) or (_ABOUT_KEY.search(text) and status != 429):
        if not key:
            return "the target requires a key; set OPENAI_API_KEY or use --key-env"
        if not is_refused(await ask_plainly(session, plain, keyless=True)):
            return "the target refuses the key and answers without one; unset OPENAI_API_KEY, or give it another"
        return "the target refuses the key; set OPENAI_API_KEY or --key-env to one that it, or its upstream, accepts"
    if status == 429:
        return "wait until it takes requests again, or raise the quota"
    if status >= 500:
        return "see the target's log, and whether its upstream answers"
    if status in (404, 405):
        return "check the URL"
    if "https" in text.lower() and (hint := await find_stage_hint(session.root, view.exchange)):
        return hint
    if view.ok and is_page(view):
        wants = "" if key else ", or set OPENAI_API_KEY: no key was sent"
        return f"that is a web page: check the URL{wants}"
    if view.ok and not view.body.strip():
        return "check the URL, and see the target's log: an answer has a body"
    without = "" if key else "; no key was sent, OPENAI_API_KEY sets one"
    return f"give what it asks for (--model, --header N:V, --query K=V){without}"
