"""Values that look like credentials and open nothing: each kind of value in each place where it may stand."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import struct
import uuid

_generator = random.Random(16)
_letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def _id(prefix: str, size: int = 24) -> str:
    return prefix + "".join(_generator.choices(_letters, k=size))


_blob = _generator.randbytes(900)
VALUES: dict[str, str] = {
    **{f"id {prefix}": _id(prefix) for prefix in (
        "chatcmpl-", "cmpl-", "call_", "resp_", "msg_", "rs_", "fc_", "file-", "run_", "thread_", "step_", "asst_",
        "vs_", "batch_", "ftjob-", "modr-", "req_", "conv_", "toolu_", "ws_",
    )},
    "UUID": str(uuid.UUID(bytes=_generator.randbytes(16))),
    "md5": hashlib.md5(b"1", usedforsecurity=False).hexdigest(),
    "git hash": hashlib.sha1(b"1", usedforsecurity=False).hexdigest(),
    "sha256": hashlib.sha256(b"1").hexdigest(),
    "sha256, named": "sha256:" + hashlib.sha256(b"2").hexdigest(),
    "fingerprint": "fp_06737a9306",
    "model": "gpt-4o-mini-2024-07-18",
    "another model": "claude-3-5-sonnet-20241022",
    "a model of a hub": "meta-llama/Llama-3.3-70B-Instruct-Turbo",
    "fine-tuned model": "ft:gpt-4o-mini-2024-07-18:acme::9abCdEfG",
    "date": "2024-07-18T12:00:00.123456Z",
    "number": "17213088001234567890",
    "word": "supercalifragilisticexpialidocious",
    "words": "a-task-force-asked-for-a-disk-image-of-the-risk-register",
    "snake": "sk_learn_and_other_words_of_snakes",
    "encrypted content": "gAAAAABozcPV8NxzVAMDdbpqK7_ltYa5-sk-VsbnSW9OMWGRwlnwasaLvuaC4XlgGm" * 6,
    "picture": base64.b64encode(b"\x89PNG\r\n\x1a\n" + _blob).decode(),
    "vector": base64.b64encode(struct.pack("<96f", *(_generator.gauss(0, 0.03) for _ in range(96)))).decode(),
    "placeholder": "<your key>",
    "blanked key": "sk-proj-********************7Ha5",
    "file": "/v1/files/report-2024-07-18.final.v2.pdf",
    "text": "Each token is a piece of a word; the secret of a key signature is practice.",
    "code": "for key, token in session.items(): print(key, token, max_tokens=5)",
}  # fmt: skip
MEMBERS = ("id", "token", "session", "key", "tokens", "content", "call_id", "encrypted_content", "b64_json",
           "text", "cache_key", "prompt_cache_key", "next_page_token", "fingerprint", "idempotency_key",
           "reasoning")  # fmt: skip


def places(value: str) -> dict[str, object]:
    """The value in every place: members by name, and other ways to stand in a body."""
    return {name: {name: value} for name in MEMBERS} | {
        "list": [value, value],
        "list of objects": {"data": [{"id": value}, {"id": value[::-1]}]},
        "tokens of logprobs": {"content": [{"token": part, "bytes": list(part.encode())} for part in _parts(value)]},
        "sentence": {"message": f"there is no {value} here"},
        "JSON in JSON": {"arguments": json.dumps({"token": value, "path": value})},
        "URL": {"next": f"https://host/v1/files?after={value}&limit=20"},
    }


def stream(value: str) -> bytes:
    """The value in the pieces of a stream, each also a log probability."""
    choices = [
        {
            "index": 0,
            "delta": {"content": part},
            "logprobs": {"content": [{"token": part, "bytes": list(part.encode())}]},
        }
        for part in _parts(value)
    ]
    return b"".join(b"data: %s\n\n" % json.dumps({"choices": [choice]}).encode() for choice in choices)


def _parts(value: str) -> list[str]:
    return [value[start : start + 4] for start in range(0, len(value), 4)]
