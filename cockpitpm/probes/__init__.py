"""Adapters that ask a service whether it works. One per file."""
