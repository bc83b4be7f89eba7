"""The options of a run, and the plan it announces."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlsplit

from contract_tests.target.errors import UsageError
from fake_server.relay.redact import mask_excerpt
from fake_server.relay.redact.fields import sent_credentials
from fake_server.relay.redact.names import is_secret_field, is_secret_parameter
from fake_server.wire.bounds import Bounds
from fake_server.wire.exchange import Exchange, Request

DEFAULT_MODEL = "gpt-3.5-turbo"

_SECRET = re.compile("auth|cookie|key|password|secret|signature|token", re.IGNORECASE)


def below(case_id: str, prefix: str) -> bool:
    """Whether the case is the one of this id or lies below this prefix."""
    return f"{case_id}.".startswith(f"{prefix.rstrip('.')}.")


@dataclass(frozen=True)
class Options:
    """The options of a run.

    `target` is the base URL, with or without `/v1` · `model` None means gpt-3.5-turbo if it is listed ·
    `models` maps a section (or a prefix of case ids) to the model its cases ask for · `select` holds case
    ids and prefixes of them, all cases where it is empty · `headers` and `query` go with every request ·
    `ca_file` holds certificates to trust · `concurrency` is how many cases are asked at once ·
    `max_requests` caps what is sent · `run_seconds` bounds the whole run ·
    `keep_raw` has exchanges hold the bytes of replies as they came · `more_words` are those of the command line
    that a run needs to be asked again: where the key is, and limits of its own.
    """

    target: str
    model: str | None = None
    models: Mapping[str, str] = field(default_factory=dict)
    select: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    query: tuple[tuple[str, str], ...] = ()
    api_key: str | None = None
    bounds: Bounds = field(default_factory=Bounds)
    ca_file: str | None = None
    concurrency: int = 4
    max_requests: int = 1000
    run_seconds: float = 900.0
    keep_raw: bool = False
    more_words: tuple[str, ...] = ()

    def check(self) -> None:
        """Check the numbers and the key. Raises UsageError."""
        for name in ("concurrency", "max_requests", "run_seconds"):
            if not getattr(self, name) > 0:
                raise UsageError(f"{name} must be above 0, not {getattr(self, name)}")
        if self.api_key and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise UsageError("the API key contains characters that no header can carry; set it again")

    def model_for(self, case_id: str, otherwise: str) -> str:
        """The model that the longest fitting prefix in `models` names for a case."""
        fitting = [prefix for prefix in self.models if below(case_id, prefix)]
        return self.models[max(fitting, key=len)] if fitting else otherwise

    def mask(self, text: str) -> str:
        """The text without secrets: those of this run, and what looks like one."""
        return mask_excerpt(text, self.secrets)

    @property
    def command(self) -> str:
        """The command line of this run, less the cases and what is secret: a header's value is left for the reader."""
        words = ["contract", "run", self.target]
        words += ["--model", self.model] if self.model else []
        words += [word for section, model in self.models.items() for word in ("--model", f"{section}={model}")]
        hidden = {name: f"{name}: <its value>" for name, value in self.headers if self.mask(value) != value}
        words += [word for name, value in self.headers for word in ("--header", hidden.get(name, f"{name}: {value}"))]
        words += [word for name, value in self.query for word in ("--query", f"{name}={value}")]
        words += ["--ca-file", self.ca_file] if self.ca_file else []
        return shlex.join([*words, *self.more_words])

    @property
    def sends_key(self) -> bool:
        """Whether requests carry an Authorization field: that of the key, or one among `headers`."""
        return bool(self.api_key) or any(name.lower() == "authorization" for name, _ in self.headers)

    @property
    def secrets(self) -> tuple[str, ...]:
        """What no report may show: the key, header fields and parameters named like credentials, the URL's password."""
        try:
            url = urlsplit(self.target)
        except ValueError:  # no URL: that is said elsewhere
            url = urlsplit("")
        extra = [(name, value) for name, value in self.headers if _SECRET.search(name) or is_secret_field(name)]
        asked = (*self.query, *parse_qsl(url.query))
        extra += [(name, value) for name, value in asked if _SECRET.search(name) or is_secret_parameter(name)]
        given = [self.api_key or "", *(value.split(" ")[-1] for _, value in extra)]
        given += [unquote(part) for part in url.netloc.rpartition("@")[0].split(":")[-1:]]
        given += sorted(sent_credentials(Exchange(Request("GET", "/", self.headers), None)))
        return tuple(dict.fromkeys(filter(None, given)))

    @property
    def distinct_secrets(self) -> tuple[str, ...]:
        """The secrets that no text holds by chance; the others, such as `test`, are masked only where a key stands."""
        return tuple(value for value in self.secrets if len(value) > 7 or not (value.isalpha() or value.isdecimal()))


@dataclass(frozen=True)
class Plan:
    """What a run is about to do: the most requests and answer tokens it needs, repeats after 429s aside."""

    cases: int
    requests: int
    max_tokens: int
    base_url: str
    model: str
