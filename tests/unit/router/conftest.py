"""The command line of the neighbouring tests."""

from tests.unit.cli.conftest import cli

__all__ = ["cli"]
