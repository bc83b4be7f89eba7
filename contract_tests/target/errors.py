"""What can stop a run, and what can stop one case."""

from __future__ import annotations

from collections.abc import Iterable


class Unreachable(Exception):
    """Nothing that speaks of chat completions answers at the target; the text says why."""


class UsageError(Exception):
    """An option cannot be used; the text says which and what to do."""


class NoModel(Exception):
    """No model was named and gpt-3.5-turbo is not among those the target lists (`listed`)."""

    def __init__(self, listed: Iterable[str]) -> None:
        self.listed = tuple(listed)
        shown = ", ".join(self.listed[:20]) + (", …" if len(self.listed) > 20 else "")
        super().__init__(f"the target does not list gpt-3.5-turbo; name a model it lists: {shown}")


class NotReached(Exception):
    """The case cannot be asked (to its end): a cap, a limit of the target, the end of the run."""


class Unsupported(Exception):
    """The target says that it does not have what the case is about."""


class SetupFailed(Exception):
    """What the case needs first did not come."""


class Refused(Exception):
    """A valid request was not answered with 2xx; the findings say how."""
