"""The paths that cases ask, and words that cases and requests share."""

from __future__ import annotations

CHAT, COMPLETIONS, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"
MODERATIONS = "/moderations"
RESPONSES, CONVERSATIONS = "/responses", "/conversations"
OPTIONAL = (RESPONSES, CONVERSATIONS)
"""APIs of many cases that most servers lack: the first case that asks for one tells all others whether it is there."""
THRIFTY = (CHAT, RESPONSES)
"""Where parameters that the target refuses are left out, and limits are raised for a model that thinks."""
PICTURES = "image_url"
"""The feature of cases that send a picture."""
REFUSAL = "refusal"
"""What the roles of requests begin with that are to be refused."""
