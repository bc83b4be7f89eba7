"""Reads profiles and baselines, YAML files; an error names its line.

openai-contract-profile: 1              # or openai-contract-baseline: 1
about: Azure OpenAI                     # a profile's only, as are `select` and `without`
select: [chat, tools]                   # the cases that are asked, all where it is left out
without: [chat.stream]                  # those of them that are not
tolerate:
  - rule: chat.stream.object
    in: [chat.stream.*, tools.auto]     # cases or recordings; optional as at, actual and expires
    at: choices[*].delta                # path in the JSON
    actual: '""'                        # what was seen; `*` stands for any characters in all three
    reason: the first chunk carries the filter results of the prompt alone
    link: https://github.com/…          # optional in a baseline
    expires: 2027-01-31                 # the last day on which it is tolerated
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from contract_tests.cases import select as select_cases
from contract_tests.rules import RULES
from contract_tests.target.errors import UsageError
from contract_tests.target.options import below
from contract_tests.tolerance.entry import ANYTHING, ToleranceEntry
from fake_server.relay.redact import excerpt
from fake_server.scripts.yaml_lines import Document, ScriptError, Where, read
from fake_server.wire.text import did_you_mean

VERSION = 1
PROFILE, BASELINE = "profile", "baseline"
END = "# end of the baseline"
"""The last line of a baseline that the kit wrote, which its heading announces: a torn one is YAML as well."""
SHIPPED = Path(__file__).with_name("profiles")
DEFAULT_PROFILE = "openai"

MEMBERS = ("rule", "in", "at", "actual", "reason", "link", "expires")
"""The keys of an entry."""
TOP = {PROFILE: ("tolerate", "about", "select", "without"), BASELINE: ("tolerate",)}
"""The keys of a file beside its mark."""


@dataclass(frozen=True)
class Tolerances:
    """One file. `name` is what reports call it, `select` holds prefixes of cases, none for all."""

    name: str
    entries: tuple[ToleranceEntry, ...] = ()
    about: str = ""
    select: tuple[str, ...] = ()


def mark_of(kind: str) -> str:
    """The first key of a file, whose value is its version."""
    return f"openai-contract-{kind}"


def needed_in(kind: str) -> tuple[str, ...]:
    """The keys that an entry must have."""
    return ("rule", "reason", "link") if kind == PROFILE else ("rule", "reason")


def profile_names() -> tuple[str, ...]:
    """The names of the profiles that ship with the kit."""
    return tuple(sorted(path.stem for path in SHIPPED.glob("*.yaml")))


def load_profile(name: str) -> Tolerances:
    """A shipped profile by its name, or the user's own by its path. Raises UsageError."""
    if "/" not in name and "\\" not in name and not name.endswith((".yaml", ".yml")):
        if name not in profile_names():
            hint = did_you_mean(name, profile_names(), f"the kit has {', '.join(profile_names())}.")
            raise UsageError(f"--profile: no profile is called {name!r}: {hint} A .yaml file of yours works too")
        return _load(SHIPPED / f"{name}.yaml", PROFILE, name)
    return _load(Path(name), PROFILE, name)


def load_baseline(path: Path) -> Tolerances:
    """The known findings of a file. Raises UsageError."""
    return _load(path, BASELINE, str(path))


def _load(path: Path, kind: str, name: str) -> Tolerances:
    try:
        return _Reading(path, read(path), kind, f"{kind} {name}").tolerances()
    except ScriptError as error:
        raise UsageError(str(error)) from error


