"""A request's path through the fake stays short: every layer on it is met by every reply."""

from __future__ import annotations

from contract_tests.lab.speed.profiling import request_path


def test_a_dict_passes_few_files_and_calls() -> None:
    path = request_path(stream=False)
    assert path.files < 25
    assert path.calls < 130


def test_a_stream_of_66_events_is_not_rendered_call_by_call() -> None:
    assert request_path(stream=True).calls < 250
