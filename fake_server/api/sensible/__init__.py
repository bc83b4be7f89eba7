"""Answers for requests that no script matches."""
