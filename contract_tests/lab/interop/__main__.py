"""`python -m contract_tests.lab.interop`: judge real servers; proxies get the fake as upstream."""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from contract_tests.lab.interop import expected, reporting
from contract_tests.lab.interop.catalogue import SERVERS, Server
from contract_tests.lab.interop.judging import Leg, Verdict, judge_server
from contract_tests.lab.tools import environments
from contract_tests.lab.tools.processes import ending_on_sigterm

INTERRUPTED = 130
HEAVY = tuple(name for name, server in SERVERS.items() if server.heavy)


def main(argv: Sequence[str] | None = None) -> int:
    """Judge the servers and return the exit code.

    0 where every server was judged completely (findings are no failure), else 1; 2 for wrong usage, 130 when
    interrupted.
    """
    parser = _parser()
    options = parser.parse_args(argv)
    if unknown := [name for name in options.names if name not in SERVERS]:
        parser.error(f"no server is called {unknown[0]!r}; there are {', '.join(SERVERS)}")
    try:
        known = expected.load()
        if options.json:
            options.json.mkdir(parents=True, exist_ok=True)
    except (expected.BadExpectations, OSError) as error:
        parser.error(str(error))
    names = options.names or [name for name, server in SERVERS.items() if options.all or not server.heavy]
    try:
        with ending_on_sigterm():
            return _judge_all([SERVERS[name] for name in dict.fromkeys(names)], options, known)
    except KeyboardInterrupt:
        print("interop: interrupted; every server is stopped", file=sys.stderr)
        return INTERRUPTED


def _judge_all(servers: Sequence[Server], options: argparse.Namespace, known: dict[str, expected.Known]) -> int:
    began = time.monotonic()
    legs: list[Leg] = []
    changes: dict[str, expected.Change] = {}
    for server in servers:
        print(f"interop: {server.title} {server.version} …", file=sys.stderr, flush=True)
        if options.fresh:
            environments.remove(server.name)
            shutil.rmtree(server.work_folder, ignore_errors=True)
        leg = judge_server(server)
        changes[server.name] = expected.find_change(leg, known)
        legs.append(leg)
        print(reporting.format_leg(leg, changes[server.name]), end="\n\n", flush=True)
        if options.keep:
            folder = server.work_folder / "seen"
            saved = reporting.save_findings(leg, folder)
            print(f"interop: {saved} exchanges saved in {os.path.relpath(folder)}", file=sys.stderr)
    if options.json:
        reporting.write_json(legs, changes, options.json)
    if options.write_expected:
        expected.FILE.write_text(expected.serialize(legs, known), encoding="utf-8")
    print(reporting.format_table(legs, changes))
    if not options.names:
        for server in SERVERS.values():
            if server not in servers:
                print(f"left out  {server.name}: {server.heavy}; `make interop ALL=1` judges it too")
    seconds = time.monotonic() - began
    print(reporting.format_last_line(legs, skip_missing=options.skip_missing, seconds=seconds), flush=True)
    fine = [
        leg.verdict is Verdict.JUDGED or reporting.is_excused(leg, skip_missing=options.skip_missing) for leg in legs
    ]
    return 0 if all(fine) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m contract_tests.lab.interop", description=__doc__)
    parser.add_argument("names", metavar="NAME", nargs="*", help=f"servers to judge: {', '.join(SERVERS)}")
    parser.add_argument("--all", action="store_true", help=f"judge the heavy servers too: {', '.join(HEAVY)}")
    parser.add_argument("--json", metavar="DIR", type=Path, help="write one JSON report per server here")
    parser.add_argument(
        "--keep", action="store_true", help="save the exchanges with findings in .cache/interop/NAME/seen"
    )
    parser.add_argument("--fresh", action="store_true", help="reinstall the servers")
    parser.add_argument("--skip-missing", action="store_true", help="do not fail for a server that cannot be installed")
    parser.add_argument("--write-expected", action="store_true", help="save the rules found now as the expected rules")
    return parser


if __name__ == "__main__":
    sys.exit(main())
