"""The pytest fixtures users get, tried as a user's own test run."""

from __future__ import annotations

import sys

import pytest

from fake_server.wire import fixture
from fake_server.wire.exchange import Exchange, Request, Write

pytest_plugins = ["pytester"]


def test_the_fixtures_work_and_each_test_starts_anew(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytester.makepyfile(
        """
        import openai, os

        ASK = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}

        def test_client(fake_openai, fake_server):
            assert fake_openai.max_retries == 0
            assert fake_openai.chat.completions.create(**ASK).choices
            assert [one.path for one in fake_server.requests] == ["/v1/chat/completions"]

        def test_without_a_past(fake_server):
            assert fake_server.requests == ()

        def test_env(openai_env, fake_server):
            assert os.environ["OPENAI_BASE_URL"] == fake_server.base_url == openai_env["OPENAI_BASE_URL"]
            assert os.environ["OPENAI_API_BASE"] == fake_server.base_url
            assert not {"OPENAI_API_TYPE", "OPENAI_ORG_ID"} & set(os.environ)
            with openai.OpenAI() as client:
                assert client.chat.completions.create(**ASK).choices

        def test_env_is_undone():
            assert "OPENAI_BASE_URL" not in os.environ
            assert os.environ["OPENAI_ORG_ID"] == "org-of-the-user"
        """
    )
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("OPENAI_API_TYPE", "azure")
    monkeypatch.setenv("OPENAI_ORG_ID", "org-of-the-user")
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=4)


def test_options_come_from_the_conftest(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def fake_server_options():
            return {"models": ["mine"], "api_key": "sk-mine", "seed": 3}
        """
    )
    pytester.makepyfile(
        """
        def test_it(fake_openai, fake_server):
            assert fake_server.seed == 3
            assert [model.id for model in fake_openai.models.list()] == ["mine"]
        """
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=1)


def test_recordings_are_served_until_the_test_ends(pytester: pytest.Pytester) -> None:
    asked = Request("GET", "/v1/models")
    fixture.save(fixture.Fixture(Exchange(asked, 200, writes=(Write(b"{}"),))), pytester.path / "models.yaml")
    pytester.makepyfile(
        """
        import pytest, urllib.request

        def test_two_at_once(replay_server, request):
            one, other = replay_server("models.yaml", speed=0), replay_server("models.yaml", match="any")
            for server in (one, other):
                with urllib.request.urlopen(f"{server.base_url}/models") as reply:
                    assert reply.read() == b"{}"
                assert not server.misses and not server.unplayed
            request.config.stash[KEY] = one

        KEY = pytest.StashKey()

        def test_afterwards(request):
            with pytest.raises(RuntimeError, match="not running"):
                request.config.stash[KEY].base_url
        """
    )
    pytester.runpytest_subprocess("-q").assert_outcomes(passed=2)


def test_it_costs_nothing_when_unused(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import sys

        def test_light():
            assert "fake_server.plugin" in sys.modules
            heavy = {"openai", "fastapi", "starlette", "uvicorn", "pydantic", "yaml"}
            assert not heavy & set(sys.modules)
        """
    )
    others = ["-p", "no:cacheprovider", "-p", "no:hypothesispytest", "-p", "no:respx", "-p", "no:anyio"]
    pytester.run(sys.executable, "-m", "pytest", "-q", *others).assert_outcomes(passed=1)


