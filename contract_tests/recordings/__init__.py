"""Recorded exchanges: reading, judging and importing them."""
