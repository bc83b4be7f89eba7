"""What a target lacks, as a refusal says it: a longer context, pictures, the path itself."""

from __future__ import annotations

import re

from contract_tests.rules.engine.refused import texts_of
from contract_tests.rules.engine.view import View

_NO_CONTEXT = re.compile(
    r"context_length_exceeded|exceed_context_size|too_many_prompt_tokens|string_above_max_length|\bn_ctx\b"
    r"|(?:maximum|max\.?) (?:context|prompt|model|sequence|input) (?:length|size)|max_model_len"
    r"|\bcontext (?:length|window|size|limit)|longer than the model's"
    r"|\b(?:prompt|input|string) is too long\b|\bstring too long\b|\btoo many (?:prompt |input )?tokens\b"
    r"|\blength of all messages is too long\b"
    r"|\b(?:prompt|inputs?|request(?:ed)?|tokens?)\b[^.]{0,60}\b(?:exceeds?|too large|longer|must have less|must be <)"
    r"[^.]{0,60}(?:\btokens?|\bmax|\blength|\blimit|\d)",
    re.IGNORECASE,
)
_RATE = re.compile(r"\bper (?:minute|min|hour|day|second)\b|\brate.?limit|\bquota\b|\b[TR]P[MD]\b", re.IGNORECASE)
_PICTURE = r"(?:images?|image_url|image\(s\)|pictures?|vision|multi-?modal)"
_NO_PICTURE = re.compile(
    rf"\bnot (?:a )?{_PICTURE}\b"
    r"|(?:\bnot|n't|\bcannot) (?:\w+ )?(?:support|accept|process|understand|read|see|have|handle)\w*"
    rf"[^.]{{0,40}}\b{_PICTURE}\b"
    rf"|\b{_PICTURE}(?: \w+)? (?:is|are) (?:\w+ )?(?:not|only|disabled|un\w+) ?(?:\w+ )?"
    r"(?:support|enabl|accept|avail|allow|permit|for\b|in\b|by\b)?"
    rf"|\b(?:no|without|lacks) (?:\w+ )?{_PICTURE}\b(?: \w+)?(?: support| capabilit| input| projector|\W*$)"
    r"|\bonly (?:\w+ )?(?:text\b|supports? text)|\bmust be ['\"`]text['\"`]|\bshould be ['\"`]text['\"`]"
    r"|\bsupported values are: ['\"`]text['\"`]\W*$"
    r"|\bat most 0 image|\bendpoints found that support image|\bmmproj\b|\bmissing data required for image"
    rf"|\b(?:unknown|unsupported|invalid) (?:variant|part type|content type|type)\W{{1,3}}image_url"
    r"|\b(?:content |part )?type ['\"`]?image_url['\"`]? (?:is )?(?:not|un)",
    re.IGNORECASE,
)
_NO_PATH = re.compile(
    r"\b(?:invalid|unknown|no such|unrecognized) (?:request )?(?:url|path|route|endpoint)\b"
    r"|\bcannot (?:get|post|put) /|^\W*(?:404\W+)?(?:the )?(?:resource |page |path |route )?not found\W*$",
    re.IGNORECASE,
)

_NOWHERE = ("model_not_found", "DeploymentNotFound")


def lacks_context(view: View) -> bool:
    """Whether a refusal says that the request is too long for the model; not that too much is asked at a time."""
    texts = texts_of(view) if view.is_refusal else []
    return any(_NO_CONTEXT.search(text) for text in texts) and not any(_RATE.search(text) for text in texts)


def lacks_pictures(view: View) -> bool:
    """Whether a refusal says that the model, or what serves it, takes no pictures."""
    return view.is_refusal and any(_NO_PICTURE.search(text) for text in texts_of(view))


def lacks_path(view: View) -> bool:
    """Whether a refusal says that there is nothing at this path."""
    return view.status in (404, 405) and any(_NO_PATH.search(text) for text in texts_of(view))


_NAMED = re.compile(
    r"\b(?:response|conversation|item)s?\b[^.]{0,200}(?:not found|(?:does not|doesn't) exist|no longer|unknown|expired)"
    r"|\b(?:no such|unknown|no|find(?: the| a)?|found no) (?:\w+ )?(?:response|conversation|item)\b",
    re.IGNORECASE,
)
_PATH = re.compile(r"\S*/\S*")


def lacks_what_is_named(view: View) -> bool:
    """Whether a 404 says that there is nothing with the id in its path, not that there is no such path.

    It repeats the id, outside of a path or URL, or calls what is not there a Response, a conversation or an item.
    """
    segments = view.exchange.request.path.rstrip("/").split("/")
    name = segments[-2] if segments[-1] in ("cancel", "input_items", "items") else segments[-1]
    texts = [_PATH.sub("", text) for text in texts_of(view)] if view.status == 404 and not lacks_path(view) else []
    return any((len(name) > 8 and name in text) or _NAMED.search(text) for text in texts)


def was_read(view: View) -> bool:
    """Whether the reply is about the request, and not about its path or its model: who has none looks no further."""
    return not lacks_path(view) and not (view.status == 404 and view.root["error"]["code"].text in _NOWHERE)
