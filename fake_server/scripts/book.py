"""The book of scripts the fake answers from: loading, and every problem said with file and line.

A script file is a YAML list of `{name, when, reply, times}` (see `script_model`). The book never changes;
how often a script was used lives in a ScriptState, so several servers can share one book.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fake_server.api.request import EMBEDDINGS, MODERATIONS, ApiRequest
from fake_server.scripts import aimock, yaml_lines
from fake_server.scripts.checks import oddities
from fake_server.scripts.error_text import complaints
from fake_server.scripts.index import ScriptIndex
from fake_server.scripts.model import Script
from fake_server.scripts.reply_parts import FOLDER
from fake_server.scripts.yaml_lines import Document, ScriptError, Where

__all__ = ["Script", "ScriptBook", "ScriptError", "ScriptState", "load", "parse"]

MAX_PROBLEMS, MOST_SCOPES = 50, 100_000


@dataclass(frozen=True)
class ScriptBook:
    """Scripts in the order they are tried, fallbacks last.

    `warnings` say what can never answer, `left_out` which fixtures are for endpoints that are not served.
    """

    scripts: tuple[Script, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "scripts", tuple(sorted(self.scripts, key=lambda one: one.fallback)))

    def __iter__(self) -> Iterator[Script]:
        return iter(self.scripts)

    def __len__(self) -> int:
        return len(self.scripts)

    @cached_property
    def counts_calls(self) -> bool:
        """Whether some script waits for its n-th call."""
        return any(script.when.call is not None for script in self.scripts)

    @cached_property
    def files(self) -> frozenset[Path]:
        """The files that replies name beside their script."""
        return frozenset(
            script.folder / name
            for script in self.scripts
            if script.folder is not None
            for reply in script.every_reply
            for name in reply.files
        )

    @cached_property
    def _index(self) -> ScriptIndex:
        return ScriptIndex(self.scripts)

    def candidates(self, asking: ApiRequest) -> Iterable[Script]:
        """The scripts that may match this request, in order."""
        return self._index.candidates(asking)


class ScriptState:
    """How often each script was met and used; safe to share between threads.

    Both are counted within a scope: a key, a conversation, or '' for all there is.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._met: Counter[tuple[str, str]] = Counter()
        self._uses: Counter[tuple[str, str]] = Counter()
        self._used: Counter[str] = Counter()

    def used(self, script: Script, scope: str | None = None) -> int:
        """How often the script has answered, in all scopes or in one."""
        with self._lock:
            return self._used[script.name] if scope is None else self._uses[script.name, scope]

    def meet(self, script: Script, scope: str = "") -> int:
        """Count a request that the script would answer; the how manieth it is."""
        with self._lock:
            self._bound()
            self._met[script.name, scope] += 1
            return self._met[script.name, scope]

    def take(self, script: Script, scope: str = "") -> int:
        """Count one use; its number, 0 and nothing counted when the script's `times` are used up."""
        with self._lock:
            used = self._uses[script.name, scope]
            if script.times is not None and used >= script.times:
                return 0
            self._bound()
            self._uses[script.name, scope] = used + 1
            self._used[script.name] += 1
            return used + 1

    def _bound(self) -> None:
        """Begin anew where there are too many scopes: keys and conversations come without end."""
        if len(self._uses) + len(self._met) > MOST_SCOPES:
            self._uses.clear()
            self._met.clear()

    def forget(self, names: Iterable[str]) -> None:
        """Forget the uses of these scripts."""
        gone = set(names)
        with self._lock:
            for counter in (self._met, self._uses):
                for name, scope in [one for one in counter if one[0] in gone]:
                    del counter[name, scope]
            for name in gone:
                del self._used[name]

    def reset(self) -> None:
        """Forget every use."""
        with self._lock:
            self._met.clear()
            self._uses.clear()
            self._used.clear()


