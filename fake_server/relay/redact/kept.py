"""What the user says is no secret."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, quote_plus

from fake_server.relay.redact.names import split_words

_LONG = 8
"""Characters from which a part of a credential counts as the credential."""


@dataclass(frozen=True)
class Kept:
    """Values that are no secrets, names whose values are none, and the credentials that are secret all the same."""

    values: frozenset[str] = frozenset()
    names: frozenset[str] = frozenset()
    never: frozenset[str] = frozenset()

    @classmethod
    def of(cls, values: Iterable[str] = (), names: Iterable[str] = ()) -> Kept:
        """Letter case and the dashes of a name do not matter: `API-Key` is `api_key`."""
        return cls(frozenset(filter(None, values)), frozenset(map(split_words, filter(None, names))))

    def holds(self, text: str, start: int, stop: int, name: str = "") -> bool:
        """Whether these characters, which look like a secret (of this name), are none."""
        if not (self.values or self.names):
            return False
        part = text[start:stop]
        if any(_is_of(part, form) for secret in self.never for form in _forms(secret)):
            return False
        if name and split_words(name) in self.names:
            return True
        forms = (form for value in self.values for form in _forms(value))
        return any(text.find(form, max(0, stop - len(form)), start + len(form)) >= 0 for form in forms)


NOTHING = Kept()


def _is_of(part: str, secret: str) -> bool:
    """Whether a part of a text is a secret, holds it, or is a long part of it."""
    return part == secret or (len(secret) >= 4 and secret in part) or (len(part) >= _LONG and part in secret)


@lru_cache(maxsize=1024)
def _forms(value: str) -> frozenset[str]:
    """A value as it may stand in a text: as it is, in JSON, in a URL or read as one, in UTF-8 read as latin-1."""
    in_json = (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1])
    forms = (value, *in_json, quote(value, safe=""), quote_plus(value), value.replace("+", " "))
    return frozenset((*forms, *(form.encode("utf-8", "replace").decode("latin-1") for form in forms)))
