"""The description of the JSON-RPC methods, as it comes with cockpitpm."""

from __future__ import annotations

from cockpitpm.declare.data import openrpc

__all__ = ["openrpc"]
