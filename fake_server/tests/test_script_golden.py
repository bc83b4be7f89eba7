"""What an author reads: the words of `fake-server validate` and of a miss, beside the scripts they are about.

`python -m fake_server.tests.test_script_golden` writes the texts anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from fake_server.api.reply import ErrorReply
from fake_server.api.request import ApiRequest
from fake_server.cli import main
from fake_server.scripts import book as scripts
from fake_server.scripts.match import ScriptState
from fake_server.server.answer import answer

FOLDER = Path(__file__).parent / "golden" / "scripts"
SCRIPTS = sorted(path for path in FOLDER.iterdir() if path.suffix in (".yaml", ".json") and path.stem != "miss")
TOOL = {"type": "function", "function": {"name": "get_time"}}


def validated(path: Path) -> str:
    done = CliRunner().invoke(main, ["validate", str(path)])
    return f"{done.output}exit code {done.exit_code}\n".replace(f"{FOLDER}/", "")


def missed() -> str:
    """What `--strict` answers where no script matches; the second time, for a script is used up by then."""
    book, state = scripts.load([FOLDER / "miss.yaml"]), ScriptState()
    said = [{"role": "user", "content": "What is the weather like?"}]
    asking = ApiRequest({"model": "gpt-4o", "messages": said, "tools": [TOOL]}, headers={"x-team": "red"})
    answer(asking, book, state, strict=True)
    answer(asking.but({**asking.body, "model": "o3"}), book, state, strict=True)
    told = answer(asking.but({**asking.body, "model": "o3"}), book, state, strict=True)
    assert isinstance(told, ErrorReply)
    return f"{told.status} {told.code}\n{told.message}\n".replace(f"{FOLDER}/", "")


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_validate(path: Path) -> None:
    assert validated(path) == path.with_suffix(".txt").read_text(encoding="utf-8")


def test_a_miss() -> None:
    assert missed() == (FOLDER / "miss.txt").read_text(encoding="utf-8")


if __name__ == "__main__":
    for one in SCRIPTS:
        one.with_suffix(".txt").write_text(validated(one), encoding="utf-8")
    (FOLDER / "miss.txt").write_text(missed(), encoding="utf-8")
