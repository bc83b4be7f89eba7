"""`python -m contract_tests.lab.fuzz`: every part for its share of the time; how to repeat a failure."""

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

from contract_tests.lab.fuzz import asked, control, faulty, memory, raw, schemas, scripted, surface, wired
from contract_tests.lab.fuzz.part import Part
from contract_tests.lab.fuzz.serving import Served
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm

PARTS: tuple[Part, ...] = (
    asked.PART,
    raw.PART,
    control.PART,
    faulty.PART,
    *scripted.PARTS,
    schemas.PART,
    *wired.PARTS,
)
SURFACE, MEMORY = "surface", "memory"
SHARES = {SURFACE: 3, MEMORY: 2} | {part.name: 1 for part in PARTS}
"""How the time is divided."""
HANGS = 120.0
"""Seconds without an end to a round after which the stack is printed and the run ends."""
INTERRUPTED = 130
ROUNDS = 4096
"""Rounds count up from the seed; the fake's own seed is what stays the same, so that a round repeats."""


def fuzz(name: str, served: Served, seed: int, seconds: float) -> str:
    """One part for so long; what was done. Raises what its checks do, with a note how to repeat it."""
    if name == SURFACE:
        return surface.run(surface.installed(), served, seed, seconds)
    if name == MEMORY:
        told: list[str] = []
        memory.run(served, seconds, told.append)
        return told[-1]
    part = next(one for one in PARTS if one.name == name)
    until, count, number = time.monotonic() + seconds, 0, seed
    while not count or time.monotonic() < until:
        faulthandler.dump_traceback_later(HANGS, exit=True)
        try:
            count += part.round(served, number)
        except Exception as error:
            error.add_note(f"to repeat it: make fuzz FUZZ_ONLY={name} FUZZ_SEED={number}")
            raise
        finally:
            faulthandler.cancel_dump_traceback_later()
        number += 1
    return f"{count} examples: {part.words}"


def _tried(name: str, work: Callable[[], str], seed: int) -> bool:
    """Run one part and print its line; whether nothing was found."""
    began = time.monotonic()
    try:
        said, fine = work(), True
    except NotInstalled as error:
        said, fine = f"SKIPPED, schemathesis cannot be had here: {error}", True
    except Exception as error:
        print("".join(traceback.format_exception(error)), file=sys.stderr)
        first = next(iter(str(error).splitlines()), type(error).__name__)
        said, fine = f"FAILED with seed {seed}: {first[:150]}", False
    print(f"{name:10} {time.monotonic() - began:6.1f} s  {said}", flush=True)
    return fine


def main(argv: Sequence[str] | None = None) -> int:
    """0 where nothing was found, 1 where something was; 130."""
    parser = argparse.ArgumentParser("python -m contract_tests.lab.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="for all parts together")
    parser.add_argument("--seed", type=int, default=None, help="drawn and printed without")
    parser.add_argument("--only", choices=[*SHARES], help="one part, for all the time")
    options = parser.parse_args(argv)
    seed = secrets.randbelow(2**20) * ROUNDS if options.seed is None else options.seed
    names = [options.only] if options.only else [*SHARES]
    print(f"seed {seed}, {options.seconds:g} s for {', '.join(names)}", flush=True)
    fine = True
    try:
        for name in names:
            share = options.seconds * SHARES[name] / sum(SHARES[one] for one in names)
            with (
                ending_on_sigterm(),
                tempfile.TemporaryDirectory() as folder,
                Served(seed // ROUNDS, Path(folder)) as served,
            ):
                work = partial(fuzz, name, served, seed, share)
                fine &= _tried(name, work, seed)
    except KeyboardInterrupt:
        print("fuzz: interrupted", file=sys.stderr)
        return INTERRUPTED
    print(f"{'PASS' if fine else 'FAIL'}  seed {seed} (exit code {int(not fine)})")
    return int(not fine)


if __name__ == "__main__":
    sys.exit(main())
