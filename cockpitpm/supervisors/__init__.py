"""Adapters that run services. One per file; foreign errors are wrapped once."""
