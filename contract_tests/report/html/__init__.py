"""The HTML page of a report: one file that needs no network, and no script to be read."""
