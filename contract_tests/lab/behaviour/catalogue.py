"""The mutations by name: what a target does other than the fake behind it, and whether it may."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from contract_tests.lab.behaviour.exchanging import Answer, Call, World

Behaviour = Callable[[World, Call], Awaitable[Answer]]
"""Answers a call, by asking the world's fake once, several times, or not at all."""


@dataclass(frozen=True)
class Mutation:
    """A behaviour with its name; `may` says that OpenAI's API or the clients allow it."""

    name: str
    may: bool
    behave: Behaviour

    @property
    def does(self) -> str:
        """What the target does, and why that is right or wrong: the docstring of its function."""
        return " ".join((inspect.getdoc(self.behave) or "").split())


FILES = ("callers", "requests", "answers", "streams", "legal_forms")
"""The modules of this folder that register mutations."""
MUTATIONS: dict[str, Mutation] = {}


def illegal(behave: Behaviour) -> Behaviour:
    """Register a mutation that a judge has to notice."""
    return _register(behave, may=False)


def legal(behave: Behaviour) -> Behaviour:
    """Register a mutation that no judge may object to."""
    return _register(behave, may=True)


def _register(behave: Behaviour, *, may: bool) -> Behaviour:
    name = behave.__name__.replace("_", "-")
    assert name not in MUTATIONS, name
    MUTATIONS[name] = Mutation(name, may, behave)
    return behave


def mutations() -> dict[str, Mutation]:
    """All mutations, the illegal ones first."""
    for file in FILES:
        importlib.import_module(f"{__package__}.{file}")
    return dict(sorted(MUTATIONS.items(), key=lambda entry: entry[1].may))
