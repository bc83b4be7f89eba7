"""The `fake-server` command."""

from __future__ import annotations

import gc
import logging
import secrets
from pathlib import Path
from typing import Any

import click

from fake_server.access import AllowedHosts, is_loopback
from fake_server.bugs.errors import BugError
from fake_server.bugs.playing import find_bugs
from fake_server.cli_recordings import fail, record_and_serve, say, serve_recordings
from fake_server.command_line import AnyWhole, Number, OneLine, Whole, complete, not_listening, refuse
from fake_server.scripts.book import ScriptBook, ScriptError, load
from fake_server.scripts.commands import schema_command, validate_command
from fake_server.scripts.watch import Watch
from fake_server.server.settings import Settings, default_scripts

MATCHES = ("exact", "body", "order", "any")
SCRIPTED = ("scripts", "strict", "api_key", "models", "seed", "plain", "bugs", "no_websocket")
REPLAYED = ("record_from", "allow_origins", "match", "ignore", "speed", "miss_status")
LEVELS = ("critical", "error", "warning", "info", "debug")


def _known_bugs() -> dict[str, str]:
    from fake_server.bugs.catalogue import bugs

    return {bug.id: bug.title for bug in bugs().values()}


class _Commands(OneLine):
    """`validate` and `schema`; a path in place of a command was probably meant for --scripts."""

    def say(self, mistake: str) -> None:
        say(mistake)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if self.get_command(ctx, args[0]) is None:
            if Path(args[0]).suffix or Path(args[0]).exists():
                raise click.UsageError(f"script files need their option: --scripts {args[0]}", ctx)
            names = " and ".join(self.list_commands(ctx))
            raise click.UsageError(
                f"there is no command {args[0]!r}: the commands are {names}; without one it serves", ctx
            )
        return super().resolve_command(ctx, args)


