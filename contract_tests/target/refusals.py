"""What a refusal is about (a path, a model), and when to try again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from contract_tests.rules.engine.lacks import lacks_path
from contract_tests.rules.engine.refused import refusal_text
from contract_tests.rules.engine.view import View
from contract_tests.target.errors import Unsupported
from fake_server.wire.exchange import Exchange
from fake_server.wire.http_date import parse_http_date


def retry_after(exchange: Exchange) -> float | None:
    """The seconds that Retry-After asks for, 0 or more; None if it is missing or unreadable."""
    value = exchange.header("retry-after")
    if value is None:
        return None
    if re.fullmatch(r"\d{1,6}(\.\d+)?", value):
        return float(value)
    when, sent = parse_http_date(value), parse_http_date(exchange.header("date"))
    return max(0.0, (when - sent).total_seconds()) if when and sent else None


def endpoint_of(exchange: Exchange) -> str:
    """`POST /v1/embeddings`."""
    return f"{exchange.request.method} {exchange.request.path}"


def no_such_endpoint(method: str, path: str, view: View) -> Unsupported:
    """What is raised where a target does not have this path below its base URL."""
    reason = f"{method} {path} is answered like an unknown path: status {view.status}"
    return Unsupported(reason, [endpoint_of(view.exchange)])


def describe_lack(endpoint: str, body: Mapping[str, Any], name: str) -> str:
    """A member of a request at an endpoint, with what of its value a target may not know; or a feature by its name."""
    value = body.get(name)
    if isinstance(value, list):
        value = "an array"
    elif isinstance(value, dict):
        value = value.get("type", "an object")
    return f"{endpoint} {name} {json.dumps(value)}" if name in body else f"{endpoint} {name}"


def is_about_model(view: View) -> bool:
    """Whether a refusal says that the model does not exist or cannot do this."""
    if view.status not in (400, 403, 404, 422):
        return False
    error = view.root["error"]
    if error["param"].text == "model" or error["code"].text == "model_not_found":
        return True
    return not error["param"].text and _NO_MODEL.search(refusal_text(view)) is not None


_WITHIN = r"(?:[^.]|\.(?=\S))"  # a period within a name ends no sentence
_DENIAL = r"\b(?:not?|cannot|un\w+|invalid|incorrect|deprecated|missing)\b|n't\b"
_NO_MODEL = re.compile(
    rf"\bmodels?\b{_WITHIN}{{0,80}}(?:{_DENIAL})|(?:{_DENIAL}){_WITHIN}{{0,60}}\bmodels?\b", re.IGNORECASE
)


def is_unknown_path(view: View, control: Exchange | None) -> bool:
    """Whether the target says that it does not have the path.

    It says so by 501, by the answer it gives to a path that cannot exist (`control`), or in the words of a
    404: a proxy passes on what its upstream says of a path.
    """
    if view.status == 501:
        return True
    if view.status not in (404, 405) or control is None:
        return False
    if is_about_model(view) and _words(view) != _words(View(control)):
        return False
    return is_alike(view, control) or lacks_path(view)


def is_alike(view: View, control: Exchange) -> bool:
    """Whether a reply has the status and the form of the one to a path that cannot exist."""
    return _likeness(view) == _likeness(View(control))


_OWN_WORDS = re.compile(r"\S*(/|no-such|\b(GET|POST|HEAD|PUT)\b)\S*")
"""What a refusal repeats of its request: the path, the method, an invented name."""


def _likeness(view: View) -> tuple[Any, ...]:
    root = view.root
    keys = tuple(sorted(root.value)) if isinstance(root.value, dict) else ()
    return view.status, view.form, keys, str(root["error"]["code"].value)


def _words(view: View) -> list[str]:
    """What a refusal says, less what it repeats of its request."""
    return _OWN_WORDS.sub("", refusal_text(view)).split()
