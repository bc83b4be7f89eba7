"""What a target has of what it may lack: asked by one case, and known to all others."""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Awaitable, Callable

from contract_tests.rules.engine.failures import is_failure
from contract_tests.rules.engine.refused import texts_of
from contract_tests.rules.engine.view import View
from contract_tests.target.errors import NotReached, Unsupported
from contract_tests.target.refusals import is_about_model, is_alike
from fake_server.wire.exchange import Exchange


class Lacks(Unsupported):
    """The target has nothing of the kind, whatever is asked of it."""


class NoModelForIt(NotReached):
    """The target has it, for another model than the one that was named."""


class Support:
    """What was learned of the optional parts of a target: each is asked for once, and the others wait for it."""

    def __init__(self) -> None:
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._learned: dict[str, Lacks | NoModelForIt | None] = {}

    def knows(self, part: str) -> bool:
        """Whether the target is known to have a part."""
        return part in self._learned and self._learned[part] is None

    async def settle(self, part: str, probe: Callable[[], Awaitable[object]]) -> None:
        """Run `probe` where nobody has; it raises Lacks or NoModelForIt where the part is not there, as this then does.

        What else it raises says nothing of the part: the next case runs its own.
        """
        if self.knows(part):
            return
        async with self._turns[part]:
            if part not in self._learned:
                try:
                    await probe()
                except (Lacks, NoModelForIt) as lack:
                    self._learned[part] = lack
                    raise
                self._learned[part] = None
                return
        self.require(part)

    def require(self, part: str) -> None:
        """Raise Lacks or NoModelForIt where a part is known not to be there."""
        lack = self._learned.get(part)
        if isinstance(lack, Lacks):
            raise Lacks(str(lack), lack.lacks)
        if lack is not None:
            raise NoModelForIt(str(lack))


_NOT_THERE = (
    r"(?:not |n't |un|dis|no )\W?(?:\w+ )?"
    r"(?:support|implement|avail|enabl|abled|allow|permit|exist|found|known|offer|expos)"
)
_NO_API = re.compile(
    rf"(?:\bresponses\b|\bconversations?\b|\bendpoint\b|\broute\b|\bpath\b|\burl\b)[^.]{{0,60}}{_NOT_THERE}"
    rf"|{_NOT_THERE}\w*[^.]{{0,40}}(?:/responses\b|\bresponses api\b|/conversations\b|\bconversations api\b"
    r"|\b(?:this|such) (?:endpoint|route|path)\b)"
    rf"|(?:{_NOT_THERE}\w*|\b(?:unexpected|invalid|unrecognized|no such)) (?:endpoint|route|path|url)\b",
    re.IGNORECASE,
)


def lacks_api(view: View, control: Exchange | None) -> bool:
    """Whether the answer to the first request of an optional API says that there is none.

    Servers say so with 404, 405 and 501, in words with any other refusal but those of keys and limits, or answer
    every path with the same page.
    """
    if view.ok:
        failed = view.form == "json" and view.document.ok and is_failure(view.root.value)
        page = view.form not in ("json", "events")
        return (failed and _says_so(view)) or (page and control is not None and is_alike(view, control))
    if view.status in (404, 405, 501):
        return not is_about_model(view)
    return view.status in (400, 403, 422, 500, 502, 503) and not is_about_model(view) and _says_so(view)


def _says_so(view: View) -> bool:
    return any(_NO_API.search(text) for text in texts_of(view))


_IN_A_PATH = re.compile(r"(?!\.{1,2}$)[A-Za-z0-9._~:=-]{1,500}")


def fits_a_path(name: str) -> bool:
    """Whether an id that a target gives can stand in a path as it is: LiteLLM's have 400 characters and end in `=`."""
    return _IN_A_PATH.fullmatch(name) is not None
