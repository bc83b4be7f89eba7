"""One leg: a server in front of the fake, judged by the contract, and what came of it."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from contract_tests.lab.interop.catalogue import KEY, Server
from contract_tests.lab.interop.starting import install, serving
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ProcessFailed
from contract_tests.rules.engine.judge import Finding, Level
from contract_tests.run.outcome import Outcome, RunReport
from contract_tests.run.run import NoModel, Options, Unreachable, UsageError, run
from fake_server.testing.server import FakeServer
from fake_server.wire.bounds import Bounds

SEED = 1
RUN_SECONDS = 120.0
BOUNDS = Bounds(first_byte=20.0, idle=20.0, exchange=60.0)


class Verdict(StrEnum):
    """What became of a leg."""

    JUDGED = "judged"
    PARTLY = "partly judged"  # reached, but a case was not asked to its end
    UNREACHABLE = "unreachable"
    NOT_STARTED = "not started"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Leg:
    """What came of one server; where nothing was asked, `report` is None and `reason` says why.

    `memory` is the server's peak resident memory in bytes, 0 where it is not known.
    """

    server: Server
    verdict: Verdict
    reason: str = ""
    report: RunReport | None = None
    install_seconds: float = 0.0
    start_seconds: float = 0.0
    memory: int = 0

    @property
    def findings(self) -> tuple[Finding, ...]:
        return tuple(self.report.findings) if self.report else ()

    def count_rules(self, level: Level) -> Counter[str]:
        """Rule id -> number of findings at this level."""
        return Counter(finding.rule.id for finding in self.findings if finding.rule.level is level)

    @property
    def outcomes(self) -> Counter[Outcome]:
        return self.outcomes_of("")

    def outcomes_of(self, prefix: str) -> Counter[Outcome]:
        """What became of the cases whose ids begin so."""
        results = self.report.results if self.report else ()
        return Counter(result.outcome for result in results if result.case_id.startswith(prefix))


def judge_server(server: Server, *, seed: int = SEED, select: tuple[str, ...] = ()) -> Leg:
    """Install, start, ask and stop one server. Never raises for anything the server does.

    Raises KeyboardInterrupt when interrupted; by then the server is stopped.
    """
    if server.missing:
        return Leg(server, Verdict.SKIPPED, f"{' and '.join(server.missing)} not found")
    leg = Leg(server, Verdict.NOT_STARTED)
    began = time.monotonic()
    try:
        environment = install(server)
        leg = replace(leg, install_seconds=time.monotonic() - began)
        with FakeServer(seed=seed) as fake, serving(server, environment, fake.base_url) as served:
            leg = replace(leg, verdict=Verdict.UNREACHABLE, start_seconds=served.running.seconds)
            options = Options(
                served.base_url,
                model=server.model,
                select=select,
                headers=server.headers_for(fake.base_url),
                api_key=KEY,
                bounds=BOUNDS,
                run_seconds=RUN_SECONDS,
            )
            report = asyncio.run(_run_to_its_end(options))
            leg = replace(leg, report=report, memory=served.running.peak_memory)
    except NotInstalled as error:
        return replace(leg, reason=f"the install failed: {error}")
    except (ProcessFailed, Unreachable, NoModel, UsageError) as error:
        return replace(leg, reason=str(error))
    verdict, reason = find_verdict(report, server.unreached)
    return replace(leg, verdict=verdict, reason=reason)


async def _run_to_its_end(options: Options) -> RunReport:
    """The report of a run. A cancelled `run` still returns its report, so wait for that and then cancel."""
    running = asyncio.create_task(run(options))
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        running.cancel()
        await asyncio.wait([running])
        raise


def find_verdict(report: RunReport, excused: Collection[str] = ()) -> tuple[Verdict, str]:
    """Whether every case that is not excused was asked to its end; if not, the first that was not."""
    if report.stopped:
        return Verdict.PARTLY, report.stopped
    for result in report.results:
        unasked = result.outcome in (Outcome.NOT_REACHED, Outcome.SETUP_FAILED)
        if (unasked and result.case_id not in excused) or result.outcome is Outcome.HARNESS_FAILED:
            return Verdict.PARTLY, f"{result.case_id}: {result.outcome}: {result.reason}"
    return Verdict.JUDGED, ""
