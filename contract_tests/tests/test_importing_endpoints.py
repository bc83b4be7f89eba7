"""Which requests are taken for OpenAI's: those of every provider that speaks its API, and not those of other APIs."""

from __future__ import annotations

import json
import re
from collections import Counter

import pytest

from contract_tests.recordings.importing.endpoints import is_openai, reason_to_skip
from contract_tests.tests.shared import SHARED, needs_recordings
from contract_tests.tests.test_importing_bad import found, har

GOOGLE = "generativelanguage.googleapis.com"


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("POST", "/v1beta/models/nothing:streamGenerateContent", GOOGLE),
        ("POST", "/v1/models/gemini-2.0-flash:generateContent", "localhost:4000"),
        ("GET", "/v1/models/gemini-2.0-flash:countTokens", ""),
        ("POST", "/v1/models/text-bison:predict", ""),
        ("GET", "/v1beta/models", GOOGLE),
        ("GET", "/v1/models/gemini-2.0-flash", f"{GOOGLE}:443"),
        ("GET", "/v1beta/files/abc", GOOGLE),
        ("POST", "/upload/v1beta/files", GOOGLE),
        ("POST", "/v1beta1/projects/p/locations/l/publishers/google/models/g:generateContent", ""),
        ("GET", "/v1/projects/p/locations/l/publishers/google/models/g", ""),
        ("POST", "/models/HuggingFaceH4/zephyr-7b-beta", "api-inference.huggingface.co"),
        ("POST", "/models/gpt2", ""),
        ("GET", "/v1/models/meta/llama/predictions", "api.replicate.com"),
        ("GET", "/v1/models", "api.anthropic.com"),
        ("POST", "/v1/messages/batches", ""),
        ("POST", "/v1/messages", ""),
        ("POST", "/v1/fim/completions", "api.mistral.ai"),
        ("POST", "/api/embeddings", "localhost:11434"),
        ("POST", "/api/chat", "localhost:11434"),
        ("GET", "/static/images/logo.png", ""),
        ("GET", "/assets/models/scene.glb", ""),
        ("GET", "/repos/a/b/pulls/1/files", "api.github.com"),
        ("GET", "/v1/images", ""),
    ],
)
def test_requests_of_other_apis_are_skipped(method: str, path: str, host: str) -> None:
    assert not is_openai(method, path, host)
    assert (
        reason_to_skip(method, f"{path}?alt=sse", None, f"https://{host}{path}") == "not an endpoint of the OpenAI API"
    )


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("POST", "/v1/chat/completions", ""),
        ("POST", "/openai/deployments/gpt-4o/chat/completions", "x.openai.azure.com"),
        ("POST", "/models/chat/completions", "x.services.ai.azure.com"),
        ("POST", "/v1beta/openai/chat/completions", GOOGLE),
        ("GET", "/v1beta/openai/models", GOOGLE),
        ("GET", "/v1beta/openai/models/gemini-2.0-flash", GOOGLE),
        ("POST", "/v1/chat/completions", "api.anthropic.com"),
        ("POST", "/v1/projects/p/locations/l/endpoints/openapi/chat/completions", "eu-aiplatform.googleapis.com"),
        ("GET", "/v1/models", ""),
        ("GET", "/models/", ""),
        ("GET", "/v1/models/ft:gpt-4o-mini:org::abc", ""),
        ("DELETE", "/v1/models/ft:gpt-4o-mini:org:Name:abc", ""),
        ("GET", "/openai/v1/models/llama3:8b", "api.groq.com"),
        ("GET", "/v1/chat/completions", ""),
        ("DELETE", "/v1/chat/completions/chatcmpl-1", ""),
        ("GET", "/v1/responses/resp_1/input_items", ""),
        ("POST", "/v1/threads/t/runs/r/submit_tool_outputs", ""),
        ("GET", "/v1/files/file-1/content", ""),
        ("POST", "/embeddings", ""),
    ],
)
def test_requests_of_openais_api_are_imported_below_any_prefix(method: str, path: str, host: str) -> None:
    assert is_openai(method, path, host)


def test_geminis_entry_of_a_har_is_skipped(tmp_path: object) -> None:
    skipped: Counter[str] = Counter()
    url = f"https://{GOOGLE}/v1beta/models/nothing:streamGenerateContent?alt=sse"
    assert found(tmp_path, har(request__url=url, response__status=404), skipped) == []  # type: ignore[arg-type]
    assert skipped == {"not an endpoint of the OpenAI API": 1}


@needs_recordings
def test_every_path_of_the_shared_recordings_and_of_the_api_is_openais() -> None:
    others: set[str] = set()
    for file in (SHARED / "recordings").glob("*.jsonl"):
        for line in file.read_bytes().splitlines():
            entry = json.loads(line)
            request = entry["request"]
            if not is_openai(request["method"], request["path"], entry["host"]):
                others.add(request["path"])
    assert others == {"/v1/chat/moderations"}  # Mistral's
    paths = json.loads((SHARED / "openapi.json").read_bytes())["paths"]
    for path, operations in paths.items():
        concrete = "/v1" + re.sub(r"\{.*?\}", "abc", path.partition("?")[0])
        if not path.startswith(("/organization/", "/projects/")):
            for method in {"get", "post", "delete"}.intersection(operations):
                assert is_openai(method.upper(), concrete), (method, path)
