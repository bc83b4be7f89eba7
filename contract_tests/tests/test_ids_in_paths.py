"""Ids that a target gives go into a path only where they can stand there as they are."""

from __future__ import annotations

import pytest

from contract_tests.target.support import fits_a_path


@pytest.mark.parametrize(
    "name",
    ["resp_0a9Xw2c4", "chatcmpl-B7o:1~2.x", "resp_" + "Zm9v" * 100 + "wQ=", "7", "conv_" + "a" * 495],
)
def test_ids_of_servers_fit(name: str) -> None:
    assert fits_a_path(name)


@pytest.mark.security("hostile targets")
@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "a/b",
        "../models",
        "a?x=1",
        "a#b",
        "a b",
        "a\r\nHost: x",
        "a%2e",
        "é",
        "a" * 501,
        "a\\b",
        "a\x00",
        "a\n",
    ],
)
def test_what_leads_elsewhere_does_not(name: str) -> None:
    assert not fits_a_path(name)
