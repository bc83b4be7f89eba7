"""Rules that are written once and belong to several sections."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from contract_tests.rules.engine.judge import Complaint, Section

SEE_CREATE = "the endpoint's own reference"
"""As `see` of a shared rule: the page on creating what the section is about."""

Check = Callable[..., Iterable[Complaint]]


@dataclass
class SharedRules:
    """Rules for every section that asks for them: `rule` takes one in, `add_to` gives all to a section.

    They are written as the rules of a section are, with one difference: `over` takes what `add_to` was
    given, an Endpoint for example, before the View: `over=Endpoint.streams`.
    """

    _rules: list[tuple[str, Check, Callable[[Any, Any], Iterable[Any]], dict[str, Any]]] = field(default_factory=list)

    def rule(self, name: str, *, over: Callable[[Any, Any], Iterable[Any]], **options: Any) -> Callable[[Check], Check]:
        """Take in the decorated function as rule `<any section>.<name>`; the clause is its docstring."""

        def take_in(check: Check) -> Check:
            self._rules.append((name, check, over, options))
            return check

        return take_in

    def add_to(self, section: Section, endpoint: Any, create: str = "") -> None:
        """Register all rules in a section; `create` is the page that SEE_CREATE stands for."""
        for name, check, over, options in self._rules:
            own = dict(options)
            if own.get("see") == SEE_CREATE:
                own["see"] = create
            section.rule(name, over=partial(over, endpoint), **own)(check)
