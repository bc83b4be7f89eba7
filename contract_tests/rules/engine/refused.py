"""What a refusal refuses: the parameters it names as such.

A parameter's name may stand anywhere in a refusal ("Invalid model name", a list of what is supported, Python's own
message about a keyword argument). It counts where the refusal says so by structure (`param`, or `loc` of FastAPI) or
where its place in the sentence does: after the word that refuses, in quotes or behind a colon, or before it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import islice
from typing import Any

from contract_tests.rules.engine.view import View
from fake_server.relay.redact import excerpt
from fake_server.wire.text import shorten_words

_SHOWN = 160
"""Characters of a refusal's message that are shown."""
_MOST = 20_000
_NO = (
    r"(?:un(?:supported|known|recogni[sz]ed|available|permitted|expected)|invalid|disallowed|forbidden|extra"
    r"|(?:not|\w*n't|cannot)(?: yet| currently| be)* "
    r"(?:support|allow|accept|permit|recogni[sz]e|available|implement|enabl|understood|known|used)\w*)"
)
_WORDS = r"(?: (?!keyword)[\w-]+){0,4}?"
_QUOTED = r"[`'\"“‘]([^`'\"“”‘’\s]{1,60})[`'\"”’]"
_TOKEN = r"([A-Za-z_][\w.\[\]]*)"
_NOUN = r"(?:argument|parameter|param|field|property|option)s?"
_PLACES = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b{_NO}{_WORDS}:? ?[\[({{]?((?:{_QUOTED},? ?)+)",  # Unsupported parameter: 'n'
        rf"{_QUOTED}(?: ?:)?{_WORDS} (?:{_NO}|must (?:not )?be|requires?|does not support)\b",  # 'n' is not supported
        rf"\b{_NO}{_WORDS}: ([\w.]+(?:, [\w.]+)*)",  # Unrecognized request argument supplied: n
        rf"\b{_NO}(?: request)? {_NOUN} {_TOKEN}",  # unknown field n
        rf"(?:^|[.:;] )(?:the )?(?:{_NOUN} )?{_TOKEN}(?: {_NOUN})? (?:(?:is|are) (?:\w+ )?{_NO}|must be|requires?)\b",
        rf"\b{_TOKEN} ?(?:=|>=?) ?\d+\)? (?:(?:is|are) (?:\w+ )?)?{_NO}",  # n > 1 is not supported
        rf"\bnot support (?:the )?(?:{_NOUN} |use of )?{_TOKEN}",  # The model does not support tools
        r"['\"](?:param|loc)['\"]: ?[\[(]?([^\])},]*(?:, ?[^\])},]*)*)",  # an error of another server, as text
    )
]
_COMPANION = re.compile(
    r"\bonly (?:allowed|supported|valid|permitted|available) (?:when|with|if)\b"
    r"|\bmust (?:also )?be (?:a response to|followed by|set|specified|provided|given|present|defined|included|passed)\b"
    r"|\b(?:must not|may not|cannot|can't|should not) be (?:empty|null|blank)\b"
    r"|\bmissing (?:\w+ )?(?:required|param|field|argument)|\bfield required\b"
    r"|\b(?:is|are) (?:a )?(?:required|missing)\b",
    re.IGNORECASE,
)
"""What a refusal says of a parameter that is missing beside another one."""
_REQUIRES = re.compile(r"\b(?:requires?|needs?) (?:the )?(?:\w+ )?[`'\"]?([a-z_]+)\b", re.IGNORECASE)
_PARAMETER = r"(?:param(?:eter)?|argument|field|propert(?:y|ie)|key)(?:s|\(s\))?"
_LIST = rf"[\[({{]?((?:{_QUOTED},? ?)+)"
_LAST = r"([\w.]+(?:, [\w.]+)*)[.\s]*(?:$|\n)"
_SNAKE = r"([a-z]+(?:_[a-z]+)+)"
_UNKNOWN = [
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported) (?:\w+ ){{0,3}}?{_PARAMETER}(?: \w+){{0,2}}?:? ?"
        rf"{_LIST}",
        rf"\bunrecogni[sz]ed (?:\w+ )?{_PARAMETER} supplied: ([\w.]+(?:, [\w.]+)*)",
        rf"\bnot allowed {_LIST}w(?:as|ere) unexpected",
        rf"\b{_PARAMETER} {_LIST}(?:is|are|was) "
        r"(?:not (?:support|allow|permit|recogni[sz]|known|valid)|un(?:known|support|expect))",
        rf"\b(?:unknown|unrecogni[sz]ed|unexpected|unsupported) (?:\w+ )?{_PARAMETER}: {_LAST}",
        rf"\b{_PARAMETER} (?:is |are )?not (?:supported|allowed|permitted|recogni[sz]ed)[^:]{{0,40}}: {_LAST}",
        rf"\b{_TOKEN} is not an? (?:\w+ )?(?:recogni[sz]ed|valid|known|supported|allowed) {_PARAMETER}",
        rf"(?:^|[\s:;,]){_TOKEN}:? extra inputs are not permitted",
        rf"\binvalid (?:value (?:for|of) )?(?:{_PARAMETER} )?{_QUOTED}(?! (?:header|model|url|path|key|token))",
        rf"(?:^|[.:;]\s?|\bparameter[. ])[`'\"]?{_SNAKE}[`'\"]? must be (?:set to )?(?:\d|true|false|none|null|[`'\"])",
        rf"\b(?:not|n't) support (?:the )?(?:following )?{_PARAMETER}:? ?{_LIST}",
    )
]
_CONFLICT = re.compile(
    r"\bat the same time\b|\bcannot both\b|\bmutually exclusive\b|\bonly one of\b|\b(?:conflicts?|incompatible) with\b"
    r"|\b(?:together|in combination) with\b|\bboth\b.{1,60}\b(?:and|or)\b",
    re.IGNORECASE,
)
"""What a refusal says of two parameters that do not go together."""
_NAME = re.compile(rf"{_QUOTED}|\b{_SNAKE}\b")
_EXTRA = re.compile(r"extra_forbidden|extra inputs are not permitted|(?:unknown|unsupported)_parameter", re.IGNORECASE)
_WRONG_TYPE = re.compile(r"\bexpected an? (?!value\b).{1,40}, but got |\bInput should be a valid \w", re.IGNORECASE)
_WRONG_VALUE = re.compile(r"extra_forbidden|literal_error|\bInput should be '", re.IGNORECASE)


