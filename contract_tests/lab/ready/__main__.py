"""`python -m contract_tests.lab.ready [NAME…]`: record what clients send and survive; compare, or save with --write."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import click

from contract_tests.lab.clients.driving import CLIENTS, Driver
from contract_tests.lab.ready import tasks
from contract_tests.lab.ready.forms import measure
from contract_tests.lab.ready.recording import record, record_codex
from contract_tests.lab.tools.environments import NotInstalled
from contract_tests.lab.tools.processes import ending_on_sigterm
from contract_tests.ready.seen import FOLDER, SeenClient, SeenRequest, load_client

Record = Callable[[Sequence[Driver]], Mapping[str, tuple[SeenRequest, ...]]]
"""Gives what a client sends, by API, from the drivers of its columns."""


@dataclass(frozen=True)
class Subject:
    """A client that `contract ready` knows by this name.

    `columns` are its names among the measured clients, its own first; `api` is what its current version speaks unless
    told otherwise. `acts_on` names members of its answers on which applications act, beside text, calls and end.
    """

    columns: Sequence[str]
    api: str
    record: Record
    acts_on: tuple[str, ...] = ()


def _tasks(responses: tasks.Tasks = tasks.RESPONSES, turns: Mapping[str, str] | None = None) -> Record:
    return partial(record, tasks={"responses": responses, "chat": tasks.CHAT}, turns=turns or {})


_RUNNING = _tasks(tasks.RESPONSES_IN_TURNS, tasks.TURNS)
"""For frameworks that run tools and go on by themselves."""


SUBJECTS: Mapping[str, Subject] = {
    # the SDKs' guides lead with Responses, and both frameworks of OpenAI's and Vercel's default to it
    "openai-python": Subject(("openai-python 3", "openai-python .stream()"), "responses", _tasks()),
    "openai-node": Subject(("openai-node 7", "openai-node .stream()"), "responses", _tasks()),
    "agents-sdk": Subject(("Agents SDK",), "responses", _RUNNING, ("streamed",)),
    "ai-sdk": Subject(("AI SDK",), "responses", _RUNNING),
    # ChatOpenAI, unless use_responses_api or a model that has no other API
    "langchain": Subject(("LangChain",), "chat", _tasks(tasks.RESPONSES_OF_MESSAGES)),
    "codex": Subject(("Codex CLI",), "responses", lambda _: record_codex()),
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
        requests = subject.record(drivers)
        forms, ends = measure(drivers, subject.acts_on)
    columns = tuple(subject.columns)
    return SeenClient(
        name, drivers[0].version, today, subject.api, columns, requests, forms, ends, acts_on=subject.acts_on
    )


def is_known(name: str, seen: SeenClient) -> bool:
    """Whether the saved file says the same, its date aside, and what the texts of requests are."""
    try:
        known = load_client(name)
    except OSError:
        return False
    return _comparable(known) == _comparable(seen)


def _comparable(client: SeenClient) -> object:
    shapes = {api: [(each.name, _shape(each.body)) for each in requests] for api, requests in client.requests.items()}
    return shapes, replace(client, seen="", requests={})


def _shape(value: Any) -> Any:
    """The names of the members, and the kinds of values."""
    if isinstance(value, dict):
        return {name: _shape(part) for name, part in value.items()}
    return [_shape(part) for part in value] if isinstance(value, (list, tuple)) else type(value).__name__


if __name__ == "__main__":
    main()
