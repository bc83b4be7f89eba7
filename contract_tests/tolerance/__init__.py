"""Known departures: profiles, baselines and what they tolerate."""
