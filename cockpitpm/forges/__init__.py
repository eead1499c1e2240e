"""Adapters that read releases. One per file; foreign errors are wrapped once."""
