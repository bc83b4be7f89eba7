"""Which variables of the environment hold what no output may show."""

from __future__ import annotations

import pytest

from contract_tests.target.environment import keys_of_environment

KEY = "Zq81-opaque-Value-77"


@pytest.mark.security("credentials in output")
@pytest.mark.parametrize("name", ["MY_API_KEY", "HF_TOKEN", "MYSQL_PWD", "AWS_SECRET_ACCESS_KEY"])
def test_the_value_of_a_secret_is_a_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, KEY)
    assert KEY in keys_of_environment()


@pytest.mark.parametrize("name", ["PWD", "OLDPWD"])
def test_the_folders_of_a_shell_are_none(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(name, "/home/me/w-paste-81")
    assert "/home/me/w-paste-81" not in keys_of_environment()
