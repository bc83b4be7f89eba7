"""Request validation: what OpenAI refuses with 400, said with its `param` and `code`."""

from fake_server.validate.chat import chat

__all__ = ["chat"]
