"""Refuse bad requests as OpenAI does: status 400 with the first complaint, its `param` and `code`."""
