"""Adding scripts, replies and faults: what their bodies hold, and what is wrong with them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from fake_server.api import errors
from fake_server.api.reply import ErrorReply
from fake_server.faults import FaultError
from fake_server.faults.active import ActiveFault
from fake_server.scripts.book import join_books, parse, parse_text
from fake_server.scripts.model import Script
from fake_server.scripts.yaml_lines import ScriptError
from fake_server.server.admission import OF_PAGES
from fake_server.server.body_text import LARGE
from fake_server.server.control.replies import context_of, error_response, json_response, refuse_because, space_of
from fake_server.server.request_context import Refused, RequestContext
from fake_server.server.state.memory import StorageFull
from fake_server.server.state.space import Space
from fake_server.wire import jsontext

SHORT = 2000
"""Bytes of what is added on the event loop; more is read in the thread."""
Result = TypeVar("Result")
_TIMES = re.compile(r";\s*times=([0-9]{1,9})\s*\Z")
_UNDECLARED = ("", "text/plain", "application/x-www-form-urlencoded")
"""Types of a body that `curl -d` and the like send without meaning them."""


def use_scripts(space: Space, items: Sequence[Mapping[str, Any]]) -> tuple[Script, ...]:
    """Add scripts as they stand; a script file is read first, so that nothing of the list is added if it is wrong."""
    if not any("yaml" in item for item in items):
        return space.add(items)
    return space.use(parse_scripts(items))


def parse_scripts(items: Sequence[Mapping[str, Any]]) -> tuple[Script, ...]:
    """The scripts of script files and of values. Raises ScriptError, `script:line` first."""
    books = [
        parse_text(str(item["yaml"]), "script") if "yaml" in item else parse([{"name": "script", **item}], "script")
        for item in items
    ]
    return tuple(join_books(*books))


def queue_replies(space: Space, items: Sequence[Mapping[str, Any]]) -> tuple[Script, ...]:
    scripts = [item if "reply" in item else {"reply": item} for item in items]
    return space.queue([{"times": 1, **script} for script in scripts])


def read_faults(text: str) -> list[dict[str, Any]]:
    """Faults written as in the request header, `cut;after_events=3`, and how often at the end. Raises FaultError."""
    from fake_server.faults.header import read  # few requests name any

    often = _TIMES.search(text)
    times = {} if often is None else {"times": int(often[1])}
    return [{**fault.to_dict(), **times} for fault in read(_TIMES.sub("", text).strip(), "the text")]


async def add_items(
    request: Request,
    add: Callable[[Space, Sequence[Mapping[str, Any]]], Sequence[Script | ActiveFault]],
    read_text: Callable[[str], list[dict[str, Any]]] | None,
) -> Response:
    """Add what the body holds: JSON, where `read_text` is given also text instead of JSON objects."""
    context = context_of(request)
    try:
        value = await _read_value(context, read_text is not None)
        items: list[Mapping[str, Any]] = []
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, Mapping):
                items.append(item)
            elif isinstance(item, str) and read_text is not None:
                items += read_text(item)
            else:
                kind = "JSON object" if read_text is None else "JSON object or a text"
                return refuse_because(f"a {kind} is expected, or several in an array")
        context.budget.heavy |= len(context.raw) > SHORT
        added = await context.work(add, space_of(request), items)
    except Refused as refused:
        return error_response(refused.reply)
    except (ScriptError, FaultError) as error:
        return refuse_because(str(error))
    except StorageFull as error:
        return error_response(errors.storage_full(str(error)))
    return json_response({"added": [item.name for item in added]}, 201)


async def _read_value(context: RequestContext, may_be_text: bool) -> Any:
    """The JSON value of a body, or the text of one that is not declared as JSON. Raises Refused, ClientDisconnect.

    From a page of a browser JSON must be declared: a page may send other types to any server without asking it.
    """
    sent = context.fields.get("content-type", "")
    undeclared = sent.partition(";")[0].strip().lower() in _UNDECLARED
    if undeclared and not OF_PAGES.isdisjoint(context.fields):
        raise Refused(errors.unsupported_type(sent))
    raw = await context.read_body(any_type=undeclared)
    document = await in_thread(context, jsontext.parse, raw) if len(raw) > LARGE else jsontext.parse(raw)
    if undeclared and may_be_text and raw.lstrip()[:1] not in (b"", b"{", b"[", b'"'):
        return raw.decode("utf-8", "replace")
    if not document.ok:
        problem = document.problems[0]
        raise Refused(ErrorReply(400, f"not JSON: {problem.detail} (byte {problem.offset})"))
    return document.value


async def in_thread(context: RequestContext, function: Callable[..., Result], *given: Any) -> Result:
    """Call a function in the thread for heavy work, so that other requests are answered meanwhile."""
    return await asyncio.get_running_loop().run_in_executor(context.settings.worker, function, *given)
