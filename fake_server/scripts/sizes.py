"""How large what a template makes would be, known before it is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sized
from functools import update_wrapper
from typing import Any

from jinja2.sandbox import SandboxedFormatter

from fake_server.wire.budget import TooMuch as TooMuchOfRequest

MOST = 1024 * 1024
"""Characters or members that one value may have, and characters that one template may give."""
CHARACTERS, MEMBERS = 256, 4
"""Characters, and members of a list, that are a step."""
BUILT_IN = (str, bytes, int, float, list, tuple, dict, range)
_WIDTH = re.compile(r"\d{5}|\*")
_FIELD = re.compile(r"%(?:\((?P<name>[^)]*)\))?[-#0 +]*(?P<width>\d*)(?:\.(?P<digits>\d*))?")
Spend = Callable[[int], None]


class TooMuch(TooMuchOfRequest):
    """A template that would take too long or too much memory; the message goes on after "the template …"."""


def steps_of(value: Any) -> int:
    """The steps of the outermost part of a value."""
    return len(value) // (CHARACTERS if isinstance(value, str | bytes) else MEMBERS)


def weigh(value: Any, step: Spend) -> int:
    """About how many characters a value has as text, going through all of it; each part of it is counted."""
    size, waiting, seen = 0, [value], 0
    while waiting:
        part = waiting.pop()
        seen += 1
        if seen == MEMBERS:
            step(1)
            seen = 0
        if isinstance(part, str | bytes):
            size += len(part)
            if len(part) >= CHARACTERS:
                step(len(part) // CHARACTERS)
        elif isinstance(part, list | tuple):
            size += 2
            waiting += part
        elif isinstance(part, dict):
            waiting += part.keys()
            waiting += part.values()
        elif isinstance(part, range):
            size += 10 * len(part)
            step(len(part) // MEMBERS)
        size += 4
    return size


def too_large(value: Any) -> None:
    """Raises TooMuch for a value of too many members."""
    if isinstance(value, Sized):
        check_size(len(value))


def check_size(size: int) -> None:
    """Raises TooMuch for a value that would have too many members."""
    if size > MOST:
        raise TooMuch(f"makes a value of more than {MOST:,} members")


def check_widths(values: Iterable[Any]) -> None:
    """Raises TooMuch for a too large width or count given to a filter or method."""
    if any(isinstance(value, int) and abs(value) > MOST for value in values):
        raise TooMuch(f"asks for more than {MOST:,} of something")


def check_digits(form: str) -> None:
    """Raises TooMuch for a format with a large width."""
    if _WIDTH.search(form):
        raise TooMuch("formats with a width of more than four digits")


def check_printf(form: str, given: Any, step: Spend) -> None:
    """Raises TooMuch if `form % given` would be too large."""
    check_digits(form)
    size = len(form)
    values = list(given) if isinstance(given, tuple) else [given]
    sizes = [weigh(value, step) for value in values]
    for number, field in enumerate(_FIELD.finditer(form)):
        step(1)
        size += int(field["width"] or 0) + int(field["digits"] or 0)
        if field["name"] is not None and isinstance(given, Mapping):
            size += weigh(given.get(field["name"]), step)
        elif number < len(sizes):
            size += sizes[number]
        check_size(size)


def check_filter(name: str, values: tuple[Any, ...], named: Mapping[str, Any], step: Spend) -> None:
    """Raises TooMuch if a filter would make more than is known from the sizes of what it is given."""
    of = values[0] if values else ""
    if name == "replace" and len(values) > 2:
        _check_replace(str(of), str(values[1]), str(values[2]))
    elif name == "join":
        _check_join(of, _argument(values, named, 1, "d", ""), step)
    elif name == "sum":
        check_size(sum(len(item) for item in of if isinstance(item, Sized)) if isinstance(of, list | tuple) else 0)
    elif name == "indent":
        width = _argument(values, named, 1, "width", 4)
        check_size(_lines(of) * (width if isinstance(width, int) else len(str(width))))
    elif name == "wordwrap":
        width = max(int(_argument(values, named, 1, "width", 79)), 1)
        between = _argument(values, named, 3, "wrapstring", None) or "\n"
        text = str(of)
        check_size((len(text) // width + _lines(text)) * len(str(between)))
        longest = max(map(len, text.split()), default=0)
        step(len(text) // 64 + longest * longest // width // 10_000)
    elif name in ("pprint", "tojson", "xmlattr", "urlize", "title", "wordcount"):
        step(weigh(of, step) // 16)
    elif name in ("batch", "slice"):
        check_size(int(values[1]) if len(values) > 1 and isinstance(values[1], int) else 0)


def check_method(of: Any, name: str, values: tuple[Any, ...], named: Mapping[str, Any], step: Spend) -> None:
    """Raises TooMuch if a method of a built-in value would make too much."""
    if isinstance(of, str | bytes):
        if name == "replace" and len(values) > 1:
            _check_replace(of, values[0], values[1])
        elif name == "join" and values:
            _check_join(values[0], of, step)
        elif name == "expandtabs":
            width = _argument(values, named, 0, "tabsize", 8)
            tab = "\t" if isinstance(of, str) else b"\t"
            check_size(len(of) + of.count(tab) * max(width, 0))  # type: ignore[arg-type]
        elif name == "translate" and values and isinstance(values[0], Mapping):
            longest = max((len(str(value)) for value in values[0].values()), default=0)
            check_size(len(of) * max(longest, 1))


def _argument(values: tuple[Any, ...], named: Mapping[str, Any], place: int, name: str, default: Any) -> Any:
    return values[place] if len(values) > place else named.get(name, default)


def _lines(text: Any) -> int:
    return str(text).count("\n") + 1


def _check_replace(of: Any, old: Any, new: Any) -> None:
    if type(of) is type(old) is type(new):
        found = of.count(old)
        check_size(len(of) + found * max(len(new) - len(old), 0))


def _check_join(items: Any, between: Any, step: Spend) -> None:
    if isinstance(items, list | tuple | dict | range):
        check_size(weigh(items if not isinstance(items, dict) else list(items), step))
        check_size(len(items) * len(str(between)))


class _Formatter(SandboxedFormatter):
    """Formats fields within bounds, however many there are and wherever their widths come from."""

    def __init__(self, environment: Any, read: Callable[[Any], Any]) -> None:
        super().__init__(environment)
        self._read, self._size = read, 0

    def format_field(self, value: Any, format_spec: str) -> str:
        check_digits(format_spec)
        self._read(value)
        text = super().format_field(value, format_spec)
        self._size += len(text)
        check_size(self._size)
        self._read(text)
        return str(text)


def formatting(environment: Any, method: Any, read: Callable[[Any], Any]) -> Callable[..., str]:
    """What is called for `str.format` or `str.format_map`: the same within bounds."""
    text, of_map = method.__self__, method.__name__ == "format_map"

    def formatted(*values: Any, **named: Any) -> str:
        check_digits(text)
        read(text)
        if of_map and (named or len(values) != 1):
            raise TypeError("format_map() takes one argument")
        given, names = ((), values[0]) if of_map else (values, named)
        return str(_Formatter(environment, read).vformat(text, given, names))

    return update_wrapper(formatted, method)
