"""Exchanges with one thing changed, and the share of the changes that the rules notice."""
