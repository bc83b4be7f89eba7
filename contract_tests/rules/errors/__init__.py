"""Refusals and their form."""
