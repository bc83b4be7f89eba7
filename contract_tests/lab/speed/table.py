"""The results as a table, with the aims beside them."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.table import Table

from contract_tests.lab.speed.paced import STREAMS, Pace

HTTPTOOLS = "bare uvicorn, httptools"
Rates = Mapping[str, Sequence[float]]
"""Server name -> one number for each round, such as requests per second."""


@dataclass(frozen=True)
class Life:
    """Seconds from the start to the first reply, and MiB of memory after the load."""

    ready: float
    mebibytes: float


@dataclass(frozen=True)
class Results:
    """Everything measured; `left_out` says why a server is missing.

    `cpu` is processor time per request in microseconds, round by round; other load on the machine changes it
    less than the rates. `python` and `imports` are seconds.
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
    """Something to reach: `text` says what, `result` what was measured, `reached` is None if it was not."""

    text: str
    result: str
    reached: bool | None


def ratios(rates: Rates, name: str, base: str) -> list[float]:
    """The ratio to the base in each round; empty where one of the two is missing."""
    if name not in rates or base not in rates:
        return []
    return [rate / limit for rate, limit in zip(rates[name], rates[base], strict=True)]


def spread(values: Sequence[float]) -> str:
    """Median and range: `0.51 (0.48-0.55)`."""
    if not values:
        return "–"
    return f"{statistics.median(values):.2f} ({min(values):.2f}–{max(values):.2f})"


def aims(results: Results) -> list[Aim]:
    """The aims of the kit and the results for them."""
    rates, lives = results.rates, results.lives
    reached = [
        _ratio_aim("dict: at least 0.5 of bare uvicorn", rates, "fake", "bare uvicorn", 0.5),
        _ratio_aim("dict: at least 0.5 of bare uvicorn on httptools", rates, "fake", HTTPTOOLS, 0.5),
        _ratio_aim("dict: at least 1.3 of aimock", rates, "fake", "aimock", 1.3),
        _ratio_aim("stream: at least 1.5 of aimock", rates, "fake, stream", "aimock, stream", 1.5),
        _ratio_aim("1,000 scripts: at least 0.9 of one", rates, "fake, 1,000 scripts", "fake", 0.9),
    ]
    if "fake" in lives and "aimock" in lives:
        ours, theirs = lives["fake"], lives["aimock"]
        allowed = theirs.ready + results.python
        ready = f"{ours.ready:.2f} s, aimock and Python's own start {allowed:.2f} s"
        reached.append(Aim("ready no later than aimock and Python's own start", ready, ours.ready <= allowed))
        memory = f"{ours.mebibytes:.0f} MiB, aimock {theirs.mebibytes:.0f} MiB"
        reached.append(Aim("memory at most aimock's", memory, ours.mebibytes <= theirs.mebibytes))
    if results.pace is not None:
        pace = results.pace
        text = f"{pace.whole:,} whole; error {pace.median:.1f} ms median, {pace.p99:.0f} ms p99"
        reached.append(Aim(f"{STREAMS:,} open paced streams", text, pace.whole == STREAMS))
    return reached


def _ratio_aim(text: str, rates: Rates, name: str, base: str, least: float) -> Aim:
    values = ratios(rates, name, base)
    reached = statistics.median(values) >= least if values else None
    return Aim(text, spread(values), reached)


def rates_table(results: Results) -> Table:
    """One line per server: rate, ratio to its limits and to aimock, start and memory."""
    table = Table(box=None, pad_edge=False)
    table.add_column("server", no_wrap=True)
    for name in ("requests/s", "CPU each", "of bare uvicorn", "on httptools", "of aimock", "ready", "memory"):
        table.add_column(name, justify="right", no_wrap=True)
    for name, values in results.rates.items():
        base, fast, aimock = _baselines(name)
        life = results.lives.get(name)
        table.add_row(
            name,
            f"{statistics.median(values):,.0f}",
            f"{statistics.median(results.cpu[name]):,.0f} µs" if name in results.cpu else "–",
            spread(ratios(results.rates, name, base)),
            spread(ratios(results.rates, name, fast)),
            spread(ratios(results.rates, name, aimock)),
            f"{life.ready:.2f} s" if life else "–",
            f"{life.mebibytes:.0f} MiB" if life else "–",
        )
    return table


def _baselines(name: str) -> tuple[str, str, str]:
    """The bare server on h11, the bare server on httptools, and aimock; '' where there is none."""
    if any(kind in name for kind in ("stream", "event", "write")):
        return "bare uvicorn, event by event", "", "aimock, stream"
    return "bare uvicorn", HTTPTOOLS, "aimock"


def aims_table(results: Results) -> Table:
    """The aims and the results for them."""
    table = Table(box=None, pad_edge=False, show_header=True)
    for name in ("aim", "measured", ""):
        table.add_column(name)
    verdicts = {True: "reached", False: "MISSED", None: "not measured"}
    for aim in aims(results):
        table.add_row(aim.text, aim.result, verdicts[aim.reached])
    return table