@click.group(
    name="fake-server",
    cls=_Commands,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
)
@click.version_option(package_name="openai-contract-kit", prog_name="fake-server")
@click.option("--host", default="127.0.0.1", help="Address to listen on.")
@click.option("--port", default=1337, type=Whole(0, 65535), help="Port; 0 takes a free one.")
@click.option(
    "--allow-host",
    "allow_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer to this name too, *.NAME to all below it, * to any; may be repeated. See above.",
)
@click.option(
    "--allow-origin",
    "allow_origins",
    multiple=True,
    metavar="ORIGIN",
    help="For --record-from: let web pages of this origin ask, * of any; may be repeated.",
)
@click.option(
    "--scripts", multiple=True, type=click.Path(path_type=Path), help="Script file or folder; may be repeated."
)
@click.option(
    "--replay",
    multiple=True,
    type=click.Path(path_type=Path),
    help="Serve recordings from this file or folder instead; may be repeated.",
)
@click.option(
    "--record-from",
    metavar="URL",
    help="For --replay DIR: pass on what no recording answers to this server, and record it in DIR.",
)
@click.option(
    "--match", default="body", type=click.Choice(MATCHES), help="How a recording is matched to a request; see above."
)
@click.option(
    "--ignore", multiple=True, metavar="PART", help="Part of a request that does not count; may be repeated. See above."
)
@click.option("--speed", default=1.0, type=Number(0), help="Speed of recordings; 0: no pauses.")
@click.option("--miss-status", default=404, type=Whole(400, 599), help="Status returned when no recording matches.")
@click.option("--strict", is_flag=True, help="Answer 404 if no script matches.")
@click.option("--api-key", default=None, help="Require this key; otherwise any is accepted.")
@click.option("--model", "models", multiple=True, help="Serve only this model; may be repeated.")
@click.option("--seed", default=None, type=AnyWhole(), help="Seed for legal variations; random and printed if omitted.")
@click.option("--plain", is_flag=True, help="Turn off the legal variations.")
@click.option(
    "--bug",
    "--misbehave",
    "bugs",
    multiple=True,
    metavar="ID",
    shell_complete=complete(_known_bugs),
    help="Reproduce a catalogued bug in every reply; may be repeated. --misbehave is the same option.",
)
@click.option("--no-websocket", is_flag=True, help="Answer 426 to a WebSocket of /v1/responses.")
@click.option("--no-inspector", is_flag=True, help="Serve no page at /__fake__/ that shows the requests.")
@click.option("--log-level", default="warning", type=click.Choice(LEVELS), help="Level of the log.")
def main(
    host: str,
    port: int,
    allow_hosts: tuple[str, ...],
    allow_origins: tuple[str, ...],
    scripts: tuple[Path, ...],
    replay: tuple[Path, ...],
    record_from: str | None,
    match: str,
    ignore: tuple[str, ...],
    speed: float,
    miss_status: int,
    strict: bool,
    api_key: str | None,
    models: tuple[str, ...],
    seed: int | None,
    plain: bool,
    bugs: tuple[str, ...],
    no_websocket: bool,
    no_inspector: bool,
    log_level: str,
) -> None:
    """Serve a fake OpenAI API.

    Answers come from scripts or, if none matches, are made from the request. Scripts are reloaded when their
    files change. `fake-server validate` checks them, and `fake-server schema` prints their JSON Schema.

    A request with the header x-fake-fault makes its own reply go wrong, as in `x-fake-fault: cut;after_events=3`;
    fake_server/faults/FAULTS.md describes all faults. A bug is one or more faults under a name, for every reply with
    --bug; `contract bugs` lists them.

    With --replay, answers are recordings, byte for byte. --match says which requests a recording answers:

    \b
    body   same method, path (with or without /v1) and body, except user,
           metadata, safety_identifier and prompt_cache_key
    exact  same method, path, query and whole body
    order  same method and path, any body, in turn
    any    any request, in turn

    --ignore leaves parts of requests out of the match: a member ('messages[0].content', 'messages[*].id'), a
    pattern in all texts (iso-time, uuid), or a regular expression ('/session-[0-9]+/').

    The server answers to localhost, to addresses, to the name in --host and to those in --allow-host: a web page
    could make any other name point here. Where other machines reach it (--host 0.0.0.0, containers), it also answers
    to names without a dot, as in http://fake:1337, and to names below .internal. Pages of other origins may use /v1,
    but not /__fake__. --api-key asks for a key for both.

    --record-from passes on what no recording answers as the client sent it, with the client's own key, and records
    the reply without the key: the next start replays it. Pages ask only from an --allow-origin. Where URL has a query,
    which may hold a key, the printed base URL holds a token, and requests need it.
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        every = [param.name or "" for param in context.command.params]
        refuse(every, f"{{}} is for serving only: leave it out before `{context.invoked_subcommand}`")
        return
    try:
        AllowedHosts(allow_hosts)
    except ValueError as error:
        fail(f"--allow-host: {error}")
    logging.basicConfig(level=log_level.upper(), format="%(levelname)s %(name)s: %(message)s")
    if replay:
        refuse(SCRIPTED, "--replay plays recordings as they are: leave out {}")
        if match in ("order", "any"):
            refuse(("ignore",), f"--match {match} compares no bodies: leave out {{}}, or --match")
        options: dict[str, Any] = {"match": match, "ignore": ignore, "speed": speed, "allow_hosts": allow_hosts}
        if record_from is None:
            refuse(("allow_origins",), "any page may ask for recordings; {} is for --record-from: leave it out")
            serve_recordings(replay, port, miss_status=miss_status, inspector=not no_inspector, **options)
            return
        refuse(("no_inspector",), "--record-from has no inspector: leave out {}")
        refuse(("miss_status",), "--record-from asks the server where no recording matches: leave out {}")
        if len(replay) > 1 or replay[0].is_file():
            fail("--record-from records into one folder: name it with --replay, once")
        if match in ("order", "any"):
            fail(f"--match {match} answers whatever is asked, so nothing would be recorded: leave it out")
        record_and_serve(replay[0], record_from, port, allow_origins=allow_origins, **options)
        return
    refuse(REPLAYED, "{} is for --replay only: name the recordings, or leave it out")
    if api_key == "":
        fail("--api-key is empty, and no request can send an empty key: leave it out to accept any key")
    if "" in models:
        fail("--model is empty: name a model, or leave it out to serve OpenAI's")
    paths = list(scripts) or default_scripts()
    try:
        book = _load(paths)
        settings = Settings(
            book=book,
            seed=secrets.randbelow(2**32) if seed is None else seed,
            plain=plain,
            strict=strict,
            api_key=api_key,
            models=models or None,
            bugs=find_bugs(bugs),
            websocket=not no_websocket,
            inspector=not no_inspector,
        )
    except (ScriptError, BugError) as error:
        fail(str(error))
    watch = Watch(paths, book, lambda book: setattr(settings, "book", book), say)
    watch.start()
    _serve(host, port, allow_hosts, settings)


main.add_command(validate_command)
main.add_command(schema_command)


def _load(paths: list[Path]) -> ScriptBook:
    for path in paths:
        if not path.exists():
            fail(f"there is no script file or folder {path}: check --scripts")
    book = load(paths)
    for warning in book.warnings:
        say(warning)
    return book


def _serve(host: str, port: int, allow_hosts: tuple[str, ...], settings: Settings) -> None:
    from fake_server.server.uvicorn_server import listen, uvicorn_server

    try:
        listener = listen(host, port)
    except OSError as error:
        fail(not_listening(host, port, error))
    beyond = not is_loopback(listener.getsockname()[0])
    settings.hosts = AllowedHosts((host, *allow_hosts) if host else allow_hosts, beyond_loopback=beyond)
    if beyond and settings.api_key is None:
        say("other machines can use and control this server: --api-key KEY asks them for a key")
    shown = f"[{host}]" if ":" in host else host
    variety = "plain" if settings.plain else f"seed {settings.seed}"
    count = len(settings.book)
    bugs = ", ".join(bug.id for bug in settings.bugs)
    click.echo(
        f"fake-server: http://{shown}:{listener.getsockname()[1]}/v1  "
        f"{variety}  {count} script{'' if count == 1 else 's'}" + (f"  bugs {bugs}" if bugs else "")
    )
    gc.freeze()
    with listener:
        try:
            uvicorn_server(settings).run(sockets=[listener])
        except KeyboardInterrupt:
            return
