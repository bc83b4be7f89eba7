"""The rules' engine: sections, subjects and the judge."""
