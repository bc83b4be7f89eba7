"""Profiles and baselines: which known departures from the contract are tolerated."""
