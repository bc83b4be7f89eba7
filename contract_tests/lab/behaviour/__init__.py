"""Targets that behave in one way other than OpenAI's API, legally or not, and what judges say of them."""
