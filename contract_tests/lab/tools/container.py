"""Builds and runs images without a registry and a daemon: buildah, over a base image of Debian's packages."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contract_tests.lab.tools import environments, processes
from contract_tests.lab.tools.checkout import CONSTRAINTS, ROOT

BASE = "localhost/debian-python"
NEEDED = ("buildah", "debootstrap", "apt-get", "dpkg")
BUILD_SECONDS = 1500.0


def missing() -> str:
    """What is missing to build an image, with what to do; '' where nothing is."""
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    if lacking:
        return f"it needs {' and '.join(lacking)}: apt-get install buildah debootstrap crun"
    return "" if os.geteuid() == 0 else "it needs to be root, as buildah's chroot isolation does here"


def debian_root() -> Path:
    """A root file system of Debian with python3 and, as wheels, what the kit needs. Raises NotInstalled."""
    home = environments.ENVIRONMENTS / "debian-python"

    def build() -> None:
        for name in ("proc", "sys"):  # what debootstrap mounts there, where it was stopped
            if (home / "root" / name).is_mount():
                environments.run_installer("umount", "--lazy", str(home / "root" / name))
        shutil.rmtree(home, ignore_errors=True)
        home.mkdir(parents=True)
        form = "$(REPO_URI) $(LABEL) $(RELEASE)"
        listed = environments.run_installer("apt-get", "indextargets", "--format", form, "Created-By: Packages")
        found = [line.split() for line in listed.splitlines()]
        mirrors = [row for row in found if len(row) == 3 and row[1] == "Debian" and "-" not in row[2]]
        if not mirrors:
            raise environments.NotInstalled("apt-get knows no archive of Debian; run apt-get update")
        uri, _, release = mirrors[0]
        packages = "--include=python3,python3-venv"
        environments.run_installer(
            "debootstrap", "--variant=minbase", packages, release, str(home / "root"), uri, seconds=BUILD_SECONDS
        )
        wheels = home / "root" / "wheels"
        version = environments.run_installer("chroot", str(home / "root"), "python3", "-c", _VERSION).strip()
        wanted = (f"{ROOT}[contract,replay,websocket]", "hatchling==1.33.0", "--constraint", str(CONSTRAINTS))
        target = ("--python-version", version, "--only-binary", ":all:", "--dest", str(wheels))
        environments.run_installer(
            sys.executable, "-m", "pip", "download", "--quiet", *wanted, *target, seconds=BUILD_SECONDS
        )
        (home / "root" / "etc" / "pip.conf").write_text("[global]\nno-index = true\nfind-links = /wheels\n")

    environments.build_once(home, CONSTRAINTS.read_text("utf-8") + (ROOT / "pyproject.toml").read_text("utf-8"), build)
    return home / "root"


_VERSION = "import sys; print('.'.join(map(str, sys.version_info[:2])))"


@dataclass(frozen=True)
class Buildah:
    """Images in a store of their own; no process outlives its command."""

    store: Path

    def __call__(self, *words: str, seconds: float = BUILD_SECONDS) -> str:
        """Run a command of buildah. Raises ProcessFailed with the end of what it printed."""
        done = processes.run(self.command(*words), env=self._environ, seconds=seconds)
        if done.returncode:
            raise processes.ProcessFailed(f"buildah {words[0]}: {(done.stdout + done.stderr)[-2000:]}")
        return done.stdout.strip()

    def command(self, *words: str) -> list[str]:
        roots = ("--root", str(self.store / "images"), "--runroot", str(self.store / "run"), "--storage-driver", "vfs")
        return ["buildah", *roots, *words]

    def make_base(self) -> None:
        """Make the image BASE of `debian_root`."""
        container = self("from", "scratch")
        self("add", "--quiet", container, str(debian_root()), "/")
        self("commit", "--quiet", "--rm", container, BASE)

    def build(self, name: str) -> dict[str, Any]:
        """Build the checkout's Dockerfile over BASE; what the image says of itself."""
        options = ("--isolation", "chroot", "--format", "docker", "--build-arg", f"BASE={BASE}", "--tag", name)
        self("build", *options, str(ROOT))
        described: dict[str, Any] = json.loads(self("inspect", "--type", "image", name))["Docker"]["config"]
        return described

    def start(self, container: str, words: Sequence[str], *options: str) -> subprocess.Popen[str]:
        """Start a command in a container; its stdout can be read."""
        command = self.command("run", "--isolation", "chroot", *options, container, "--", *words)
        return processes.start(command, env=self._environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @property
    def _environ(self) -> dict[str, str]:
        return processes.child_environment(self.store)
