"""Tests that look at the pages as a person with a browser does."""
