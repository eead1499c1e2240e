"""One loopback port in front of all services: `/{service}/{kind}/…` leads to `<socket root>/{service}/{kind}.sock`.

It is the router of the sandbox; a machine that people reach from outside has another, and `config` writes the
configuration of the usual ones with the same law. Who comes without the router's token gets nothing.
"""

from cockpitpm.router.proxy import Patience
from cockpitpm.router.server import Router

__all__ = ["Patience", "Router"]
