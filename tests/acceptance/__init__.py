"""What the mission promises, on real processes."""