def test_markers_give_a_test_its_scripts_and_faults(pytester: pytest.Pytester) -> None:
    pytester.path.joinpath("replies.yaml").write_text(
        "- {name: cat, when: {messages: {last: {contains: cat}}}, reply: {text: meow}}\n"
        "- {name: dog, when: {messages: {last: {contains: dog}}}, reply: {text: woof}}\n"
    )
    pytester.makepyfile(
        """
        import openai, pytest

        def said(client, text):
            asked = [{"role": "user", "content": text}]
            return client.chat.completions.create(model="gpt-4o", messages=asked).choices[0].message.content

        @pytest.mark.fake_script("replies.yaml")
        class TestAnimals:
            def test_from_a_file(self, fake_openai):
                assert said(fake_openai, "a cat") == "meow"

            @pytest.mark.fake_script({"name": "mine", "reply": {"text": "hush"}})
            def test_the_nearest_comes_first(self, fake_openai):
                assert said(fake_openai, "a cat") == "hush"

        @pytest.mark.fake_fault("error", status=503)
        def test_a_fault(fake_openai):
            with pytest.raises(openai.InternalServerError):
                said(fake_openai, "a cat")

        def test_nothing_is_left(fake_openai):
            assert said(fake_openai, "a cat") not in ("meow", "hush")
        """
    )
    result = pytester.runpytest_subprocess("-q", "--strict-markers", "--fake-unused")
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["*scripts of the fake server that answered in no test*", "*replies.yaml:2: dog"])
    result.stdout.no_fnmatch_line("*replies.yaml:1: cat")
    divided = pytester.runpytest_subprocess("-q", "-n", "2", "--fake-unused")
    divided.assert_outcomes(passed=4)
    divided.stdout.fnmatch_lines(["*answered in no test*", "*replies.yaml:2: dog"])
    divided.stdout.no_fnmatch_line("*replies.yaml:1: cat")
    quiet = pytester.runpytest_subprocess("-q")
    quiet.stdout.no_fnmatch_line("*answered in no test*")


def test_a_marker_that_cannot_be_read_is_told(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_script({"name": "a", "reply": {"txt": "x"}})
        def test_it(fake_server):
            pass
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*unknown key 'txt' in reply: did you mean 'text'?*"])


def test_wrong_markers_are_told_in_a_line(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.fake_script("missing.yaml")
        def test_file(fake_server): ...

        @pytest.mark.fake_script({"nme": "x"})
        def test_script(fake_server): ...

        @pytest.mark.fake_fault("cutt")
        def test_fault(fake_server): ...

        @pytest.mark.fake_fault()
        def test_no_fault(fake_server): ...

        @pytest.mark.openai_bug("ikllama-nodone")
        def test_bug(fake_server): ...
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(errors=5)
    result.stdout.fnmatch_lines(
        [
            "@pytest.mark.fake_script: */missing.yaml: no such file or directory: *",
            "@pytest.mark.fake_script: scripts[[]0]: unknown key 'nme': did you mean 'name'?",
            "@pytest.mark.fake_fault: there is no fault 'cutt': did you mean 'cut'?",
            "@pytest.mark.fake_fault: it is written fake_fault(name, [*][*]parameters): *",
            "@pytest.mark.openai_bug: there is no bug 'ikllama-nodone': did you mean 'ikllama-no-done'?",
        ]
    )
    result.stdout.no_fnmatch_line("*plugin.py*")


def test_a_failed_assertion_shows_the_test_and_not_the_fake(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_asked(fake_server): fake_server.assert_asked({"model": "gpt-4o"})

        def test_not_asked(fake_server, fake_openai):
            fake_openai.models.list()
            fake_server.assert_not_asked()
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(["*AssertionError: no request asked for model: 'gpt-4o'; nothing was asked"])
    result.stdout.no_fnmatch_line("*asserting.py*")
    result.stdout.no_fnmatch_line("*fake_space.py*")


def test_a_marked_test_has_the_server_without_asking_for_it(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(
        """
        import pytest

        @pytest.fixture(scope="session")
        def fake_server_options():
            return {"port": 0, "seed": 1}

        @pytest.fixture(scope="session")
        def url(_fake_server_of_the_session):
            return _fake_server_of_the_session.base_url
        """
    )
    pytester.makepyfile(
        """
        import httpx2, pytest

        @pytest.mark.fake_fault("error", status=418)
        def test_marked(url):
            assert httpx2.get(f"{url}/models").status_code == 418

        def test_unmarked(url): ...
        """
    )
    result = pytester.runpytest_subprocess("-q")
    result.assert_outcomes(passed=2)