def load(paths: Iterable[Path]) -> ScriptBook:
    """Read script files and directories of them. Raises ScriptError with every problem found."""
    scripts: list[Script] = []
    problems: list[str] = []
    left_out: list[str] = []
    for path in yaml_lines.find(paths):
        try:
            document = yaml_lines.read(path)
        except ScriptError as error:
            problems.append(str(error))
            continue
        found, wrong, left = _scripts(document, str(path))
        scripts += found
        problems += wrong
        left_out += left
    return _book(scripts, problems, left_out)


def parse(items: Iterable[Mapping[str, Any]], source: str = "scripts") -> ScriptBook:
    """A book from values written in Python instead of YAML. Raises ScriptError."""
    return _book(*_scripts(Document(list(items), {}), source))


def join_books(*books: ScriptBook) -> ScriptBook:
    """The scripts of several books, tried in this order. Raises ScriptError for a name that stands twice."""
    left_out = [line for book in books for line in book.left_out]
    return _book([script for book in books for script in book], [], left_out)


def _book(scripts: list[Script], problems: list[str], left_out: list[str]) -> ScriptBook:
    places: dict[str, str] = {}
    for script in scripts:
        if script.name in places:
            first = places[script.name]
            problems.append(f"{script.place}: the name {script.name!r} is taken by {first}: choose another")
        places.setdefault(script.name, script.place)
    if problems:
        left = len(problems) - MAX_PROBLEMS
        shown = problems[:MAX_PROBLEMS] + ([f"and {left} more problems"] if left > 0 else [])
        raise ScriptError("\n".join(shown))
    book = ScriptBook(tuple(scripts))
    return replace(book, warnings=(*left_out, *oddities(book.scripts)), left_out=tuple(left_out))


def _scripts(document: Document, source: str) -> tuple[list[Script], list[str], list[str]]:
    """The scripts of a document, what is wrong in it, and what is left out."""
    value = document.value
    if isinstance(value, dict) and "openai-contract-fixture" in value:
        return [], [f"{source}:1: this is a fixture (a recording), not a script file: replay it instead"], []
    root: Where = ()
    if isinstance(value, dict):
        name = next((name for name in ("scripts", "fixtures") if name in value), None)
        root, value = ((name,), value[name]) if name else ((), None)
    if not isinstance(value, list):
        return [], [f"{source}:1: a script file is a list: begin each script with '- name: …'"], []
    folder = Path(source).parent if document.lines else None
    scripts, problems, left_out = [], [], []
    for index, item in enumerate(value):
        where = (*root, index)
        place = f"{source}:{document.line(where)}" if document.lines else f"{source}[{index}]"
        if not isinstance(item, Mapping):
            problems.append(f"{place}: a script is a mapping with name, when, reply and times")
            continue
        foreign = root == ("fixtures",)
        try:
            given = aimock.script_of(item, f"{Path(source).stem} {index + 1}") if foreign else item
            called = given["reply"] if callable(given.get("reply")) else None
            written = {**given, "reply": _stand_in(given)} if called else dict(given)
            script = Script.model_validate(written, context={FOLDER: folder})
            scripts.append(script.at(place, folder, called))
        except aimock.NotServed as error:
            left_out.append(f"{place}: {error}")
        except aimock.NotOurs as error:
            line = document.key_line((*where, *error.member))
            problems.append(f"{source}:{line}: {error}" if document.lines else f"{place}: {error}")
        except ValidationError as error:
            inside = Document(document.value, {where: document.line(where)}) if foreign else document
            problems += complaints(error, inside, where, source)
        except (TypeError, AttributeError, KeyError) as error:
            problems.append(f"{place}: this fixture cannot be read: {error}")
    return scripts, problems, left_out


def _stand_in(script: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that fits where the one that a callable gives will stand."""
    when = script.get("when")
    endpoint = when.get("endpoint") if isinstance(when, Mapping) else None
    numbers: dict[Any, dict[str, Any]] = {EMBEDDINGS: {"embedding": []}, MODERATIONS: {"flagged": []}}
    return numbers.get(endpoint, {"text": ""})
