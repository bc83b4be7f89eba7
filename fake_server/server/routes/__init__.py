"""The operations of the app, one file per endpoint; every path stands with and without `/v1`."""
