"""Builds the wheel (hatchling calls this): everything below `openai_contract_kit`, imports rewritten.

An editable install gets a small `openai_contract_kit` whose modules are those of the checkout, so that
commands, the pytest plugin and examples have the same names in both.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NOT_SHIPPED = {"tests", "lab", "container", "__pycache__", "README.md", "RULES.md", "CHANGES.md", "BUGS.md"}
"""Folders and files of any depth that a user of the kit has no use for; what is in the pages the commands print."""

PACKED = ("broken", "bugs")
"""Folders of fixtures that are one file each in a wheel: 1,100 files of theirs took 1.4 MB."""


class KitHook(BuildHookInterface[Any]):
    """Hands hatchling the one folder that goes into the wheel."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        sys.path.insert(0, self.root)  # the build environment has hatchling alone
        from contract_tests.lab.packaging.rewriting import KIT

        self.folder = Path(tempfile.mkdtemp(prefix="openai-contract-kit-"))
        if version == "editable":
            write_alias(Path(self.root), self.folder)
            build_data["force_include_editable"][str(self.folder)] = KIT
        else:
            write_package(Path(self.root), self.folder)
            build_data["force_include"][str(self.folder)] = KIT

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


def write_package(root: Path, folder: Path) -> None:
    """Write the installed package of the checkout at `root` into `folder`.

    Raises NotInstallable where a file uses a name that is not installed.
    """
    from contract_tests.lab.packaging.rewriting import PACKAGES, check_page, rewrite
    from fake_server.wire.packed import archive_of, pack

    shipped = [path for package in PACKAGES for path in _shipped(root / package)]
    modules = {_module(path.relative_to(root)) for path in shipped if path.suffix == ".py"}
    for path in shipped:
        target = folder / path.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix not in (".py", ".md"):
            shutil.copyfile(path, target)
            continue
        text, name = path.read_text(encoding="utf-8"), str(path.relative_to(root))
        text = rewrite(text, name, modules) if path.suffix == ".py" else check_page(text, name)
        target.write_text(text, encoding="utf-8", newline="\n")
    ignore = shutil.ignore_patterns(*NOT_SHIPPED, *PACKED)
    shutil.copytree(root / "fixtures", folder / "fixtures", ignore=ignore)
    for name in PACKED:
        pack(root / "fixtures" / name, archive_of(folder / "fixtures" / name))
    public = Path(__file__).parent / "kit" / "__init__.py"
    text = rewrite(public.read_text(encoding="utf-8"), public.name, modules)
    (folder / "__init__.py").write_text(text, encoding="utf-8", newline="\n")
    (folder / "py.typed").touch()


def write_alias(root: Path, folder: Path) -> None:
    """Write the package of an editable install into `folder`; the checkout itself is on the path."""
    here = Path(__file__).parent / "kit"
    for name in ("__init__.py", "checkout.py"):
        shutil.copyfile(here / name, folder / name)
    with (folder / "__init__.py").open("a", encoding="utf-8") as public:
        public.write("\nfrom openai_contract_kit import checkout\n\ncheckout.serve()\n")
    (folder / "py.typed").touch()


def _shipped(package: Path) -> list[Path]:
    return sorted(
        path
        for path in package.rglob("*")
        if path.is_file() and NOT_SHIPPED.isdisjoint(path.relative_to(package).parts)
    )


def _module(file: Path) -> str:
    """The dotted name of a module by its path from the root."""
    return ".".join(file.with_suffix("").parts).removesuffix(".__init__")
