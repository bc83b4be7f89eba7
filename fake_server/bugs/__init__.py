"""The catalogue of known bugs of OpenAI-compatible servers, and the one way to play them."""
