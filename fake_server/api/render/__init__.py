"""One logical reply in the forms of each endpoint: as a dict and as a stream."""
