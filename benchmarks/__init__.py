"""What cockpitpm costs, as ratios of two things measured in turn in one run; run it with `make bench`."""