_TAG = re.compile(r"<(style|script|title)\b.*?</\1>|<[^>]*>", re.DOTALL)
_STUMBLED = re.compile(r"keyword argument|\bTraceback\b|\b(?:Type|Attribute|Value|Key|Name|Index|Runtime)Error\b")
"""What a failure says of the server's own code: the parameter it names is not refused, but handled wrongly."""
_ANY_REQUEST_HAS = ("input", "messages", "model", "prompt")
"""What is refused where the caller left it out, and nobody added."""
_OF_CHAT = {
    "text": ("response_format",),
    "max_output_tokens": ("max_tokens", "max_completion_tokens"),
    "instructions": ("system",),
    "tools": ("functions",),
    "tool_choice": ("function_call",),
}
"""Members of a request for a Response, and what a chat has in their place."""


def refuses(view: View, parameter: str) -> bool:
    """Whether a refusal is about this parameter, and not about one that is missing beside it.

    A wrong type is no lack: the request had the right one, and something on the way made another of it.
    """
    text = "\n".join(texts_of(view))
    if _WRONG_TYPE.search(text) and not _WRONG_VALUE.search(text):
        return False
    wanted = {match[1] for match in _REQUIRES.finditer(text)} - {parameter}
    if _COMPANION.search(text) or not wanted.isdisjoint(name for name, _ in _members(view.request.value)):
        return False
    return parameter in _segments([*structured_paths(view), *_paths_in(text)])


def refuses_by_status(view: View, parameter: str) -> bool:
    """Whether a reply refuses this parameter of its request: with a 5xx only where it says that it is unsupported."""
    if view.status in (400, 422, 501):
        return refuses(view, parameter)
    return parameter in unsupported_by_failure(view)


def unsupported_by_failure(view: View) -> list[str]:
    """The members of its request that a 5xx says to be unsupported, and not that its own code stumbled over."""
    if view.status < 500 or any(_STUMBLED.search(text) for text in texts_of(view)):
        return []
    return [name for name in unknown_parameters(view) if view.request[name].there]


def unknown_parameters(view: View) -> list[str]:
    """The parameters that a refusal calls unknown: not those with a wrong value, and not those that are missing."""
    text = "\n".join(texts_of(view))
    paths = [*structured_paths(view), *_locations_in(text)] if _EXTRA.search(text) else []
    for pattern in _UNKNOWN:
        paths += (path for match in pattern.finditer(text) for path in re.findall(r"[\w.\[\]]+", match.group(1)))
    names = dict.fromkeys(re.split(r"[.\[]", path)[0] for path in paths)
    return [name for name in names if re.fullmatch(r"[A-Za-z_]\w*", name)]


def added_parameters(view: View) -> list[str]:
    """The parameters that a refusal calls unknown, or says not to go with one of the request's own.

    The request neither has nor mentions them anywhere, in no other spelling, and may do without them.
    """
    members = list(_members(view.request.value))
    spelled = {*_ANY_REQUEST_HAS, *_as_chat_spells(view)}

    def is_sent(name: str) -> bool:
        return name in spelled or any(
            name in (key, *re.findall(r"\w+", key)) or (isinstance(value, str) and name in value)
            for key, value in members
        )

    pair = conflicting_parameters(view)
    names = [*unknown_parameters(view), *(pair if any(map(is_sent, pair)) else ())]
    return [name for name in dict.fromkeys(names) if view.endpoint and members and not is_sent(name)]


