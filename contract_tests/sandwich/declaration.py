"""What a proxy changes on purpose, from a TOML file: what it declares is printed with its reason, and fails nothing.

retries = 2                       # how often it asks again where the upstream fails

[[drops]]                         # also adds, rewrites, headers
name = "logit_bias"               # a member of the request, or of the reply: "reply.usage"
reason = "the upstream does not take it"

[[renames]]
from = "max_tokens"
to = "max_completion_tokens"
reason = "the upstream knows the new name alone"
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.rules.engine.judge import Finding
from contract_tests.rules.engine.node import show_path
from contract_tests.sandwich.rules.catalogue import RULES
from contract_tests.target.errors import UsageError
from contract_tests.tolerance.entry import ToleranceEntry
from fake_server.wire import files
from fake_server.wire.text import did_you_mean

MAX_BYTES = 1024 * 1024
REPLY = "reply."
"""What the name of a member begins with that is the reply's."""
_KEYS = {
    "drops": ("name", "reason"),
    "adds": ("name", "reason"),
    "rewrites": ("name", "reason"),
    "headers": ("name", "reason"),
    "renames": ("from", "to", "reason"),
}
"""The kinds of change, and the keys that each entry has."""
_WORDS = ("messages", "schemas")
_REQUEST = {
    "drops": ("dropped", "null-kept", *_WORDS),
    "adds": ("added", *_WORDS),
    "rewrites": ("changed", "number", "model", "schema-order", *_WORDS),
}
"""The rules about requests that a kind of change breaks."""
_OF_REPLIES = tuple(rule for rule in RULES if rule.startswith("sandwich.reply."))
_OF_FIELDS = tuple(rule for rule in RULES if rule.endswith((".request-id", ".rate-limits", ".retry-after")))
_NEVER = frozenset(rule for rule in RULES if rule.endswith("-key"))
"""What no declaration excuses."""


@dataclass(frozen=True)
class Declaration:
    """What a proxy declares. `changes` holds each with the findings that it explains."""

    retries: int = 0
    changes: tuple[tuple[str, tuple[ToleranceEntry, ...]], ...] = ()

    @property
    def entries(self) -> tuple[ToleranceEntry, ...]:
        """What explains a finding."""
        return tuple(entry for _, entries in self.changes for entry in entries)

    def not_seen(self, findings: Iterable[Finding]) -> Iterator[str]:
        """The changes that are declared and that no finding shows, each in words."""
        seen = list(findings)
        for name, entries in self.changes:
            if not any(entry.covers(finding) for entry in entries for finding in seen):
                yield name


