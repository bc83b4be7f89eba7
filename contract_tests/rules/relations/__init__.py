"""Relations between exchanges."""
