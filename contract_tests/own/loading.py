"""Add the rules and cases of own modules to the kit's, for as long as a command runs."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, ModuleType

from contract_tests.cases import CASES
from contract_tests.own.bounded import TookTooLong, bounded
from contract_tests.own.checking import Faults, guarded
from contract_tests.rules.catalogue import RULES, SECTIONS
from contract_tests.rules.engine.judge import Level, Rule, Section
from contract_tests.target.errors import UsageError
from fake_server.wire import files
from fake_server.wire.text import shorten

MAX_BYTES = 1024 * 1024
SECONDS = 10.0
"""What loading a module may take."""
_ID = re.compile(r"[a-z0-9][a-z0-9-]*(\.[a-z0-9][a-z0-9-]*)+")


@contextmanager
def own_modules(rules: Iterable[str], cases: Iterable[str]) -> Iterator[Faults]:
    """Let the rules and cases of these modules or files take part; `Faults` fills as own rules fail.

    Raises UsageError, with the file and the line, for a module that cannot be used.
    """
    known_rules, known_cases = dict(RULES), dict(CASES)
    sizes = [(section, len(section.rules)) for section in SECTIONS]
    loaded: list[str] = []
    faults = Faults()
    try:
        for name in rules:
            file, module = _load(name, "--rules", loaded)
            _add_rules(file, module, sizes, faults)
        for name in cases:
            before = len(CASES)
            file, _ = _load(name, "--cases", loaded)
            _check_cases(file, list(CASES)[before:], known_cases)
        yield faults
    finally:
        for section, size in sizes:
            del section.rules[size:]
        for register, known in ((RULES, known_rules), (CASES, known_cases)):
            register.clear()
            register.update(known)  # type: ignore[arg-type]  # each with its own
        for module_name in loaded:
            sys.modules.pop(module_name, None)


def _load(name: str, option: str, loaded: list[str]) -> tuple[Path, ModuleType]:
    """Run the file of a module under a name of its own. Raises UsageError."""
    file = _find(name, option)
    code = _compile(file, option)
    module = ModuleType(f"own_of_contract_{len(loaded)}_{file.stem}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module
    loaded.append(module.__name__)
    sys.path.insert(0, str(file.absolute().parent))  # so that it finds the files beside it
    try:
        with bounded(SECONDS):
            exec(code, module.__dict__)  # noqa: S102 - the caller names the file to run it
    except (Exception, SystemExit, TookTooLong) as error:
        text = shorten(" ".join(str(error).split()), 200)
        where = f"{file}:{_line_of(error, file)}"
        raise UsageError(f"{option} {where}: cannot be loaded: {type(error).__name__}: {text}") from error
    finally:
        sys.path.remove(str(file.absolute().parent))
    return file, module


def _find(name: str, option: str) -> Path:
    path = Path(name)
    if path.suffix == ".py" or path.exists() or "/" in name:
        return path
    try:
        sys.path.insert(0, "")
        spec = importlib.util.find_spec(name)
    except (ImportError, ValueError, AttributeError):
        spec = None
    finally:
        sys.path.remove("")
    if spec is None or not spec.origin or not spec.origin.endswith(".py"):
        raise UsageError(f"{option} {name}: there is no such module; name a module of Python, or a .py file")
    return Path(spec.origin)


def _compile(file: Path, option: str) -> CodeType:
    try:
        return compile(files.read_bytes(file, MAX_BYTES), str(file), "exec")
    except SyntaxError as error:
        raise UsageError(f"{option} {file}:{error.lineno or 1}: not Python: {error.msg}") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UsageError(f"{option} {file}: not Python: {shorten(str(error), 200) or 'nested too deeply'}") from error
    except OSError as error:
        raise UsageError(f"{option} {file}: cannot be read: {error.strerror or error}") from error


def _line_of(error: BaseException, file: Path) -> int:
    """The last line of the file that the error passed through."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == str(file):
            line = trace.tb_lineno
        trace = trace.tb_next
    return line


def _add_rules(file: Path, module: ModuleType, sizes: list[tuple[Section, int]], faults: Faults) -> None:
    for section, size in sizes:
        if len(section.rules) > size:
            rule = section.rules[size]
            raise UsageError(
                f"--rules {_where(rule, file)}: {rule.id} is in a section of the kit; make a Section of your own"
            )
    kits = {id(section) for section, _ in sizes}
    sections = {id(value): value for value in vars(module).values() if isinstance(value, Section)}
    rules = [rule for key, section in sections.items() if key not in kits for rule in section.rules]
    if not rules:
        raise UsageError(f"--rules {file}: no rule is in it; make a Section and decorate functions with its `rule`")
    first = {section.name.partition(".")[0] for section, _ in sizes}
    for rule in rules:
        where = _where(rule, file)
        _check_id(f"--rules {where}: rule", rule.id, first)
        if rule.id in RULES:
            raise UsageError(f"--rules {where}: there is a rule {rule.id} already; give it another name")
        if not isinstance(rule.level, Level) or not callable(rule.over) or not rule.clause or not rule.harm:
            raise UsageError(
                f"--rules {where}: rule {rule.id} lacks a level, `over`, a docstring (its clause) or its `harm`"
            )
        RULES[rule.id] = guarded(rule, where, faults)


def _where(rule: Rule, file: Path) -> str:
    code = getattr(_innermost(rule.check), "__code__", None)
    return f"{file}:{code.co_firstlineno}" if code and code.co_filename == str(file) else str(file)


def _innermost(check: Callable[..., object]) -> Callable[..., object]:
    """The function that was decorated: a rule of several parameters keeps it in a closure."""
    held = [cell.cell_contents for cell in getattr(check, "__closure__", None) or ()]
    return next((value for value in held if callable(value)), check)


def _check_cases(file: Path, new: list[str], known: Iterable[str]) -> None:
    if not new:
        raise UsageError(f"--cases {file}: no case is in it; decorate a coroutine function with `case`")
    first = {case_id.partition(".")[0] for case_id in known}
    for case_id in new:
        _check_id(f"--cases {file}: case", case_id, first)


def _check_id(what: str, name: str, taken: set[str]) -> None:
    if not _ID.fullmatch(name):
        raise UsageError(f"{what} {shorten(name, 80)!r}: an id is small letters, digits and hyphens, such as acme.name")
    if name.partition(".")[0] in taken:
        raise UsageError(f"{what} {name}: {name.partition('.')[0]} is the kit's; begin it with a name of your own")