def load(path: Path) -> Declaration:
    """The declaration in a file. Raises UsageError with the line of what is wrong."""
    try:
        text = files.read_bytes(path, MAX_BYTES).decode()
        value = tomllib.loads(text)
    except OSError as error:
        raise UsageError(f"--declare {path}: cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"--declare {path}: not UTF-8 at byte {error.start}") from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise UsageError(f"--declare {path}: not TOML: {error}") from error
    return _Reading(path, text).read(value)


class _Reading:
    def __init__(self, path: Path, text: str) -> None:
        self._path, self._lines = path, text.splitlines()

    def read(self, value: Mapping[str, Any]) -> Declaration:
        for key in value:
            if key != "retries" and key not in _KEYS:
                hint = did_you_mean(key, ("retries", *_KEYS), f"the known keys are retries, {', '.join(_KEYS)}")
                raise self._wrong(key, 0, f"unknown key {key!r}; {hint}")
        retries = value.get("retries", 0)
        if isinstance(retries, bool) or not isinstance(retries, int) or not 0 <= retries <= 100:
            raise self._wrong("retries", 0, "`retries` is a number from 0 to 100")
        changes = [change for kind in _KEYS for change in self._changes(kind, value.get(kind, []))]
        return Declaration(retries, tuple(changes))

    def _changes(self, kind: str, listed: Any) -> Iterator[tuple[str, tuple[ToleranceEntry, ...]]]:
        if not isinstance(listed, list):
            raise self._wrong(kind, 0, f"`{kind}` is a list of tables; write [[{kind}]]")
        for place, entry in enumerate(listed):
            texts = self._texts(kind, place, entry)
            line = self._line(kind, place)
            shown = " to ".join(texts[key] for key in _KEYS[kind][:-1])
            found = f"{self._path}:{line}"
            yield (
                f"{kind} {shown} ({found})",
                tuple(
                    ToleranceEntry(rule, texts["reason"], path=path, actual=actual, by=str(self._path), place=found)
                    for rule, path, actual in _explained(kind, texts)
                    if rule not in _NEVER
                ),
            )

    def _texts(self, kind: str, place: int, entry: Any) -> dict[str, str]:
        keys = _KEYS[kind]
        if not isinstance(entry, dict):
            raise self._wrong(kind, place, f"an entry of `{kind}` is a table with {', '.join(keys)}")
        for key in entry:
            if key not in keys:
                hint = did_you_mean(key, keys, f"it has {', '.join(keys)}")
                raise self._wrong(kind, place, f"unknown key {key!r} in `{kind}`; {hint}")
        for key in keys:
            if not isinstance(entry.get(key), str) or not entry[key].strip():
                raise self._wrong(kind, place, f"the entry of `{kind}` has no {key}")
        return {key: entry[key].strip() for key in keys}

    def _line(self, key: str, place: int) -> int:
        """The line of the table with this number, or of the key."""
        heads = [n for n, line in enumerate(self._lines, 1) if re.match(rf"\s*\[\[\s*{key}\s*\]\]", line)]
        named = [n for n, line in enumerate(self._lines, 1) if re.match(rf"\s*\[*\s*\"?{re.escape(key)}\b", line)]
        found = heads[place : place + 1] or named
        return found[0] if found else 1

    def _wrong(self, key: str, place: int, what: str) -> UsageError:
        return UsageError(f"--declare {self._path}:{self._line(key, place)}: {what}")


def _explained(kind: str, texts: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
    """The rules that a change breaks, each with patterns of where and of what is seen."""
    if kind == "headers":
        for rule in _OF_FIELDS:
            yield rule, "*", f"{texts['name'].lower()}: *"
        return
    if kind == "renames":
        for other, key in (("drops", "from"), ("adds", "to")):
            yield from _explained(other, {"name": texts[key]})
        return
    name = texts["name"].removeprefix(REPLY)
    rules = _OF_REPLIES if texts["name"].startswith(REPLY) else [f"sandwich.request.{n}" for n in _REQUEST[kind]]
    for rule in rules:
        for path in (name, f"{name}.*", f"{name}[*"):
            yield rule, path, "missing" if kind == "drops" else "*"


def propose(findings: Iterable[Finding]) -> str:
    """A declaration of what was found, whose reasons are to be written."""
    tables: dict[tuple[str, str], int] = {}
    retries = 0
    for finding in findings:
        rule = finding.rule.id.removeprefix("sandwich.")
        if rule == "request.retries":
            retries = max(retries, int(re.match(r"[\d,]+", finding.actual)[0].replace(",", "")))  # type: ignore[index]
        elif key := _kind_of(finding, rule):
            tables[key] = tables.get(key, 0) + 1
    head = ["# What this proxy changes on purpose. Write each reason, and delete what is a fault.", ""]
    head += [f"retries = {retries}", ""] if retries else []
    for (kind, name), times in tables.items():
        head += [f"[[{kind}]]  # seen {times} times", f"name = {_quoted(name)}", 'reason = ""', ""]
    return "\n".join(head)


def _kind_of(finding: Finding, rule: str) -> tuple[str, str] | None:
    if finding.rule.id in _OF_FIELDS:
        return "headers", finding.actual.partition(":")[0]
    side, _, _ = rule.partition(".")
    path = finding.place.path
    if side not in ("request", "reply") or not path or finding.rule.id in _NEVER:
        return None
    name = show_path(path[:1])
    kind = "drops" if finding.actual == "missing" else "adds" if finding.expected == "missing" else "rewrites"
    return kind, f"{REPLY}{name}" if side == "reply" else name


def _quoted(text: str) -> str:
    escaped = "".join(char if char.isprintable() and char not in '"\\' else f"\\u{ord(char):04x}" for char in text)
    return f'"{escaped}"'
