"""The inspector: a page that shows what a server was asked, and what it answered."""
