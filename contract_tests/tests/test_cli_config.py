"""Options from a TOML file: the same names, the same checks, and what is typed goes first."""

from __future__ import annotations

from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from contract_tests.cli.config import read_config
from contract_tests.cli.options import parse_models
from contract_tests.cli.run import run_command
from contract_tests.run.run import UsageError


@click.command()
@click.argument("target", metavar="URL", required=False)
@click.option("--config", type=click.Path(path_type=Path), callback=read_config, is_eager=True)
@click.option("--select", multiple=True)
@click.option("--max-requests", type=click.IntRange(1), default=300)
@click.option("--list", "list_only", is_flag=True)
def command(**given: object) -> None:
    click.echo(" ".join(f"{name}={given[name]}" for name in ("target", "select", "max_requests")))


def told(tmp_path: Path, text: str, *argv: str) -> Result:
    path = tmp_path / "contract.toml"
    path.write_text(text)
    return CliRunner().invoke(command, ["--config", str(path), *argv])


def test_a_file_fills_in_what_is_not_typed(tmp_path: Path) -> None:
    text = 'url = "http://127.0.0.1:9"\nselect = "chat"\nmax-requests = 7\n'
    assert told(tmp_path, text).output == "target=http://127.0.0.1:9 select=('chat',) max_requests=7\n"
    typed = told(tmp_path, text, "http://127.0.0.1:8", "--select", "tools", "--max-requests", "9")
    assert typed.output == "target=http://127.0.0.1:8 select=('tools',) max_requests=9\n"
    listed = told(tmp_path, 'select = ["chat", "tools"]')
    assert "('chat', 'tools')" in listed.output


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("max-request = 7", "unknown key 'max-request'; did you mean 'max-requests'?"),
        ("xyzzy = 7", "unknown key 'xyzzy'; the known keys are max-requests, select, url"),
        ("list = true", "unknown key 'list'"),
        ("max-requests = 'many'", "max-requests must be a number, not a string"),
        ("max-requests = true", "max-requests must be a number, not true or false"),
        ("max-requests = 0", "max-requests: 0 is not in the range x>=1."),
        ("select = ['chat', 1]", "select must be a string or a list, not a number"),
        ("select = {chat = 'a secret'}", "select must be a string or a list, not a table"),
        ("select = 2026-11-23", "select must be a string or a list, not a date or time"),
        ("[run]\nselect = 'chat'", "unknown key 'run'"),
    ],
)
def test_a_wrong_file_is_explained(tmp_path: Path, text: str, said: str) -> None:
    done = told(tmp_path, text)
    assert f"contract.toml:1: {said}" in " ".join(done.output.split())
    assert done.exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("select = [", "contract.toml: not TOML: "),
        ("# a remark\n\n max-request = 7", "contract.toml:3: unknown key 'max-request'"),
        ('url = "http://x"\n"max-requests"="many"', "contract.toml:2: max-requests must be a number"),
        ("# " + "x" * 1024 * 1024, "larger than 1,048,576 bytes"),
    ],
)
def test_a_wrong_file_is_pointed_at(tmp_path: Path, text: str, said: str) -> None:
    done = told(tmp_path, text)
    assert said in " ".join(done.output.split())
    assert done.exit_code == 2


def test_every_option_of_a_run_can_stand_in_a_file(tmp_path: Path) -> None:
    path = tmp_path / "contract.toml"
    path.write_text("nothing = 1\n")
    done = CliRunner().invoke(run_command, ["http://127.0.0.1:9", "--config", str(path)])
    options = [name for param in run_command.params for name in param.opts if name.startswith("--")]
    assert len(options) > 20
    for name in set(options) - {"--config", "--list", "--annotations", "--step-summary"}:  # these are of one job
        assert name.removeprefix("--") in done.output.replace("\n", "")


def test_models_by_section() -> None:
    given = ["first", "chat=gpt-4o", "chat.stream=ft:gpt=4o", "chat.n=small", "last"]
    named = {"chat": "gpt-4o", "chat.stream": "ft:gpt=4o", "chat.n": "small"}
    assert parse_models(given) == ("last", named)
    with pytest.raises(UsageError, match="did you mean 'tools'"):
        parse_models(["tool=x"])
    with pytest.raises(UsageError, match="takes MODEL or SECTION=MODEL"):
        parse_models(["chat="])
