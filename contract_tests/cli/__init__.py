"""The `contract` command."""

from __future__ import annotations

import sys
import traceback
from typing import Any

import click

from contract_tests.cli.baseline import baseline_command
from contract_tests.cli.bugs import bugs_command
from contract_tests.cli.diff import diff_command
from contract_tests.cli.doctor import doctor_command
from contract_tests.cli.export import export_command
from contract_tests.cli.failures import describe_failure, secrets_given
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
from contract_tests.cli.sandwich import sandwich_command
from contract_tests.cli.schema import schema_command
from contract_tests.cli.shared_options import print_lines
from contract_tests.cli.shrink import shrink_command
from contract_tests.cli.watch import watch_command
from contract_tests.run.outcome import ExitCode
from fake_server import ending
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
    watch_command,
    doctor_command,
    ready_command,
    sandwich_command,
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
    except BrokenPipeError:
        ending.discard_output()
        sys.exit(CLOSED_PIPE)
    except (Exception, KeyboardInterrupt) as error:
        message, failed = describe_failure(error)
        is_about_output = isinstance(error, OSError) and ending.is_about_output(error)
        if "--debug" in sys.argv and (failed == ExitCode.HARNESS or is_about_output):
            click.echo(_clean(traceback.format_exc()), err=True)
        if is_about_output:
            ending.discard_output()
        _fail(message, failed)
    sys.exit(int(code or 0))


def _fail(message: str, code: int) -> None:
    ending.say_last()
    line = _clean(" ".join(message.split()))
    print_lines(f"contract: {line} (exit code {int(code)})", err=True)
    sys.exit(int(code))


def _clean(text: str) -> str:
    """A text for stderr, without the keys of the environment and those on the command line, wherever they stand."""
    return printable(mask_excerpt(text, secrets_given()))
