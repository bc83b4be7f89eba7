"""The options --rules and --cases: own modules that take part in a command."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import click

from contract_tests.own.loading import own_modules


def own_options(cases: bool = True) -> Callable[[Callable[..., int]], Callable[..., int]]:
    """Add --rules, and with `cases` --cases, to a command.

    A fault of an own rule fails the command in the end, when its reports are written: it judged less than was wanted.
    """

    def add(function: Callable[..., int]) -> Callable[..., int]:
        @functools.wraps(function)
        def run(*args: Any, own_rules: tuple[str, ...], own_cases: tuple[str, ...] = (), **given: Any) -> int:
            with own_modules(own_rules, own_cases) as faults:
                code = function(*args, **given)
            if faults.lines:
                raise click.ClickException(
                    f"--rules {'; '.join(faults.lines.values())}; such a rule judged no more: mend it"
                )
            return code

        options = {"--rules": ("own_rules", "Also judge by the rules in this Python module or file of yours.")}
        if cases:
            options["--cases"] = ("own_cases", "Also ask the cases in this Python module or file of yours.")
        decorated: Callable[..., int] = run
        for flag, (name, text) in reversed(options.items()):
            decorated = click.option(flag, name, multiple=True, metavar="MODULE", help=text)(decorated)
        return decorated

    return add
