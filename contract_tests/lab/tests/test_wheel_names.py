"""The names of the checkout become installed names, and what could not be installed stops the build."""

from __future__ import annotations

import importlib
import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

from contract_tests.lab.packaging import build_hook
from contract_tests.lab.packaging.rewriting import NotInstallable, check_page, rewrite
from contract_tests.lab.tools.checkout import ROOT

MODULES = {"fake_server", "fake_server.wire", "contract_tests", "contract_tests.cli"}


def test_imports_are_rewritten_and_nothing_else() -> None:
    source = '''\
"""Text about fake_server and contract_tests."""
from fake_server import FakeServer
from   contract_tests.cli import (
    main,
)
import json

SCOPE_KEY = "fake_server.no_module"


def later():
    from fake_server.wire import fixture; from fake_server_of_others import server
    return fixture, server, "fake_server"
'''
    assert rewrite(source, "module.py", MODULES) == source.replace(
        "from fake_server ", "from openai_contract_kit.fake_server "
    ).replace("contract_tests.cli", "openai_contract_kit.contract_tests.cli").replace(
        "fake_server.wire", "openai_contract_kit.fake_server.wire"
    )


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\nimport fake_server.wire\n", "a.py:2: write `from … import …`"),
        ("from . import wire\n", "a.py:1: imports are absolute"),
        ('import_module("fake_server.wire")\n', "a.py:1: derive 'fake_server.wire' from __name__"),
        ('"""Write `from fake_server import x`."""\n', "a.py:1: `from fake_server` fails"),
        ('command = ["-m", "contract_tests", "run"]\n', 'a.py:1: `-m", "contract_tests` fails'),
        ("# pytest contract_tests --target URL\n", "a.py:1: `pytest contract_tests` fails"),
    ],
)
def test_a_name_that_is_not_installed_stops_the_build(source: str, problem: str) -> None:
    with pytest.raises(NotInstallable) as error:
        rewrite(source, "a.py", MODULES)
    assert str(error.value).startswith(problem)


def test_a_page_that_shows_such_a_name_stops_the_build() -> None:
    shown = "from openai_contract_kit.fake_server import x"
    assert check_page(shown, "PAGE.md") == shown
    with pytest.raises(NotInstallable, match=r"PAGE\.md:2: `-m fake_server`"):
        check_page("\n$ python -m fake_server\n", "PAGE.md")


def test_the_package_of_this_checkout_can_be_written(tmp_path: Path) -> None:
    build_hook.write_package(ROOT, tmp_path)
    for name in (
        "fake_server/wire/fixture.py",
        "contract_tests/cli/run.py",
        "fixtures/conforming",
        "fixtures/broken.tar.gz",
        "py.typed",
    ):
        assert (tmp_path / name).exists()
    code = """\
import openai_contract_kit as kit
print(kit.__file__, kit.FakeServer.__module__)
from openai_contract_kit.contract_tests.cli import main
main()
"""
    installed = tmp_path.rename(tmp_path.with_name("openai_contract_kit"))
    done = subprocess.run(
        [
            sys.executable,
            "-S",
            "-c",
            f"import sys; sys.path[:0] = {[str(installed.parent), *sys.path]}\n{code}",
            "explain",
            "chat.choice-count",
        ],
        capture_output=True,
        text=True,
        check=True,
        cwd=installed.parent,
    )
    module = "openai_contract_kit.fake_server.testing.server"
    names, _, explained = done.stdout.partition("\n")
    assert names == f"{installed / '__init__.py'} {module}"
    assert " kept by    openai_contract_kit/fixtures/conforming/" in explained
    assert " broken by  openai_contract_kit/fixtures/broken.tar.gz/chat.choice-count.yaml\n" in explained
    assert "^ 1 choice; expected: 2" in explained


@pytest.mark.parametrize("name", ["fake_server.testing.server", "contract_tests.cli", "fake_server.replay"])
def test_in_a_checkout_both_names_are_one_module(name: str) -> None:
    real = importlib.import_module(name)
    assert importlib.import_module(f"openai_contract_kit.{name}") is real
    assert real.__name__ == name
    assert real.__spec__ is not None
    assert real.__spec__.name == name
    assert importlib.util.find_spec(f"openai_contract_kit.{name}_no") is None


def test_public_names() -> None:
    kit = importlib.import_module("openai_contract_kit")
    for name in kit.__all__:
        home = importlib.import_module("fake_server" if name == "FakeServer" else "fake_server.replay")
        assert getattr(kit, name) is getattr(home, name)
    assert kit.__version__ == "0.2.0"
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        kit.Nothing  # noqa: B018


@pytest.mark.parametrize("command", ["fake_server", "contract_tests"])
def test_commands_as_modules(command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"openai_contract_kit.{command}", "--version"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.endswith(", version 0.2.0\n")
