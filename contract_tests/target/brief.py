"""A case without its play: what the way to a target has to know of it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Brief:
    """What a case is called, what it is about, and what it may cost.

    `requests` is how many requests it sends, `tokens` how many tokens of answer it may cost, `features`
    the parameters it is about: a target may lack those and say so.
    """

    id: str
    title: str
    requests: int
    tokens: int
    features: tuple[str, ...]

    @property
    def section(self) -> str:
        """The id without its last part."""
        return self.id.rpartition(".")[0]

    @property
    def endpoint(self) -> str:
        """The first part of the id: embeddings and completions need models of their own."""
        return self.id.partition(".")[0]
