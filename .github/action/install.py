"""Installs the kit into an environment of its own: the action's first step. It needs nothing but Python and pip."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

_VERSION = re.compile(r"\d+(\.\d+)*((a|b|rc|\.post|\.dev)\d+)*")


def main() -> int:
    action, version = Path(os.environ["GITHUB_ACTION_PATH"]), os.environ.get("INPUT_VERSION", "").strip()
    home = Path(os.environ.get("RUNNER_TEMP") or "/tmp", "openai-contract-kit")  # noqa: S108 as in action.yml
    wanted = [f"{action}[contract]", "--constraint", str(action / "constraints.txt")]
    if version:
        if not _VERSION.fullmatch(version):
            print("::error title=OpenAI contract::version is a version such as 0.2.0, or empty for that of the action")
            return 2
        wanted = [f"openai-contract-kit[contract]=={version}"]
    subprocess.run([sys.executable, "-m", "venv", str(home)], check=True)  # noqa: S603
    (python,) = [path for name in ("bin/python", "Scripts/python.exe") if (path := home / name).exists()]
    pip = [str(python), "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]
    done = subprocess.run([*pip, *wanted], check=False)  # noqa: S603
    if done.returncode:
        print("::error title=OpenAI contract::The kit could not be installed; pip says why above")
        return 4
    return 0


if __name__ == "__main__":
    sys.exit(main())
