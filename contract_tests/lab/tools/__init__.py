"""What the lab shares: environments, child processes, SDK generations."""
