"""Refuse bad requests as OpenAI does: status 400, the first complaint, its parameter and code."""