def _as_chat_spells(view: View) -> Iterator[str]:
    """The members of a request for a Response by the names that a server knows them by which asks a chat of them."""
    request = view.request.value
    if not (isinstance(request, dict) and view.endpoint.startswith("response")):
        return
    for name, value in request.items():
        yield from _OF_CHAT.get(name, ())
        if isinstance(value, dict):
            yield from (f"{name}_{inner}" for inner in value)


def conflicting_parameters(view: View) -> list[str]:
    """The two parameters that a refusal says not to go together; empty where it names more, or fewer."""
    for text in texts_of(view):
        for sentence in re.split(r"[.;:!?\n] ", text) if _CONFLICT.search(text) else ():
            names = list(dict.fromkeys(match[1] or match[2] for match in _NAME.finditer(sentence)))
            if len(names) == 2 and _CONFLICT.search(sentence):
                return names
    return []


def _locations_in(text: str) -> list[str]:
    """The paths of an error of FastAPI's form that another server passes on as text."""
    found = re.findall(r"['\"]loc['\"]: ?[\[(]([^\])]{1,200})[\])]", text)
    return [".".join(re.findall(r"\w+", path)).removeprefix("body.") for path in found]


def structured_paths(view: View) -> list[str]:
    """The paths of the members that an error names by its structure: `param` of OpenAI's, `loc` of FastAPI's."""
    paths = []
    for name, value in _members(view.root.value):
        if name in ("param", "loc", "parameter", "field") and isinstance(value, str):
            paths.append(value)
        elif name == "loc" and isinstance(value, list):
            paths.append(".".join(str(segment) for segment in value if segment not in ("body", "query")))
    return [path for path in dict.fromkeys(paths) if path and not path.isdecimal()]  # a number: a place in the text


def refusal_text(view: View) -> str:
    """The message of a refusal, else its text, in one line, shortened at a word."""
    return _in_one_line(view, "")


def describe_refusal(view: View) -> str:
    """As `refusal_text`, and of an error of another form what it refuses."""
    return _in_one_line(view, refused_elsewhere(view))


def without_tags(text: str) -> str:
    """The words of a page, in one line."""
    return " ".join(_TAG.sub(" ", text).split())


def _in_one_line(view: View, elsewhere: str) -> str:
    error = view.root["error"]
    text = error["message"].text or _in_other_forms(view) or elsewhere
    if not text:
        body = view.body[:2000].decode("utf-8", "replace")
        text = (without_tags(body) if body.lstrip().startswith("<") else "") or body
    return shorten_words(" ".join(excerpt(text, 1000).split()), _SHOWN)


def _in_other_forms(view: View) -> str:
    """`Not Found: no such model`, where `error` is a text and what it means stands beside it; the text alone else."""
    error = view.root["error"].text
    more = next((text for name in ("message", "detail", "msg") if (text := view.root[name].text)), "")
    return f"{error}: {more}" if error and more and more not in error else error


def refused_elsewhere(view: View) -> str:
    """`tool_choice is refused: …`, where the body is no error of OpenAI's form but names what it refuses; else ''."""
    paths = [] if view.root["error"].kind == "object" else structured_paths(view)[:3]
    members = ((name, value) for name, value in _members(view.root.value) if isinstance(value, str))
    message = next((value for name, value in members if name in ("msg", "message", "detail")), "")
    if not paths:
        return message
    missing = re.search(r"required|missing", message, re.IGNORECASE)
    return shorten_words(f"{', '.join(paths)}{'' if missing else ' is refused'}: {message}", _SHOWN)


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    """The members of a JSON value at any depth, a thousand at most."""

    def walk(values: list[Any]) -> Iterator[tuple[str, Any]]:
        while values:
            value = values.pop(0)
            members = value.items() if isinstance(value, dict) else [("", item) for item in value]
            yield from members
            values += (member for _, member in members if isinstance(member, dict | list))

    return islice(walk([value] if isinstance(value, dict | list) else []), 1000)


def texts_of(view: View) -> list[str]:
    """Every string of a JSON refusal, the body of another one."""
    texts = [value[:_MOST] for _, value in _members({"": view.root.value}) if isinstance(value, str)]
    return texts or [view.body[:_MOST].decode("utf-8", "replace")]


def _paths_in(text: str) -> Iterator[str]:
    """What the sentences of a refusal name as refused."""
    for pattern in _PLACES:
        for match in pattern.finditer(text):
            yield from re.findall(r"[\w.\[\]]+", match.group(1))


def _segments(paths: list[str]) -> set[str]:
    return {segment for path in paths for segment in re.split(r"[.\[\]]+", path)}
