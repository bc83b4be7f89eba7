"""Runs client.main() again and again in one process, for environments where only an SDK is installed.

Reads one JSON object per line (`argv`, `environ`), answers with one (`code`, `out`, `err`, `seconds`).
"""

from __future__ import annotations

import contextlib
import importlib.util
import io
import json
import os
import sys
import time
from pathlib import Path

place = Path(__file__).resolve().parents[1] / "client.py"
spec = importlib.util.spec_from_file_location("client", place)
assert spec is not None
assert spec.loader is not None
client = importlib.util.module_from_spec(spec)
spec.loader.exec_module(client)
importlib.import_module("openai")
print("ready", flush=True)
for line in sys.stdin:
    case = json.loads(line)
    os.environ.pop("OPENAI_API_KEY", None)
    os.environ.update(case["environ"])
    out, err, started = io.StringIO(), io.StringIO(), time.monotonic()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = client.main(case["argv"])
    result = {
        "code": code,
        "out": out.getvalue(),
        "err": err.getvalue(),
        "seconds": time.monotonic() - started,
    }
    print(json.dumps(result), flush=True)
