"""Part `surface`: schemathesis, in an environment of its own, on the fake's own OpenAPI document.

It asks the operations of the API and those of `/__fake__/` in two runs, because a fault in force is meant to
break replies. Refusals beyond what a schema can say are left out (`positive_data_acceptance`).
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path
from typing import Any

from contract_tests.lab.fuzz.client import LONGEST
from contract_tests.lab.fuzz.serving import Served
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


def installed() -> Path:
    """The command, installed where it is absent. Raises NotInstalled."""
    return python_environment("schemathesis", PINS).with_name("st")


def run(command: Path, served: Served, seed: int, seconds: float) -> str:
    """Both runs; what they say at the end. Raises AssertionError with what was found."""
    told = []
    for which in ("--exclude-path-regex", "--include-path-regex"):
        done = processes.run(
            _command(command, served, seed, seconds / 2, which),
            env=processes.child_environment(),
            cwd=served.folder,
            seconds=seconds + 120,
        )
        complaint = served.complaints()
        assert not done.returncode, f"{done.stdout[-6000:]}{done.stderr[-1000:]}"
        assert not complaint, complaint[-3000:]
        told += [line.strip() for line in done.stdout.splitlines() if "generated" in line]
    return "; ".join(told)


def _command(command: Path, served: Served, seed: int, seconds: float, which: str) -> list[str]:
    url = f"http://127.0.0.1:{served.port}"
    path = served.folder / "openapi.json"
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=LONGEST) as reply:  # noqa: S310 our own server
        path.write_text(json.dumps(described(json.load(reply))))
    options = [
        "--checks",
        "all",
        "--exclude-checks",
        EXCLUDED,
        "--suppress-health-check",
        "all",
        "--continue-on-failure",
    ]
    options += [
        "--max-time",
        str(max(round(seconds), 1)),
        "--request-timeout",
        str(LONGEST),
        "--max-response-time",
        str(LONGEST),
    ]
    options += [
        "--seed",
        str(seed),
        "--generation-database",
        "none",
        "--no-color",
        "--warnings",
        "off",
        which,
        CONTROL,
    ]
    return [str(command), "run", str(path), "--url", url, *options]


def described(document: Any) -> Any:
    """The document without faults, and without the schemas of event streams: they are each event's.

    In a query every value is a text: what is sent for null is the word, which metadata may be.
    """
    for operations in document["paths"].values():
        for one in operations.values():
            one["parameters"] = [
                kept for kept in one.get("parameters", ()) if "fault" not in kept.get("$ref", "")
            ]
            for parameter in one["parameters"]:
                if parameter.get("in") == "query" and parameter.get("schema", {}).get("type") == "object":
                    parameter["schema"].pop("additionalProperties", None)
            for reply in one["responses"].values():
                stream = reply.get("content", {}).get("text/event-stream", {})
                stream.pop("schema", None)
    return document
