"""Render a logical reply in the form of each endpoint, as a dict or as a stream."""
