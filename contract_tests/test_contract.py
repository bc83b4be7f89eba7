"""The cases as pytest items: `pytest --pyargs openai_contract_kit.contract_tests --target URL`."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from contract_tests.cases import select
from contract_tests.report.findings import format_finding
from contract_tests.run.outcome import CaseResult, ExitCode, Outcome
from contract_tests.run.pytest_items import LiveRun
from contract_tests.run.run import NoModel, Unreachable, UsageError
from contract_tests.target.environment import keys_of_environment
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import printable

pytestmark = pytest.mark.timeout(0)  # the run has bounds of its own


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    try:
        chosen = select(metafunc.config.getoption("--select"))
    except KeyError as error:
        raise pytest.UsageError(f"--select: no case is called {error.args[0]!r} or lies below it") from error
    metafunc.parametrize("case_id", [case.id for case in chosen])


@pytest.fixture
def live_result(live_run: LiveRun, case_id: str) -> CaseResult:
    """The result of the case; an error where the kit failed, a skip where there is nothing to judge."""
    try:
        result = live_run.result(case_id)
    except UsageError as why:
        pytest.exit(_shown(why), int(ExitCode.USAGE))
    except NoModel as why:
        pytest.exit(_shown(f"{why} (--model)"), int(ExitCode.USAGE))
    except Unreachable as why:
        pytest.exit(_shown(f"the target cannot be asked: {why}"), int(ExitCode.UNREACHABLE))
    if result.outcome is Outcome.HARNESS_FAILED:
        raise RuntimeError(_shown(f"harness failed: {result.reason}"))
    if result.outcome not in (Outcome.PASS, Outcome.WARN, Outcome.FAIL):
        pytest.skip(_shown(f"{result.outcome}: {result.reason}"))
    return result


def test_contract(live_result: CaseResult, record_property: Callable[[str, object], None]) -> None:
    text = _shown("\n\n".join(format_finding(finding) for finding in live_result.findings))
    if live_result.outcome is Outcome.FAIL:
        pytest.fail(f"{live_result.title}\n\n{text}", pytrace=False)
    tolerated = [
        f"tolerated: {format_finding(known.finding)}\n    reason    {known.entry.reason}"
        for known in live_result.tolerated
    ]
    print(_shown("\n\n".join([text, *tolerated])))
    for finding in live_result.findings:
        record_property(str(finding.rule.level), _shown(f"{finding.rule.id}: {finding.actual}"))


def _shown(text: object) -> str:
    """A text of a target as a terminal may get it."""
    return printable(mask_excerpt(str(text), keys_of_environment()))
