"""What was measured as a table, with the aims beside it."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from contract_tests.lab.speed.paced import STREAMS, Pace

HTTPTOOLS = "bare uvicorn, httptools"
Rates = Mapping[str, Sequence[float]]
"""A number for each round by the name of the server: requests a second, say."""


@dataclass(frozen=True)
class Life:
    """Seconds from start to the first answer and MiB of memory after the load."""

    ready: float
    mebibytes: float


@dataclass(frozen=True)
class Measured:
    """All that was measured; `left_out` says of servers why they are missing.

    `cpu` are microseconds of processor time a request, round by round: others on the machine change them less
    than the rates.
    """

    rates: Rates
    cpu: Rates
    lives: Mapping[str, Life]
    python: float
    imports: float
    pace: Pace | None = None
    left_out: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Aim:
    """Something to reach: what is measured, in words, and whether it is."""

    text: str
    told: str
    reached: bool | None


def ratios(rates: Rates, name: str, base: str) -> list[float]:
    """The ratio to the base in each round; none where one of the two is missing."""
    if name not in rates or base not in rates:
        return []
    return [one / other for one, other in zip(rates[name], rates[base], strict=True)]


def spread(values: Sequence[float]) -> str:
    """Median and range: `0.51 (0.48-0.55)`."""
    if not values:
        return "–"
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def aims(measured: Measured) -> list[Aim]:
    """The aims of the kit with what was reached."""
    rates, lives = measured.rates, measured.lives
    found = [
        _ratio("dict: at least 0.5 of bare uvicorn", rates, "fake", "bare uvicorn", 0.5),
        _ratio("dict: at least 0.5 of bare uvicorn on httptools", rates, "fake", HTTPTOOLS, 0.5),
        _ratio("dict: at least 1.3 of aimock", rates, "fake", "aimock", 1.3),
        _ratio("stream: at least 1.5 of aimock", rates, "fake, stream", "aimock, stream", 1.5),
        _ratio("1,000 scripts: at least 0.9 of one", rates, "fake, 1,000 scripts", "fake", 0.9),
    ]
    if "fake" in lives and "aimock" in lives:
        ours, theirs = lives["fake"], lives["aimock"]
        allowed = theirs.ready + measured.python
        ready = f"{ours.ready:.2f} s, aimock and Python's own start {allowed:.2f} s"
        found.append(Aim("ready no later than aimock and Python's own start", ready, ours.ready <= allowed))
        memory = f"{ours.mebibytes:.0f} MiB, aimock {theirs.mebibytes:.0f} MiB"
        found.append(Aim("memory at most aimock's", memory, ours.mebibytes <= theirs.mebibytes))
    if measured.pace is not None:
        pace = measured.pace
        told = f"{pace.whole:,} whole; error {pace.median:.1f} ms median, {pace.p99:.0f} ms p99"
        found.append(Aim(f"{STREAMS:,} open paced streams", told, pace.whole == STREAMS))
    return found


def _ratio(text: str, rates: Rates, name: str, base: str, least: float) -> Aim:
    values = ratios(rates, name, base)
    reached = statistics.median(values) >= least if values else None
    return Aim(text, spread(values), reached)


def rates_table(measured: Measured) -> Table:
    """One line a server: rate, ratio to its limit and to aimock, start and memory."""
    table = Table(box=None, pad_edge=False)
    table.add_column("server", no_wrap=True)
    for name in ("requests/s", "CPU each", "of bare uvicorn", "on httptools", "of aimock", "ready", "memory"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, values in measured.rates.items():
        base, fast, other = _compared_with(name)
        life = measured.lives.get(name)
        table.add_row(
            name,
            f"{statistics.median(values):,.0f}",
            f"{statistics.median(measured.cpu[name]):,.0f} µs" if name in measured.cpu else "–",
            spread(ratios(measured.rates, name, base)),
            spread(ratios(measured.rates, name, fast)),
            spread(ratios(measured.rates, name, other)),
            f"{life.ready:.2f} s" if life else "–",
            f"{life.mebibytes:.0f} MiB" if life else "–",
        )
    return table


def _compared_with(name: str) -> tuple[str, str, str]:
    """The bare server on h11, that on httptools, and aimock."""
    if any(word in name for word in ("stream", "event", "write")):
        return "bare uvicorn, event by event", "", "aimock, stream"
    return "bare uvicorn", HTTPTOOLS, "aimock"


def aims_table(measured: Measured) -> Table:
    """The aims with what was reached beside them."""
    table = Table(box=None, pad_edge=False, show_header=True)
    for name in ("aim", "measured", ""):
        table.add_column(name)
    words = {True: "reached", False: "MISSED", None: "not measured"}
    for aim in aims(measured):
        table.add_row(aim.text, aim.told, words[aim.reached])
    return table
