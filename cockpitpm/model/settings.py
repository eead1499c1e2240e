"""What `machine.yaml` says."""

from __future__ import annotations

from collections.abc import Mapping

from attrs import field, frozen


@frozen(kw_only=True)
class ForgeSettings:
    """One forge. `kind` names an adapter; `url` is its base URL, or the folder for kind `directory`."""

    kind: str
    url: str
    owner: str = ""


@frozen(kw_only=True)
class Settings:
    """The machine's settings. `role` is the raw text, judged elsewhere; None where the file does not say.

    `channels` maps an app to its channel; `channel` is the machine's. `socket_root` empty means `<root>/var/sockets`.
    """

    role: str | None = None
    channel: str = "latest"
    channels: Mapping[str, str] = field(factory=dict)
    forges: Mapping[str, ForgeSettings] = field(factory=dict)
    supervisor: str = "supervisord"
    socket_root: str = ""
    keep_generations: int = 3

    def channel_of(self, app: str, declared: str | None) -> str:
        """The channel an app follows: the machine's word for it, then the bundle's, then the machine's for all."""
        return self.channels.get(app) or declared or self.channel
