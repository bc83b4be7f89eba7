"""What must hold between the two sides of a proxy, in the order of reports."""
