"""Exchanges changed by seed, and the share of the changes that the rules notice."""
