"""`python -m contract_tests.lab.fuzz`: run every part for its share of the time."""

from __future__ import annotations

import argparse
import faulthandler
import secrets
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from contract_tests.lab.fuzz import (
    control,
    costly,
    faults,
    floods,
    floods_together,
    hostile_folders,
    memory,
    pages,
    recordings,
    requests,
    schemas,
    scripts,
    surface,
    wire,
)
from contract_tests.lab.fuzz.fake_process import PATIENCE, FakeProcess
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm

PARTS: tuple[Part, ...] = (
    requests.PART,
    wire.PART,
    control.PART,
    faults.PART,
    pages.PART,
    *scripts.PARTS,
    schemas.PART,
    *recordings.PARTS,
    *hostile_folders.PARTS,
    *costly.PARTS,
)
SURFACE, MEMORY, FLOODS, TOGETHER = "surface", "memory", "floods", "floods-together"
SHARES = {SURFACE: 3, MEMORY: 2, FLOODS: 4} | {part.name: 1 for part in PARTS}
"""How the time is divided."""
ALONE = {TOGETHER: 1}
"""Parts that run only where they are named: they take many minutes, whatever the time."""
PATIENT = {part.name: part.patience for part in PARTS}
HANGS = 120.0
"""Seconds for one round, after which the stack is printed and the run ends."""
INTERRUPTED = 130
ROUNDS = 4096
"""Rounds count up from the seed; the fake's own seed is the seed divided by this, so that a round repeats."""


def fuzz(name: str, fake: FakeProcess, seed: int, seconds: float) -> str:
    """Run one part for some seconds; what was done. Raises what its checks do, with how to repeat it."""
    if name == SURFACE:
        return surface.run(surface.install(), fake, seed, seconds)
    if name == MEMORY:
        return memory.run(fake, seconds)
    if name == FLOODS:
        with tempfile.TemporaryDirectory() as folder:
            return floods.run_all(Path(folder), seconds, seed // ROUNDS)
    if name == TOGETHER:
        with tempfile.TemporaryDirectory() as folder:
            return floods_together.run(Path(folder), seed // ROUNDS)
    part = next(part for part in PARTS if part.name == name)
    until, count, number = time.monotonic() + seconds, 0, seed
    while not count or time.monotonic() < until:
        faulthandler.dump_traceback_later(HANGS, exit=True)
        try:
            count += part.round(fake, number)
        except Exception as error:
            error.add_note(f"to repeat it: make fuzz FUZZ_ONLY={name} FUZZ_SEED={number}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        number += 1
    return f"{count} examples: {part.description}"


def _passes(name: str, work: Callable[[], str], seed: int) -> bool:
    """Run one part and print its line; whether nothing went wrong."""
    began = time.monotonic()
    try:
        text, passed = work(), True
    except NotInstalled as error:
        text, passed = f"SKIPPED, schemathesis cannot be installed here: {error}", True
    except Exception as error:
        print("".join(traceback.format_exception(error)), file=sys.stderr)
        first = next(iter(str(error).splitlines()), type(error).__name__)
        text, passed = f"FAILED with seed {seed}: {first[:150]}", False
    print(f"{name:16} {time.monotonic() - began:6.1f} s  {text}", flush=True)
    return passed


def main(argv: Sequence[str] | None = None) -> int:
    """Run the parts and return the exit code: 0 where nothing went wrong, else 1; 130 when interrupted."""
    parser = argparse.ArgumentParser("python -m contract_tests.lab.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="time for all parts together")
    parser.add_argument(
        "--seed", type=int, default=None, help="seed to repeat a run with; drawn and printed if omitted"
    )
    parser.add_argument("--only", choices=[*SHARES, *ALONE], help="run one part for all the time")
    options = parser.parse_args(argv)
    seed = secrets.randbelow(2**20) * ROUNDS if options.seed is None else options.seed
    names, shares = [options.only] if options.only else [*SHARES], SHARES | ALONE
    print(f"seed {seed}, {options.seconds:g} s for {', '.join(names)}", flush=True)
    passed = True
    try:
        for name in names:
            share = options.seconds * shares[name] / sum(shares[each] for each in names)
            with (
                ending_on_sigterm(),
                tempfile.TemporaryDirectory() as folder,
                FakeProcess(seed // ROUNDS, Path(folder), PATIENT.get(name, PATIENCE)) as fake,
            ):
                work = partial(fuzz, name, fake, seed, share)
                passed &= _passes(name, work, seed)
    except KeyboardInterrupt:
        print("fuzz: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(f"{'PASS' if passed else 'FAIL'}  seed {seed} (exit code {int(not passed)})")
    return int(not passed)


if __name__ == "__main__":
    sys.exit(main())
