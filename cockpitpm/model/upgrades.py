"""Upgrades by the clock: what machine.yaml says of them, what was tried when, and what was fetched ahead."""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum

from attrs import field, frozen


class Switch(Enum):
    """What may happen by itself, each switched on or off for itself.

    NOTICE: the channel is read. DOWNLOAD: the bytes of what is newer are fetched ahead. RESTART: the upgrade is carried
    out, in its window.
    """

    NOTICE = "notice"
    DOWNLOAD = "download"
    RESTART = "restart"


@frozen(kw_only=True)
class Window:
    """A stretch of the wall clock that comes again. `text` is how people wrote it, `start` the five fields of cron,
    `length` seconds."""

    text: str
    start: str
    length: int


@frozen(kw_only=True)
class Switches:
    """What counts for one app. `jitter` is how many seconds after the window's begin it may begin, at most."""

    notice: bool = True
    download: bool = False
    restart: bool = False
    window: Window | None = None
    jitter: int = 900

    def has(self, switch: Switch) -> bool:
        """Whether it is on."""
        return {Switch.NOTICE: self.notice, Switch.DOWNLOAD: self.download, Switch.RESTART: self.restart}[switch]


@frozen(kw_only=True)
class AppUpgrades:
    """What the machine says of one app; None where it says nothing."""

    notice: bool | None = None
    download: bool | None = None
    restart: bool | None = None
    window: Window | None = None
    jitter: int | None = None


@frozen(kw_only=True)
class Upgrades:
    """What the machine says. `every` is the seconds between two looks at a channel; `zone` empty is the machine's."""

    switches: Switches = Switches()
    every: int = 3600
    zone: str = ""
    apps: Mapping[str, AppUpgrades] = field(factory=dict)

    def of(self, app: str) -> Switches:
        """What counts for an app: its own word, else the machine's."""
        own, machine = self.apps.get(app, AppUpgrades()), self.switches
        return Switches(
            notice=machine.notice if own.notice is None else own.notice,
            download=machine.download if own.download is None else own.download,
            restart=machine.restart if own.restart is None else own.restart,
            window=own.window or machine.window,
            jitter=machine.jitter if own.jitter is None else own.jitter,
        )


@frozen(kw_only=True)
class Try:
    """The last time that something was tried: `at` in UTC, RFC 3339, empty for never; what came of it in one line.

    `failures` is how often it has failed since it last went well.
    """

    at: str = ""
    failures: int = 0
    said: str = ""


@frozen(kw_only=True)
class Tried:
    """What was tried for one app. `windows` are the begins of the last windows in which a job was ordered; `job` is
    the last of these jobs, which had to begin before `until`."""

    notice: Try = Try()
    download: Try = Try()
    restart: Try = Try()
    windows: tuple[str, ...] = ()
    job: int = 0
    until: str = ""


@frozen(kw_only=True)
class Attempts:
    """What was tried, by app."""

    apps: Mapping[str, Tried] = field(factory=dict)

    def of(self, app: str) -> Tried:
        """What was tried for an app."""
        return self.apps.get(app, Tried())


@frozen(kw_only=True)
class AheadFile:
    """A file of a release that is in the store already, by the upload that it came from.

    `size` is that of the asset. `sha256`, `md5` and `stored` (bytes) are those of what the store holds: the asset, or
    its `member`; then the archive itself had `asset_sha256` and `asset_md5`.
    """

    asset: str
    uuid: str
    size: int
    sha256: str
    md5: str
    stored: int
    member: str = ""
    asset_sha256: str = ""
    asset_md5: str = ""


@frozen(kw_only=True)
class Ahead:
    """What was fetched ahead for an app."""

    app: str
    files: tuple[AheadFile, ...] = ()
