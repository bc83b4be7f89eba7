"""The recording proxy: forward a request, capture the exchange, redact and save it."""
