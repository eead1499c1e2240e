"""What a face overrides to show how a run goes on."""

from cockpitpm.ports import Reporter

__all__ = ["Reporter"]
