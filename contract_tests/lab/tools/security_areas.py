"""The promises of SECURITY.md, by area; a test that tries to break one is marked `security(AREA)`."""

from __future__ import annotations

import pytest

AREAS = {
    "credentials in written files": "no credential is readable in a recording, in any encoding or joining; ids stay",
    "credentials in output": "no credential and no control character is printed, reported or shown by the journal",
    "pages of other origins": "no web page reads or drives what listens here, and none has a key added to its requests",
    "raw HTTP": "malformed, ambiguous and half-sent requests are refused, and the next request is not affected",
    "templates": "a script's templates reach neither the process nor its memory",
    "work of one request": "a request that asks for too much is refused, and others are answered meanwhile",
    "memory": "all that is kept is bounded, and what was dropped is said",
    "hostile targets": "a run ends within its clocks with a verdict, whatever the target sends",
    "clocks of the suite": "judging, shrinking, recording and redacting end in time, whatever the bytes",
    "hostile files": "bombs, pipes, links and torn files are refused, and nothing outside a folder is read or written",
    "nothing is lost": "files are written whole or not at all, and none is replaced in silence",
    "signals and processes": "a signal ends a command in one line, with its report, and leaves no process behind",
    "dependencies": "no version with a known fault in what the kit uses of it",
}
"""What must hold in each area."""

PROPERTY = "security"
"""Each area of a test is a property of this name in its reports."""


def add_areas(items: list[pytest.Item]) -> None:
    """Give each marked test its area as a property, since a worker of xdist sends on no marks.

    Raises pytest.UsageError where there is no such area.
    """
    for item in items:
        for area in areas_of(item):
            item.user_properties.append((PROPERTY, area))


def areas_of(item: pytest.Item) -> set[str]:
    """The areas that a test is marked with. Raises pytest.UsageError where there is no such area."""
    areas = {str(area) for mark in item.iter_markers("security") for area in mark.args}
    if unknown := areas - set(AREAS):
        raise pytest.UsageError(
            f"{item.nodeid}: security({unknown.pop()!r}) is no area of contract_tests/lab/tools/security_areas.py"
        )
    return areas
