"""What can be changed in one exchange; `kind.py` says what an operator is, `catalogue.py` lists them."""
