"""Bytes and values, no framework and no network: exchanges, server-sent events, JSON, fixtures."""
