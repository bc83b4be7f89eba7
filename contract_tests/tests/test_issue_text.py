"""The issue text whole, as it is pasted into a tracker: its parts, its fences, and that it can be run and read back."""

from __future__ import annotations

import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner

from contract_tests.cli.shrink import shrink_command
from contract_tests.lab.tools.command import run_contract
from contract_tests.recordings.importing import CurlRequest, read
from contract_tests.recordings.importing.curl import entries
from contract_tests.recordings.importing.entry import ImportedEntry
from contract_tests.rules import judge
from contract_tests.shrinking.visible import wrap_markdown
from contract_tests.tests.shared import ROOT
from fake_server import ReplayServer
from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange

BROKEN = ROOT / "fixtures" / "broken"
BUGS = ("chat.stream.finishes", "tools.arguments", "errors.challenge", "embeddings.encoding", "http.complete")
PARTS = ["Reproduce", "What comes back", "What is expected", "Why it matters", "Replay offline"]
MOST = 65_536
"""Characters that GitHub takes."""


@dataclass(frozen=True)
class Issue:
    """An issue text, and the fixture that was written beside it."""

    rule: str
    text: str
    path: Path

    @property
    def exchange(self) -> Exchange:
        return fixture.load(self.path).exchange


@pytest.fixture(params=BUGS, scope="module")
def issue(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Issue:
    folder = tmp_path_factory.mktemp("issue")
    rule, out, text = request.param, folder / "small.yaml", folder / "issue.md"
    argv = [str(BROKEN / f"{rule}.yaml"), "--rule", rule, "--out", str(out), "--issue", str(text)]
    done = CliRunner().invoke(shrink_command, argv, standalone_mode=False)
    assert done.return_value == 0, done.output
    return Issue(rule, text.read_text(), out)


def fences(text: str) -> list[tuple[str, str]]:
    """The language of each fence, and what stands in it. Fails where one is left open."""
    found, opening, inside = list[tuple[str, str]](), None, list[str]()
    for line in text.splitlines():
        mark = re.fullmatch(r"(`{3,})(.*)", line)
        if opening is None and mark:
            opening, inside = mark, []
        elif opening and mark and mark[1] == opening[1] and not mark[2]:
            found.append((opening[2], "\n".join(inside)))
            opening = None
        elif opening:
            inside.append(line)
    assert opening is None
    return found


def test_it_can_be_pasted_as_it_is(issue: Issue) -> None:
    title, *parts = [line for line in issue.text.splitlines() if re.match(r"#+ ", line)]
    assert 10 < len(title) < 120
    assert [part.removeprefix("## ") for part in parts] == PARTS
    assert len(issue.text) < MOST
    assert {"sh", "http", "yaml"} <= {language for language, _ in fences(issue.text)}
    wrapped = wrap_markdown(issue.text, 80)
    assert fences(wrapped) == fences(issue.text)
    assert not re.search(r"\w{41}|/(?:home|root|tmp)/", re.sub(r"https?://\S+", "", wrap_markdown(issue.text, 80)))


def test_it_is_imported_as_the_exchange_that_it_is_about(issue: Issue, tmp_path: Path) -> None:
    for number, text in enumerate((issue.text, wrap_markdown(issue.text, 80))):
        path = tmp_path / f"{number}.md"
        path.write_text(text)
        [entry] = read(path)
        assert entry.fixture.exchange.but(label="", recorded=None) == issue.exchange.but(label="", recorded=None)
        assert issue.rule in judge(entry.fixture.exchange).ids()


def test_it_is_imported_from_its_command_where_it_holds_no_fixture(issue: Issue, tmp_path: Path) -> None:
    path = tmp_path / "issue.md"
    path.write_text(re.sub(r"```yaml\n.*?\n```", "", issue.text, flags=re.DOTALL))
    [entry] = read(path)
    whole, exchange = fixture.load(BROKEN / f"{issue.rule}.yaml").exchange, entry.fixture.exchange
    assert exchange.request.target == whole.request.target
    assert exchange.request.body == whole.request.body
    assert (exchange.status, exchange.payload.strip()) == (issue.exchange.status, issue.exchange.payload.strip())


def test_its_curl_line_shows_the_same_bytes(issue: Issue) -> None:
    command = next(text for language, text in fences(issue.text) if language == "sh" and "curl" in text)
    setting, _, line = command.partition("\n")
    assert setting.startswith("export OPENAI_BASE_URL=http://localhost:1337/v1 ")
    with ReplayServer(issue.path, match="order") as server:
        environ = {**os.environ, "OPENAI_BASE_URL": server.base_url, "OPENAI_API_KEY": "none"}
        done = subprocess.run(["bash", "-c", line], env=environ, capture_output=True, check=False)
    [entry] = entries(done.stdout, "printed", CurlRequest("http://localhost/v1/models", b""))
    assert isinstance(entry, ImportedEntry)
    assert (entry.exchange.status, entry.exchange.payload) == (issue.exchange.status, issue.exchange.payload)


def test_a_body_that_is_cut_is_not_taken_for_the_reply(tmp_path: Path) -> None:
    path = tmp_path / "issue.md"
    for body in ('…\n"object": "b"}… (5,000 bytes in all)', '{"id": "a", "object"… (5,000 bytes in all)'):
        path.write_text(f"$ curl -i http://h/v1/models\n```http\nHTTP/1.1 200 OK\na: b\n\n{body}\n```\n")
        done = run_contract("import", str(path), "--out", str(tmp_path / "new"))
        assert "it was shortened" in done.stdout