class _Reading:
    """Turns a document into tolerances. The first thing that is wrong raises ScriptError with its line."""

    def __init__(self, path: Path, document: Document, kind: str, name: str) -> None:
        self._path, self._document, self._kind, self._name = path, document, kind, name
        self._shown = path.name if path.parent == SHIPPED else path

    def tolerances(self) -> Tolerances:
        mark = mark_of(self._kind)
        if f"`{END}`" in self._document.text and END not in self._document.text.splitlines():
            last = self._document.text.count("\n")
            what = f"the {self._kind} is cut off: its last line, `{END}`, is missing; write it anew"
            raise UsageError(f"{self._path}:{max(last, 1)}: {what}")
        value = self._document.value
        if not isinstance(value, dict) or mark not in value:
            raise self._wrong((), f"not a {self._kind}: the first key is '{mark}: {VERSION}'")
        if value[mark] != VERSION:
            raise self._wrong((mark,), f"{self._kind} version {value[mark]!r}; this kit reads {VERSION}")
        self._known_keys(value, (), (mark, *TOP[self._kind]))
        entries = value.get("tolerate")
        if not isinstance(entries, list):
            raise self._wrong(("tolerate",), "`tolerate` is a list of entries, [] for none")
        return Tolerances(
            self._name,
            tuple(entry for place, value in enumerate(entries) for entry in self._entries(value, ("tolerate", place))),
            self._text(value, "about", ()),
            self._chosen(value),
        )

    def _chosen(self, value: Mapping[str, Any]) -> tuple[str, ...]:
        """The prefixes in `select`; the ids of the cases where some are left out."""
        chosen, left_out = (self._prefixes(value, name) for name in ("select", "without"))
        if not left_out:
            return chosen
        ids = (case.id for case in select_cases(chosen))
        return tuple(case_id for case_id in ids if not any(below(case_id, prefix) for prefix in left_out))

    def _prefixes(self, value: Mapping[str, Any], name: str) -> tuple[str, ...]:
        prefixes = value.get(name, [])
        if not isinstance(prefixes, list) or not all(isinstance(prefix, str) for prefix in prefixes):
            raise self._wrong((name,), f"`{name}` is a list of cases or sections")
        try:
            select_cases(prefixes)
        except KeyError as error:
            raise self._wrong(
                (name,), f"no case is called {error.args[0]!r} or lies below it; `contract run --list`"
            ) from error
        return tuple(prefixes)

    def _entries(self, value: Any, where: Where) -> list[ToleranceEntry]:
        """The entry, once for each text in its `in`."""
        if not isinstance(value, dict):
            raise self._wrong(where, f"an entry is a mapping with {' and '.join(self._needed)}")
        self._known_keys(value, where, MEMBERS)
        for name in self._needed:
            if not self._text(value, name, where):
                raise self._wrong((*where, name), f"the entry has no {name}")
        entry = ToleranceEntry(
            rule=self._rule(value, where),
            reason=self._text(value, "reason", where),
            link=self._link(value, where),
            path=self._text(value, "at", where, ANYTHING),
            actual=self._text(value, "actual", where, ANYTHING),
            expires=self._expires(value, where),
            by=self._name,
            place=f"{self._shown}:{self._document.line(where)}",
            must_occur=self._kind == BASELINE,
        )
        return [replace(entry, label=label) for label in self._labels(value, where)]

    def _labels(self, value: Mapping[str, Any], where: Where) -> list[str]:
        given = value.get("in", ANYTHING)
        labels = given if isinstance(given, list) else [given]
        if not labels or not all(isinstance(label, str) and label for label in labels):
            raise self._wrong((*where, "in"), "`in` is a string or a list of them; put quotes around each")
        return labels

    @property
    def _needed(self) -> tuple[str, ...]:
        return needed_in(self._kind)

    def _rule(self, value: Mapping[str, Any], where: Where) -> str:
        name = self._text(value, "rule", where)
        if name not in RULES:
            hint = did_you_mean(name, RULES, "`contract rules` lists them")
            raise self._wrong((*where, "rule"), f"no rule is called {name!r}; {hint}")
        return name

    def _link(self, value: Mapping[str, Any], where: Where) -> str:
        link = self._text(value, "link", where)
        if link and not link.startswith(("https://", "http://")):
            raise self._wrong((*where, "link"), f"`link` is a URL, not {excerpt(link, 40)!r}")
        return link

    def _expires(self, value: Mapping[str, Any], where: Where) -> date | None:
        text = self._text(value, "expires", where)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError as error:
            raise self._wrong(
                (*where, "expires"), f"`expires` is a date as in 2027-01-31, not {excerpt(text, 40)!r}"
            ) from error

    def _text(self, value: Mapping[str, Any], name: str, where: Where, otherwise: str = "") -> str:
        """The text of a member, `otherwise` where it is missing."""
        text = value.get(name, otherwise)
        if not isinstance(text, str):
            raise self._wrong((*where, name), f"`{name}` is a string; put quotes around it")
        return " ".join(text.split()) if name in ("reason", "about") else text.strip()

    def _known_keys(self, value: Mapping[str, Any], where: Where, known: Collection[str]) -> None:
        for key in value:
            if key not in known:
                hint = did_you_mean(key, known, f"known are {', '.join(known)}")
                raise self._wrong((*where, key), f"unknown key {key!r}; {hint}", key=True)

    def _wrong(self, where: Where, what: str, key: bool = False) -> UsageError:
        line = self._document.key_line(where) if key else self._document.line(where)
        return UsageError(f"{self._path}:{line}: {what}")
