"""`pytest --pyargs openai_contract_kit.contract_tests --target URL`: every case as a test item.

The cases are asked and judged as `contract run` does.

The cases run together on a thread of their own, as many at once as the options allow; each item waits
for its own result.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from contract_tests.run.outcome import ExitCode
from contract_tests.run.pytest_items import LiveRun
from contract_tests.run.run import UsageError
from contract_tests.tolerance.file import DEFAULT_PROFILE, load_baseline, load_profile

HERE = Path(__file__).parent
LIVE = pytest.StashKey[LiveRun]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("contract", "the OpenAI contract, against a live target")
    group.addoption("--target", metavar="URL", help="the server to test; without it no case is collected")
    group.addoption("--model", metavar="NAME", help="the model to use (gpt-3.5-turbo if it is listed)")
    group.addoption(
        "--select",
        metavar="PREFIX",
        action="append",
        default=[],
        help="only this case or section; may be repeated",
    )
    group.addoption("--key-env", metavar="NAME", default="OPENAI_API_KEY", help="the variable that holds the API key")
    group.addoption("--profile", default=DEFAULT_PROFILE, help="tolerate the known deviations of a dialect")
    group.addoption("--baseline", metavar="FILE", help="tolerate the findings that this file lists")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "timeout(seconds): the bound of a test, for pytest-timeout")


def pytest_report_header(config: pytest.Config) -> str | None:
    """Installed there is nothing but the cases: say why none of them is collected."""
    nothing = not config.getoption("--target") and not (HERE / "tests").is_dir()
    return "contract: no case is collected without --target URL" if nothing else None


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """With a target only the cases are collected, without one everything else."""
    if collection_path == HERE / "test_contract.py":
        return None if config.getoption("--target") else True
    return True if collection_path in (HERE / "tests", HERE / "lab") and config.getoption("--target") else None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without a target the cases are left out, even if their file is named."""
    if not config.getoption("--target"):
        config.hook.pytest_deselected(items=[item for item in items if _case_id(item)])
        items[:] = [item for item in items if not _case_id(item)]


def pytest_collection_finish(session: pytest.Session) -> None:
    """The items that -k and other options have left are the cases to play."""
    wanted = [case_id for item in session.items if (case_id := _case_id(item))]
    if not wanted or session.config.option.collectonly:
        return
    option = session.config.getoption
    key = os.environ.get(option("--key-env"), "").strip() or None
    try:
        known = [*load_profile(option("--profile")).entries]
        known += load_baseline(Path(option("--baseline"))).entries if option("--baseline") else ()
    except UsageError as error:
        raise pytest.UsageError(str(error)) from error
    session.config.stash[LIVE] = LiveRun(option("--target"), option("--model"), key, tuple(wanted), known)


def _case_id(item: pytest.Item) -> str:
    """The case an item asks; '' for any other item."""
    if item.path != HERE / "test_contract.py" or not isinstance(item, pytest.Function):
        return ""
    return str(item.callspec.params["case_id"])


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """If no chat case was reached nothing is proven: exit as `contract run` does."""
    live = session.config.stash.get(LIVE, None)
    if live and live.over and exitstatus == pytest.ExitCode.OK and not live.reached_chat():
        session.exitstatus = int(ExitCode.UNREACHABLE)


def pytest_unconfigure(config: pytest.Config) -> None:
    if LIVE in config.stash:
        config.stash[LIVE].stop()


@pytest.fixture(scope="session")
def live_run(request: pytest.FixtureRequest) -> Iterator[LiveRun]:
    """The run: started by the first item that needs it, stopped after the last."""
    live = request.config.stash[LIVE]
    live.start()
    yield live
    live.stop()
