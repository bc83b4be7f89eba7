"""What a target keeps is looked for, changed and deleted by its path; whatever it does not have is not judged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from contract_tests.rules.engine.view import View
from contract_tests.target.ask import Ask
from contract_tests.target.errors import NotReached
from contract_tests.target.support import fits_a_path

ATTEMPTS = 3
PAUSE = 1.0
"""Seconds between two looks for what is stored, or deleted, somewhat later."""


def check_id(name: str, of: str = "answer") -> str:
    """The id of what a target has made. Raises NotReached where no path can hold it."""
    if not fits_a_path(name):
        raise NotReached(f"the {of} has no id that a path can hold")
    return name


async def look(ask: Ask, path: str, role: str, found: Callable[[View], bool]) -> View:
    """GET a path until what is looked for is there: a store may be some seconds behind."""
    for attempt in range(1, ATTEMPTS + 1):
        view = await ask.raw("GET", path, role=role if attempt == 1 else f"{role} {attempt}")
        if found(view) or not (view.ok or view.status == 404):
            break
        if attempt < ATTEMPTS:
            await asyncio.sleep(PAUSE)
    return view


def is_found(view: View) -> bool:
    """Whether there is an answer."""
    return view.ok


def is_gone(view: View) -> bool:
    """Whether there is nothing at the path."""
    return view.status == 404


async def try_request(ask: Ask, method: str, path: str, role: str, body: bytes = b"") -> bool:
    """Whether a request about what is kept is answered; a target that does not have it is not judged for it."""
    view = await ask.raw(method, path, body, role=role)
    if view.status in (405, 501):
        ask.views.remove(view)
    return view.ok


async def remove(ask: Ask, path: str, role: str) -> bool:
    """DELETE a path; whether that was done."""
    return await try_request(ask, "DELETE", path, role)
