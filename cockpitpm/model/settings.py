"""What `machine.yaml` says."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen

from cockpitpm.model.upgrades import Upgrades


class Require(Enum):
    """What must prove the bytes of an asset beside the connection that it came through."""

    NONE = "none"
    CHECKSUM = "checksum"


@frozen(kw_only=True)
class ForgeSettings:
    """One forge. `kind` names an adapter; `url` is its base URL, or the folder for kind `directory`.

    `token` names the secret that holds its token, as `context/KEY`; never the token itself. `storage` are the places
    beside the forge's own where its files may be: a host, `host:port`, an address or a network.
    """

    kind: str
    url: str
    owner: str = ""
    token: str = ""
    require: Require = Require.NONE
    storage: tuple[str, ...] = ()


@frozen(kw_only=True)
class Hold:
    """Do not upgrade this app. `until` is in UTC, RFC 3339, to the second; empty for a hold without an end."""

    reason: str
    until: str = ""


class Frames(Enum):
    """Whose pages may show Cockpit's in a frame. SELF: those of the same origin, such as a shell before all apps."""

    NONE = "none"
    SELF = "self"


@frozen(kw_only=True)
class Cockpit:
    """How the machine's own pages are served."""

    frames: Frames = Frames.NONE


@frozen(kw_only=True)
class Settings:
    """The machine's settings. `role` is the raw text, judged elsewhere; None where the file does not say.

    `channels` maps an app to its channel; `channel` is the machine's. `pins` maps an app to the tag of the one release
    that it has. `socket_root` empty means `<root>/var/sockets`.
    """

    role: str | None = None
    channel: str = "latest"
    channels: Mapping[str, str] = field(factory=dict)
    pins: Mapping[str, str] = field(factory=dict)
    holds: Mapping[str, Hold] = field(factory=dict)
    forges: Mapping[str, ForgeSettings] = field(factory=dict)
    supervisor: str = "supervisord"
    socket_root: str = ""
    keep_generations: int = 3
    upgrades: Upgrades = field(factory=Upgrades)
    cockpit: Cockpit = Cockpit()

    def channel_of(self, app: str, declared: str | None) -> str:
        """The channel an app follows: its pin, the machine's word for it, the bundle's, the machine's for all."""
        return self.pins.get(app) or self.channels.get(app) or declared or self.channel
