"""What can be copied into CI is what real tools take, and does what its page says."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from contract_tests.lab.tools import environments, processes
from contract_tests.lab.tools.checkout import ROOT
from fake_server import FakeServer

PAGE = (ROOT / "contract_tests" / "ci" / "README.md").read_text(encoding="utf-8")
CODE = {
    part.split()[0].rstrip(","): "".join(re.findall(r"^```\w+\n(.*?)^```", part, re.MULTILINE | re.DOTALL))
    for part in PAGE.split("\n## ")[1:]
}
"""The code below each heading, by its first word."""
HOOKS = ROOT / ".pre-commit-hooks.yaml"
TOOLS = ("check-jsonschema==0.39.0", "pre-commit==4.7.0")
GOOD = "- name: a\n  reply: {text: b}\n"


def tool(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run a checker of other people in an environment of its own; the test is skipped where it cannot be built."""
    try:
        python = environments.python_environment("ci-tools", TOOLS)
    except environments.NotInstalled as error:
        pytest.skip(str(error))
    kept = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}
    environ = processes.child_environment(cwd, **kept, PRE_COMMIT_HOME=str(environments.ENVIRONMENTS / "pre-commit"))
    environ["PATH"] = f"{python.parent}{os.pathsep}{environ['PATH']}"
    return subprocess.run(
        [python.with_name(name), *arguments],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def test_the_samples_name_what_there_is() -> None:
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    (step,) = [step for step in yaml.safe_load(CODE["GitHub"])["jobs"]["contract"]["steps"] if step.get("id")]
    assert set(step["with"]) <= set(action["inputs"])
    assert set(re.findall(r"^\| `([a-z-]+)`(?:, `([a-z-]+)`)? \|", PAGE, re.MULTILINE)) == {
        (name, "baseline" if name == "profile" else "") for name in action["inputs"] if name != "baseline"
    }
    assert all(f"`{name}`" in PAGE for name in action["outputs"])
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    assert [named["id"] for named in yaml.safe_load(CODE["pre-commit"])["repos"][0]["hooks"]] == [hook["id"]]


def test_the_hook_does_as_pre_commit_runs_it(tmp_path: Path) -> None:
    (hook,) = yaml.safe_load(HOOKS.read_text(encoding="utf-8"))
    names = ["fake-server.yaml", "tests/my.fake-server.yml", "my.yaml", "fake-server.yaml.md", "a/fake-server.json"]
    assert [name for name in names if re.search(hook["files"], name)] == [names[0], names[1], names[4]]
    (tmp_path / "fake-server.yaml").write_text(GOOD)
    (tmp_path / "bad.fake-server.yaml").write_text("- name: c\n  reply: {txt: b}\n")
    entry = [str(Path(sys.executable).with_name("fake-server")), *hook["entry"].split()[1:]]
    for files, code in ((["fake-server.yaml"], 0), (["fake-server.yaml", "bad.fake-server.yaml"], 1)):
        done = subprocess.run(
            [*entry, *hook.get("args", []), *files],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == code, done.stderr
    assert done.stdout.startswith("bad.fake-server.yaml:2: ")


@pytest.mark.slow
def test_real_checkers_take_the_action_and_the_samples(tmp_path: Path) -> None:
    samples = {
        "vendor.github-actions": ROOT / "action.yml",
        "vendor.github-workflows": tmp_path / "workflow.yml",
        "vendor.gitlab-ci": tmp_path / "gitlab.yml",
        "vendor.compose-spec": ROOT / "fake_server" / "container" / "compose.yaml",
    }
    samples["vendor.github-workflows"].write_text(CODE["GitHub"], encoding="utf-8")
    samples["vendor.gitlab-ci"].write_text(CODE["GitLab"], encoding="utf-8")
    for schema, path in samples.items():
        done = tool("check-jsonschema", "--builtin-schema", schema, str(path))
        assert done.returncode == 0, done.stdout + done.stderr
    broken = tmp_path / "action.yml"
    broken.write_text((ROOT / "action.yml").read_text(encoding="utf-8").replace("using: composite", "using: bash"))
    assert tool("check-jsonschema", "--builtin-schema", "vendor.github-actions", str(broken)).returncode == 1
    done = tool("pre-commit", "validate-manifest", str(HOOKS))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
@pytest.mark.timeout(900)  # pip installs the kit
@pytest.mark.skipif(shutil.which("git") is None, reason="there is no git")
def test_pre_commit_installs_the_hook_and_runs_it(tmp_path: Path) -> None:
    source, project = tmp_path / "kit", tmp_path / "project"
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    project.mkdir()
    (project / "fake-server.yaml").write_text(GOOD)
    (project / "bad.fake-server.yaml").write_text("- name: c\n  reply: {txt: b}\n")
    (project / "other.yaml").write_text("- nothing of ours\n")
    for folder in (source, project):
        for step in ("init -q", "add -A", "-c user.name=a -c user.email=a@example.com commit -qm a"):
            subprocess.run(["git", *step.split()], cwd=folder, check=True, timeout=120)
    names = ("--files", "fake-server.yaml", "bad.fake-server.yaml", "other.yaml")
    done = tool("pre-commit", "try-repo", str(source), "fake-server-validate", *names, cwd=project)
    if "Could not find a version" in done.stdout + done.stderr:
        pytest.skip("no package index is in reach")
    assert done.returncode == 1, done.stdout + done.stderr
    assert re.search(r"^bad\.fake-server\.yaml:2: .*txt", done.stdout, re.MULTILINE), done.stdout
    assert "other.yaml" not in done.stdout


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("make") is None, reason="there is no make")
def test_the_makefile_judges_a_server(tmp_path: Path) -> None:
    (tmp_path / "Makefile").write_text(CODE["make"], encoding="utf-8")
    environ = processes.child_environment(tmp_path)
    environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environ['PATH']}"
    with FakeServer([], seed=1, plain=True) as fake:
        words = ["make", "contract", f"TARGET={fake.url}", "WAIT=10", "CONTRACT_OPTIONS=--select models"]
        done = subprocess.run(
            words, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False, timeout=300
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "junit.xml").is_file()
