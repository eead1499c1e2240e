"""The tests of cockpitpm; `tests/<kind>/<room>/test_<module>.py` mirrors the package."""
