"""Refusing bad requests as OpenAI does: status 400, the first complaint, its parameter and code."""

from fake_server.api.validate.chat import chat
from fake_server.api.validate.completions import completions
from fake_server.api.validate.embeddings import embeddings

__all__ = ["chat", "completions", "embeddings"]
