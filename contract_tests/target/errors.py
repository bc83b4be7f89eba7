"""What stops a run, and what stops a case."""

from __future__ import annotations

import shlex
from collections.abc import Iterable

from fake_server.wire.text import shorten

_SHOWN = 200
"""Characters of a model's name."""


class Unreachable(Exception):
    """Nothing at the target answers chat completions; the text says why."""


class UsageError(Exception):
    """An option cannot be used; the text says which and what to do."""


class NoModel(Exception):
    """No model was named and gpt-3.5-turbo is not among those the target lists (`listed`)."""

    def __init__(self, listed: Iterable[str]) -> None:
        self.listed = tuple(listed)
        shown = ", ".join(self.listed[:20]) + (", …" if len(self.listed) > 20 else "")
        first = shlex.quote(shorten(self.listed[0], _SHOWN)) if self.listed else "NAME"
        todo = f"name the one that it lists: --model {first}"
        if len(self.listed) > 1:
            todo = f"name a model it lists: {shown} (as in --model {first})"
        super().__init__(f"the target does not list gpt-3.5-turbo; {todo}")


class NotReached(Exception):
    """The case cannot be played to its end: a limit of the run or of the target was met."""


class Unsupported(Exception):
    """The target says that it lacks what the case is about.

    `lacks` names that as `describe_lack` does: if all of it works in another case, the target does not lack it.
    """

    def __init__(self, reason: str, lacks: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.lacks = frozenset(lacks)


class SetupFailed(Exception):
    """What the case needs first, such as a tool call to answer, did not come."""


class Refused(Exception):
    """A valid request was not answered with a 2xx status; the findings say how."""
