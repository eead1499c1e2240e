"""Every method by its name."""

from __future__ import annotations

from cockpitpm.rpc import changing, looking, minding
from cockpitpm.rpc.method import Method

DISCOVER = "rpc.discover"
"""The one name that begins with `rpc.`; all others of that kind belong to the protocol and are no methods."""

METHODS: dict[str, Method] = {one.name: one for one in (*looking.METHODS, *changing.METHODS, *minding.METHODS)}
