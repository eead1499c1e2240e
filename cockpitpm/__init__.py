"""The package manager for machines that manage themselves."""

__version__ = "0.1.0"
