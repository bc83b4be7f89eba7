"""The catalogue of known bugs as fixtures: each a conforming exchange with exactly that defect applied."""
