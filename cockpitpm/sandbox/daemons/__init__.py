"""Real daemons that stand for the apps: scripts and one ELF program, each build with bytes of its own.

`asset` and `assets` make the bytes to publish from what a bundle declares, `wrappers` the two scripts that an operator
keeps beside the chain daemon, `build_daemon` any build from a stamp.
"""

from cockpitpm.sandbox.daemons.assets import asset, assets, stamp_for
from cockpitpm.sandbox.daemons.build import Form, build_daemon, compiler
from cockpitpm.sandbox.daemons.chains import CHAIN_BINARY, CHAIN_SOCKETS, wrapper, wrappers
from cockpitpm.sandbox.daemons.stamp import Behaviour, Part, Stamp, stamp_of

__all__ = [
    "CHAIN_BINARY",
    "CHAIN_SOCKETS",
    "Behaviour",
    "Form",
    "Part",
    "Stamp",
    "asset",
    "assets",
    "build_daemon",
    "compiler",
    "stamp_for",
    "stamp_of",
    "wrapper",
    "wrappers",
]
