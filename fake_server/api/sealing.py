"""Content that only the server reads: a client takes it back word for word, as it does OpenAI's `encrypted_content`.

Nothing is secret here: what is sealed is what the fake itself made up, so it is only told apart from changed or
foreign content.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import zlib
from typing import Any

from fake_server.wire import jsontext
from fake_server.wire.budget import TooMuch, hold

_MARK = "gAAAAABmYWtl"
"""How every seal begins; OpenAI's begin with the first five letters."""
_SALT, _PROOF = 9, 12
_LONGEST = 8 * 1024 * 1024
"""Bytes of what a seal may hold."""
_VALUE = 200
"""Bytes that a value of it takes, about."""


def seal(value: Any) -> str:
    """The value as opaque text; equal values get different texts. Raises TooMuch for one that could not be read."""
    salt, content = os.urandom(_SALT), json.dumps(value, separators=(",", ":")).encode()
    _hold(content)
    packed = zlib.compress(content)
    return _MARK + base64.urlsafe_b64encode(salt + _prove(salt, packed) + packed).decode("ascii")


def is_sealed(text: str) -> bool:
    """Whether the text claims to be one that `seal` made."""
    return text.startswith(_MARK)


def unseal(text: str) -> Any:
    """What was sealed; None for a text that is not as `seal` made it. Raises TooMuch."""
    try:
        raw = base64.b64decode(text.removeprefix(_MARK), altchars=b"-_", validate=True)
        salt, proof, packed = raw[:_SALT], raw[_SALT : _SALT + _PROOF], raw[_SALT + _PROOF :]
        if not is_sealed(text) or proof != _prove(salt, packed):
            return None
        unpacking = zlib.decompressobj()
        content = unpacking.decompress(packed, _LONGEST)
        if unpacking.unconsumed_tail:
            return None
        _hold(content)
        return jsontext.parse(content).value
    except (binascii.Error, zlib.error):
        return None


def _hold(text: bytes) -> None:
    """Note what the values of a text take, of which a short seal may have a great many. Raises TooMuch."""
    if len(text) > _LONGEST:
        raise TooMuch(f"content to be sealed would have more than {_LONGEST // 1024**2} MiB")
    hold(len(text) + _VALUE * sum(map(text.count, b"{[,")), "sealed content")


def _prove(salt: bytes, packed: bytes) -> bytes:
    return hashlib.blake2b(packed, digest_size=_PROOF, key=salt).digest()
