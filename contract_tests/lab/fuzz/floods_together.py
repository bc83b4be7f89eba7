"""Part `floods-together`: every kind of flood and of costly request at one fake, one after another, then all at once.

Prints the peak of the fake's resident memory, and the longest wait of another client beside that for an idle fake.
"""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from contract_tests.lab.fuzz.fake_process import UNHURRIED, FakeProcess
from contract_tests.lab.fuzz.floods import CHAT, FLOODS, GIVE_UP, MIB, MOST_RSS, Flood, chat
from contract_tests.lab.fuzz.waits import Wait, measure

_ENUM = [f"value {number}" for number in range(1500)]
FAULTS = (
    "comments;count=100000;size=10000, split;every=1",
    ", ".join(['rewrite;find="e";by="' + "e" * 100 + '"'] * 5),
    'json;at="$' + "..*" * 28 + '";value="a"',
    "garbage;bytes=100000000",
)
TEMPLATES = (
    "{{ 'a\n' * 500000 | indent(100000) }}",
    "{{ '%999999999d' % 1 }}",
    "{% for i in range(90000) %}{% for j in range(90000) %}{{ j }}{% endfor %}{% endfor %}",
    "{{ ('a' * 500000).replace('a', 'b' * 500000) }}",
)
SCHEMAS: tuple[dict[str, Any], ...] = (
    {"properties": {"a": {"allOf": [{"enum": [*_ENUM, number]} for number in range(80)]}}, "required": ["a"]},
    {
        "patternProperties": {rf"^(\w{{9}}){{{n + 1}}}x": {} for n in range(80)},
        "required": [f"p{n}" for n in range(80)],
    },
    {"properties": {"a": {"items": {"pattern": "([" + "a-z" * 900 + "]){900}"}, "minItems": 900}}, "required": ["a"]},
    {"properties": {"a": {"$ref": "#"}, "b": {"$ref": "#"}}, "required": ["a", "b"]},
)


def costly_faults(flood: Flood) -> None:
    for fault in FAULTS:
        flood.ask(CHAT, chat("word " * 15_000, stream=True), x_fake_fault=fault)


def costly_templates(flood: Flood) -> None:
    for text in TEMPLATES:
        flood.ask("/__fake__/replies", {"template": True, "text": text}, x_fake_space="templates")
        flood.ask(CHAT, chat("hi"), x_fake_space="templates")


def costly_schemas(flood: Flood) -> None:
    for schema in SCHEMAS:
        form = {"type": "json_schema", "json_schema": {"name": "a", "schema": {"type": "object", **schema}}}
        flood.ask(CHAT, chat("hi", response_format=form, n=9))
        function = {"name": "f", "parameters": {"type": "object", **schema}}
        flood.ask(CHAT, chat("hi", tools=[{"type": "function", "function": function}], tool_choice="required"))


def costly_probabilities(flood: Flood) -> None:
    for choices in (1, 9, 128):
        text = "Repeat after me: " + "a " * 60_000
        flood.ask(CHAT, chat(text, logprobs=True, top_logprobs=20, n=choices))


def deep_bodies(flood: Flood) -> None:
    for body in (b"[" * 5 * MIB, b'{"a":' * MIB, b"[" + b"1," * 2 * MIB + b"1]", json.dumps("\\" * MIB).encode()):
        flood.ask(CHAT, body)


COSTLY: tuple[Callable[[Flood], None], ...] = (
    costly_faults,
    costly_templates,
    costly_schemas,
    costly_probabilities,
    deep_bodies,
)
ALL = (*FLOODS, *COSTLY)


def play(floods: Iterable[Callable[[Flood], None]], fake: FakeProcess) -> list[Wait]:
    """Run floods at once, and ask for another client until they have ended; its waits."""
    waits: list[Wait] = []
    with contextlib.ExitStack() as links:
        threads = [threading.Thread(target=_run, args=(flood, Flood(fake, links)), daemon=True) for flood in floods]
        for thread in threads:
            thread.start()
        while any(thread.is_alive() for thread in threads) or not waits:
            waits.append(measure(fake))
            assert fake.peak_rss() < GIVE_UP, f"{fake.peak_rss() / MIB:.0f} MiB"
            threads[0].join(0.05)
    return waits


def _run(flood: Callable[[Flood], None], links: Flood) -> None:
    # of 1,000 streams at once, some are refused where other floods hold connections too
    with contextlib.suppress(AssertionError, OSError):
        flood(links)


def run(folder: Path, seed: int, floods: Iterable[Callable[[Flood], None]] = ALL) -> str:
    """Play them one after another, and together; what was measured. Raises AssertionError where a bound is exceeded."""
    floods, lines, late = tuple(floods), [], []
    with FakeProcess(seed, folder, UNHURRIED) as fake:
        quiet = max((measure(fake) for _ in range(5)), key=lambda wait: wait.seconds)
        lines.append(f"no flood {quiet}")
        for name, some in [*((flood.__name__, (flood,)) for flood in floods), ("all together", floods)]:
            waits = play(some, fake)
            worst = max(waits, key=lambda wait: wait.seconds)
            lines.append(f"{name} {fake.peak_rss() / MIB:.0f} MiB, {worst} of {len(waits)}")
            late += [f"{name}: {wait}" for wait in waits if wait.is_late]
        peak = fake.peak_rss()
    measured = "\n    ".join(lines)
    assert peak < MOST_RSS, f"the fake took {peak / MIB:.0f} MiB\n    {measured}"
    assert not late, f"another client waited: {'; '.join(late)}\n    {measured}"
    return f"{peak / MIB:.0f} MiB at most\n    {measured}"
