"""The book of scripts that the fake answers from: loading it, and reporting every problem with file and line.

A script file is a YAML list of `{name, when, reply, times}` (see `model.py`). A book never changes; how often
a script was used is counted in a ScriptState (`match.py`), so several servers can share one book.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from fake_server.api.request import EMBEDDINGS, MODERATIONS
from fake_server.scripts import aimock, yaml_lines
from fake_server.scripts.checks import oddities
from fake_server.scripts.error_text import describe_script_errors
from fake_server.scripts.index import ScriptIndex
from fake_server.scripts.model import Script
from fake_server.scripts.reply_parts import FOLDER
from fake_server.scripts.when import Part, Positive, When
from fake_server.scripts.yaml_lines import Document, ScriptError, Where

__all__ = ["Script", "ScriptBook", "ScriptError", "load", "parse", "parse_text", "parse_when"]

MAX_PROBLEMS = 50


@dataclass(frozen=True)
class ScriptBook:
    """Scripts in the order in which they are tried, fallbacks last.

    `warnings` names scripts that can never answer, `left_out` fixtures of endpoints that are not served.
    """

    scripts: tuple[Script, ...] = ()
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "scripts", tuple(sorted(self.scripts, key=lambda script: script.fallback)))

    def __iter__(self) -> Iterator[Script]:
        return iter(self.scripts)

    def __len__(self) -> int:
        return len(self.scripts)

    @cached_property
    def counts_calls(self) -> bool:
        """Whether some script waits for its n-th matching request."""
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
    def index(self) -> ScriptIndex:
        """Finds the scripts that may match a request without trying each."""
        return ScriptIndex(self.scripts)


def load(paths: Iterable[Path]) -> ScriptBook:
    """Read script files and directories of them. Raises ScriptError with every problem found."""
    scripts: list[Script] = []
    problems: list[str] = []
    left_out: list[str] = []
    files = yaml_lines.find(paths)
    names = _short_names(files)
    for path in files:
        try:
            document = yaml_lines.read(path)
        except ScriptError as error:
            problems.append(str(error))
            continue
        parsed, wrong, ignored = _scripts(document, str(path), names[path], path.parent)
        scripts += parsed
        problems += wrong
        left_out += ignored
    return _book(scripts, problems, left_out)


def parse(items: Iterable[Mapping[str, Any]], source: str = "scripts") -> ScriptBook:
    """A book from values written in Python instead of YAML. Raises ScriptError."""
    return _book(*_scripts(Document(list(items), {}), source))


def parse_text(text: str, source: str) -> ScriptBook:
    """A book from YAML that is in no file, so its replies name none. Raises ScriptError, `source:line` first."""
    return _book(*_scripts(yaml_lines.read_text(text, Path(source)), source))


def _short_names(files: Sequence[Path]) -> dict[Path, str]:
    """What the unnamed fixtures of each file are called: its stem, and as many folders as tell it from others."""
    names: dict[Path, str] = {}
    left, depth = list(files), 1
    while left:
        stems = {path: "/".join(path.with_suffix("").parts[-depth:]) for path in left}
        taken = Counter(stems.values())
        whole = {path for path in left if depth >= len(path.parts)}
        names |= {path: stem for path, stem in stems.items() if taken[stem] == 1 or path in whole}
        left, depth = [path for path in left if path not in names], depth + 1
    return names


class _Condition(Part):
    """The conditions of something that is no script: of a fault, a bug, an assertion."""

    when: When = Field(default_factory=When)
    times: Positive | None = None


def parse_when(when: Any, source: str, times: Any = None) -> tuple[When, int | None]:
    """The `when` and `times` of something that is no script, read as a script's. Raises ScriptError."""
    try:
        condition = _Condition.model_validate({"when": when, "times": times})
    except ValidationError as error:
        raise ScriptError("\n".join(describe_script_errors(error, Document(None, {}), (0,), source))) from None
    return condition.when, condition.times


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
        more = len(problems) - MAX_PROBLEMS
        shown = problems[:MAX_PROBLEMS] + ([f"and {more} more problems"] if more > 0 else [])
        raise ScriptError("\n".join(shown))
    book = ScriptBook(tuple(scripts))
    return replace(book, warnings=(*left_out, *oddities(book.scripts)), left_out=tuple(left_out))


def _scripts(
    document: Document, source: str, stem: str = "", folder: Path | None = None
) -> tuple[list[Script], list[str], list[str]]:
    """The scripts of a document, what is wrong in it, and what is left out; replies name files of `folder`."""
    value = document.value
    if isinstance(value, dict) and "openai-contract-fixture" in value:
        return [], [f"{source}:1: this is a fixture (a recording), not a script file: replay it instead"], []
    for kind in ("baseline", "profile"):
        if isinstance(value, dict) and f"openai-contract-{kind}" in value:
            return [], [f"{source}:1: this is a {kind} of `contract`, not a script file: keep it elsewhere"], []
    root: Where = ()
    if isinstance(value, dict):
        name = next((name for name in ("scripts", "fixtures") if name in value), None)
        root, value = ((name,), value[name]) if name else ((), None)
    if not isinstance(value, list):
        return [], [f"{source}:1: a script file is a list: begin each script with '- name: …'"], []
    scripts, problems, left_out = [], [], []
    for index, item in enumerate(value):
        where = (*root, index)
        place = f"{source}:{document.line(where)}" if document.lines else f"{source}[{index}]"
        if not isinstance(item, Mapping):
            problems.append(f"{place}: a script is a mapping with name, when, reply and times")
            continue
        foreign = root == ("fixtures",)
        try:
            given = aimock.script_of(item, f"{stem or Path(source).stem} {index + 1}") if foreign else item
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
            problems += describe_script_errors(error, inside, where, source)
        except (TypeError, AttributeError, KeyError) as error:
            problems.append(f"{place}: this fixture cannot be read: {error}")
    return scripts, problems, left_out


def _stand_in(script: Mapping[str, Any]) -> dict[str, Any]:
    """A reply that fits where the one that a callable gives will stand."""
    when = script.get("when")
    endpoint = when.get("endpoint") if isinstance(when, Mapping) else None
    numbers: dict[Any, dict[str, Any]] = {EMBEDDINGS: {"embedding": []}, MODERATIONS: {"flagged": []}}
    return numbers.get(endpoint, {"text": ""})
