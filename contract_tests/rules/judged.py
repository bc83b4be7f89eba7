"""An exchange together with what the rules say of it: judged once, however many steps ask for it."""

from __future__ import annotations

from functools import cached_property

from contract_tests.rules.catalogue import judge
from contract_tests.rules.engine.judge import Finding, Judgement, Level, Rule
from contract_tests.rules.engine.limits import IsLate
from contract_tests.rules.engine.view import View
from fake_server.wire.exchange import Exchange


class Judged:
    """An exchange, its View, and its Judgement by all rules; both are computed when first asked for."""

    def __init__(self, exchange: Exchange, is_late: IsLate | None = None) -> None:
        self.exchange, self._is_late = exchange, is_late

    @cached_property
    def view(self) -> View:
        """The exchange as rules read it."""
        return View(self.exchange)

    @cached_property
    def judgement(self) -> Judgement:
        """What all rules say of it."""
        return judge(self.view, self._is_late)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """Every finding, in the order of the rules."""
        return self.judgement.findings

    def ids(self, *levels: Level) -> set[str]:
        """The ids of the rules that are broken, of these levels or of any."""
        return self.judgement.ids(*levels)

    def first(self, rule: Rule | None = None) -> Finding | None:
        """The first finding of a rule, of any rule where it is None; None where there is none."""
        return next((finding for finding in self.findings if rule in (None, finding.rule)), None)
