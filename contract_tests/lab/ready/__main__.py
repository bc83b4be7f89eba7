"""`python -m contract_tests.lab.ready [NAME…]`: record what clients send and survive; compare, or save with --write."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace

import click

from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.ready import tasks
from contract_tests.lab.ready.forms import measure
from contract_tests.lab.ready.recording import record
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm
from contract_tests.ready.seen import FOLDER, SeenClient, load_client


@dataclass(frozen=True)
class Subject:
    """A client that `contract ready` knows by this name.

    `columns` are its names among the measured clients, its own first; `api` is what its current version speaks unless
    told otherwise; `tasks` holds what it is asked to do by each API.
    """

    columns: Sequence[str]
    api: str
    tasks: Mapping[str, tasks.Tasks]


SUBJECTS: Mapping[str, Subject] = {
    "openai-python": Subject(  # its README: "the primary API … is the Responses API"
        ("openai-python 3", "openai-python .stream()"),
        "responses",
        {"responses": tasks.RESPONSES, "chat": tasks.CHAT},
    ),
    "openai-node": Subject(
        ("openai-node 7", "openai-node .stream()"),
        "responses",
        {"responses": tasks.RESPONSES, "chat": tasks.CHAT},
    ),
    "langchain": Subject(  # ChatOpenAI, unless use_responses_api or a model that has no other API
        ("LangChain",), "chat", {"chat": tasks.CHAT, "responses": tasks.RESPONSES_OF_MESSAGES}
    ),
}
"""Every client that is recorded. To add one: its driver (see the lab's README), and a row here."""


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(sorted(SUBJECTS)))
@click.option("--write", is_flag=True, help="Save what was seen in contract_tests/ready/clients.")
def main(names: tuple[str, ...], write: bool) -> None:
    """Record what clients send to the fake, and which broken forms of a Response they survive.

    Exits with 1 where that is not what is known, and with 3 where a client cannot be installed.
    """
    changed = False
    with ending_on_sigterm():
        for name in names or SUBJECTS:
            try:
                seen = see(name)
            except NotInstalled as error:
                click.echo(f"{name} cannot be installed here: {error}", err=True)
                sys.exit(3)
            count = sum(map(len, seen.requests.values()))
            click.echo(f"{name} {seen.version}: {count} requests, {len(seen.forms)} rules with forms of their own")
            if write:
                (FOLDER / f"{name}.json").write_text(seen.text(), "utf-8")
            elif not is_known(name, seen):
                click.echo(f"{name}: differs from what is known; --write saves it")
                changed = True
    sys.exit(bool(changed))


def see(name: str) -> SeenClient:
    """What the client sends and survives today. Raises NotInstalled."""
    subject = SUBJECTS[name]
    today = datetime.datetime.now(datetime.UTC).date().isoformat()
    chosen = [client for column in subject.columns for client in CLIENTS if client.name == column]
    with ExitStack() as stack:
        drivers = [stack.enter_context(Driver(client)) for client in chosen]
        requests = record(drivers, subject.tasks)
        forms, ends = measure(drivers)
    return SeenClient(
        name, drivers[0].version, today, subject.api, tuple(subject.columns), requests, forms=forms, ends=ends
    )


def is_known(name: str, seen: SeenClient) -> bool:
    """Whether the saved file says the same, its date aside."""
    try:
        known = load_client(name)
    except OSError:
        return False
    return replace(known, seen=seen.seen) == seen


if __name__ == "__main__":
    main()
