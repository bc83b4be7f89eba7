"""Since when each rule is in the contract: `history.yaml`, which says what each version added and changed.

Ids are permanent. A version is `{added: {id: level}, levels: {id: new level}, withdrawn: {id: reason}}`, each part
only where there is something; the versions come oldest first, and what is in none yet is `unreleased`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import yaml

FILE = Path(__file__).resolve().parent / "history.yaml"
UNRELEASED = "unreleased"

Version = Mapping[str, Mapping[str, str]]


@cache
def load_history() -> dict[str, Version]:
    """What each version added, changed and withdrew, oldest first."""
    history: dict[str, Version] = yaml.safe_load(FILE.read_text("utf-8"))
    return history


def since(rule_id: str) -> str:
    """The version that added a rule; `unreleased` where none has yet."""
    versions = (version for version, changes in load_history().items() if rule_id in changes.get("added", {}))
    return next(versions, UNRELEASED)


def replay(history: Mapping[str, Version]) -> dict[str, str]:
    """The rules and their levels after the last version. Raises ValueError for a change that an earlier one forbids."""
    levels: dict[str, str] = {}
    ever: set[str] = set()
    for version, changes in history.items():
        added = changes.get("added", {})
        if again := ever.intersection(added):
            raise ValueError(f"{version} adds {sorted(again)}, which an earlier version had")
        levels |= added
        ever.update(added)
        for name, level in changes.get("levels", {}).items():
            if levels.get(name, level) == level:
                raise ValueError(f"{version} gives {name} the level {level}, which it had, or which no version added")
            levels[name] = level
        for name in changes.get("withdrawn", {}):
            if levels.pop(name, None) is None:
                raise ValueError(f"{version} withdraws {name}, which is not there")
    return levels


def changes_since(levels: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """What the history lacks of the rules with these levels: (part, id, level)."""
    known = replay(load_history())
    for name, level in levels.items():
        if name not in known:
            yield "added", name, level
        elif known[name] != level:
            yield "levels", name, level


def add_changes(levels: Mapping[str, str]) -> str:
    """The text of the history with the changes that it lacks."""
    text = FILE.read_text("utf-8")
    for part, name, level in changes_since(levels):
        text = _add(text, part, f"    {name}: {level}\n")
    return text


def _add(text: str, part: str, line: str) -> str:
    """The text with a line at the end of a part of the last version."""
    start = text.index(f"\n{UNRELEASED}:")
    heading = f"\n  {part}:\n"
    at = text.find(heading, start)
    if at < 0:
        return text.rstrip("\n").removesuffix(" {}") + f"{heading}{line}"
    end = at + len(heading)
    while text.startswith("    ", end):
        end = text.index("\n", end) + 1
    return text[:end] + line + text[end:]
