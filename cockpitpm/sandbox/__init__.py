"""A faithful little forge, sample daemons and machines in temporary roots, for the demo and the tests."""
