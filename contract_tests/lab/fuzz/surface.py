"""Part `surface`: schemathesis, in an environment of its own, on the fake's own OpenAPI document.

It asks the operations of the API and those of `/__fake__/` in two runs, because an active fault is meant to
break replies. Refusals that a schema cannot express are left out (`positive_data_acceptance`).
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from contract_tests.lab.fuzz.client import LONGEST
from contract_tests.lab.fuzz.fake_process import FakeProcess
from contract_tests.lab.tools import processes
from contract_tests.lab.tools.environments import python_environment

PINS = (
    "schemathesis==4.32.5",
    "anyio==4.16.0",
    "certifi==2026.10.18",
    "charset-normalizer==3.5.3",
    "click==8.5.1",
    "graphql-core==3.3.2",
    "harfile==0.6.0",
    "hypothesis==6.170.15",
    "hypothesis-graphql==0.13.5",
    "idna==3.20",
    "iniconfig==2.3.1",
    "jsonschema_rs==0.60.3",
    "markdown-it-py==4.3.0",
    "MarkupSafe==3.0.4",
    "mdurl==0.1.2",
    "packaging==26.4",
    "pluggy==1.7.0",
    "Pygments==2.21.0",
    "pyrate-limiter==4.5.1",
    "pytest==9.2.0",
    "PyYAML==6.0.4",
    "requests==2.34.2",
    "rich==15.0.0",
    "sortedcontainers==2.4.0",
    "typing_extensions==4.16.0",
    "urllib3==2.8.0",
    "Werkzeug==3.1.9",
)
EXCLUDED = "positive_data_acceptance,missing_required_header,ignored_auth"
CONTROL = "^/(__fake__|metrics)"


def install() -> Path:
    """The command, installed where it is absent. Raises NotInstalled."""
    return python_environment("schemathesis", PINS).with_name("st")


def run(command: Path, fake: FakeProcess, seed: int, seconds: float) -> str:
    """Run both and return their summaries. Raises AssertionError with what went wrong."""
    summaries = []
    for which in ("--exclude-path-regex", "--include-path-regex"):
        done = processes.run(
            _command(command, fake, seed, seconds / 2, which),
            env=processes.child_environment(),
            cwd=fake.folder,
            seconds=seconds + 120,
        )
        errors = fake.errors_logged()
        assert not done.returncode, f"{done.stdout[-6000:]}{done.stderr[-1000:]}"
        assert not errors, errors[-3000:]
        summaries += [line.strip() for line in done.stdout.splitlines() if "generated" in line]
    return "; ".join(summaries)


def _command(command: Path, fake: FakeProcess, seed: int, seconds: float, which: str) -> list[str]:
    url = f"http://127.0.0.1:{fake.port}"
    path = fake.folder / "openapi.json"
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=LONGEST) as reply:  # noqa: S310 our own server
        path.write_text(json.dumps(simplify_document(json.load(reply))))
    options = f"--max-time {max(round(seconds), 1)} --request-timeout {LONGEST} --max-response-time {LONGEST}"
    options += f" --checks all --exclude-checks {EXCLUDED} --suppress-health-check all --continue-on-failure"
    options += f" --seed {seed} --generation-database none --no-color --warnings off {which} {CONTROL}"
    return [str(command), "run", str(path), "--url", url, *options.split()]


def simplify_document(document: Any) -> Any:
    """The document without faults, and without the schemas of event streams, which are those of one event.

    In a query every value is a string, so a null that schemathesis sends as "null" is valid metadata.
    """
    for operations in document["paths"].values():
        for operation in operations.values():
            operation["parameters"] = [
                parameter
                for parameter in operation.get("parameters", ())
                if "fault" not in parameter.get("$ref", "") and parameter.get("name") != "follow"  # which never ends
            ]
            for parameter in operation["parameters"]:
                if parameter.get("in") == "query" and parameter.get("schema", {}).get("type") == "object":
                    parameter["schema"].pop("additionalProperties", None)
            for reply in operation["responses"].values():
                stream = reply.get("content", {}).get("text/event-stream", {})
                stream.pop("schema", None)
    return document
