"""A faithful little forge: Forgejo's answers, oddities included, over real HTTP on the loopback interface."""

from cockpitpm.sandbox.forge.fault import Fault
from cockpitpm.sandbox.forge.folder import write_release
from cockpitpm.sandbox.forge.publisher import Order, Published, Publisher
from cockpitpm.sandbox.forge.repository import Repository
from cockpitpm.sandbox.forge.server import ForgeServer
from cockpitpm.sandbox.forge.state import ForgeState, RequestRecord

__all__ = [
    "Fault",
    "ForgeServer",
    "ForgeState",
    "Order",
    "Published",
    "Publisher",
    "Repository",
    "RequestRecord",
    "write_release",
]
