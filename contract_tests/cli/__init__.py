"""The `contract` command."""

from __future__ import annotations

import sys
import traceback
from itertools import chain
from typing import Any

import click

from contract_tests.cli.baseline import baseline_command
from contract_tests.cli.bugs import bugs_command
from contract_tests.cli.diff import diff_command
from contract_tests.cli.doctor import doctor_command
from contract_tests.cli.export import export_command
from contract_tests.cli.importing import import_command
from contract_tests.cli.judge import judge_command
from contract_tests.cli.matrix import matrix_command
from contract_tests.cli.offline import offline_command
from contract_tests.cli.ready import ready_command
from contract_tests.cli.record import record_command
from contract_tests.cli.replay import replay_command
from contract_tests.cli.report import report_command
from contract_tests.cli.rules import explain_command, rules_command
from contract_tests.cli.run import run_command
from contract_tests.cli.schema import schema_command
from contract_tests.cli.shared_options import print_lines
from contract_tests.cli.shrink import shrink_command
from contract_tests.interruption import interrupted
from contract_tests.recordings.judging import InputError
from contract_tests.run.outcome import ExitCode
from contract_tests.run.run import NoModel, Options, Unreachable, UsageError
from contract_tests.target.environment import keys_of_environment
from fake_server import ending
from fake_server.command_line import format_mistake
from fake_server.relay.redact import mask_excerpt
from fake_server.wire.text import printable

CLOSED_PIPE = 141


class _Cli(click.Group):
    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Leaves a closed pipe to main(): click would exit with 1, the code for findings."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise BrokenPipeError from None


@click.group(
    cls=_Cli, context_settings={"help_option_names": ["-h", "--help"], "show_default": True, "max_content_width": 100}
)
@click.version_option(package_name="openai-contract-kit", prog_name="contract")
@click.option("--debug", is_flag=True, help="Show a traceback if the kit itself fails.")
def cli(debug: bool) -> None:
    """Does this endpoint really speak OpenAI?

    Exit codes: 0 no MUST findings, and chat was reached; 1 MUST findings, or a required section is
    unsupported; 2 usage error; 3 the target is unreachable or refuses every valid request, no chat case or not
    all of a required section was reached, or the run was stopped or interrupted without a MUST finding; 4 the kit
    itself failed; 130 a command other than a run was interrupted.
    """
    del debug  # read by main(), which sees every failure


for command in (
    run_command,
    doctor_command,
    ready_command,
    baseline_command,
    judge_command,
    offline_command,
    record_command,
    import_command,
    replay_command,
    shrink_command,
    diff_command,
    report_command,
    matrix_command,
    rules_command,
    explain_command,
    bugs_command,
    schema_command,
    export_command,
):
    cli.add_command(command)


def main() -> None:
    """Run the command and exit with its code; every failure is one line on stderr."""
    ending.raise_interrupts()  # a run that CI terminates still reports what it has, as it does after Ctrl-C
    try:
        with ending.output() as output:
            code = cli.main(prog_name="contract", standalone_mode=False)
        if output.error:
            raise output.error
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.format_message())
        sys.exit(int(ExitCode.USAGE))
    except click.exceptions.Exit as done:
        sys.exit(done.exit_code)
    except click.ClickException as error:
        _fail(format_mistake(error), ExitCode.USAGE)
    except (UsageError, NoModel, InputError) as error:
        _fail(str(error), ExitCode.USAGE)
    except Unreachable as error:
        _fail(f"the target cannot be judged: {error}", ExitCode.UNREACHABLE)
    except (KeyboardInterrupt, click.exceptions.Abort):
        _fail(*interrupted())
    except BrokenPipeError:
        ending.discard_output()
        sys.exit(CLOSED_PIPE)
    except Exception as error:
        if "--debug" in sys.argv:
            click.echo(_clean(traceback.format_exc()), err=True)
        if isinstance(error, OSError) and ending.is_about_output(error):
            ending.discard_output()
            _fail(f"standard output cannot be written: {error.strerror}", ExitCode.USAGE)
        detail = f"{error}".partition("\n")[0] or "no details"
        _fail(
            f"the kit itself failed: {type(error).__name__}: {detail}; "
            "run `contract --debug …` again and report the traceback",
            ExitCode.HARNESS,
        )
    sys.exit(int(code or 0))


def _fail(message: str, code: int) -> None:
    line = _clean(" ".join(message.split()))
    print_lines(f"contract: {line} (exit code {int(code)})", err=True)
    sys.exit(int(code))


def _clean(text: str) -> str:
    """A text for stderr, without the keys of the environment and those on the command line, wherever they stand."""
    given = [Options(word).secrets for word in sys.argv if "://" in word]
    for flag, value in zip(sys.argv, [*sys.argv[1:], ""], strict=True):
        flag, _, same_word = flag.partition("=")
        name, _, rest = (same_word or value).partition(":" if flag == "--header" else "=")
        if flag in ("--header", "--query"):
            given.append(Options("", headers=((name.strip(), rest.strip()),), query=((name.strip(), rest),)).secrets)
    return printable(mask_excerpt(text, (*keys_of_environment(), *chain.from_iterable(given))))
