"""Bytes to values and back, without framework or network: HTTP/1.1, server-sent events, JSON, fixtures."""
