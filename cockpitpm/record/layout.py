"""Where everything is under one root. Knows names, touches nothing."""

from __future__ import annotations

from pathlib import Path

from attrs import Factory, field, frozen

from cockpitpm.errors import StoreError


@frozen
class Layout:
    """The paths of one machine. `root` is absolute; `bin/` holds what services execute, the rest is ours.

    `root` is as its owner writes it, for services and people. `real` is the same folder under its only name without
    symbolic links; every path here lies below it, whatever the names are that it is made of.
    """

    root: Path
    real: Path = field(default=Factory(lambda self: self.root, takes_self=True))

    @property
    def bin(self) -> Path:
        """The folder of links that services execute."""
        return self.real / "bin"

    @property
    def settings(self) -> Path:
        """The machine's settings, which people edit."""
        return self.real / "cfg" / "cockpitpm" / "machine.yaml"

    @property
    def var(self) -> Path:
        """Our own durable state."""
        return self.real / "var" / "cockpitpm"

    @property
    def store(self) -> Path:
        """Pristine bytes by sha256."""
        return self.var / "store"

    @property
    def incoming(self) -> Path:
        """Downloads that are not proved yet; on the same file system as the store."""
        return self.var / "incoming"

    @property
    def aside(self) -> Path:
        """Bytes that somebody put in our place and that a rollback moved out of the way."""
        return self.var / "aside"

    @property
    def apps(self) -> Path:
        """One folder an app."""
        return self.var / "apps"

    @property
    def state(self) -> Path:
        """One file an app: what must be remembered."""
        return self.var / "state"

    @property
    def journal(self) -> Path:
        """One file for each transaction that has not ended."""
        return self.var / "journal"

    @property
    def history(self) -> Path:
        """One line for each transaction that has ended."""
        return self.var / "history.jsonl"

    @property
    def jobs(self) -> Path:
        """One folder for each job that was ordered of a server."""
        return self.var / "jobs"

    @property
    def plans(self) -> Path:
        """Plans that somebody was shown and may carry out, by digest."""
        return self.var / "plans"

    @property
    def unpacked(self) -> Path:
        """One folder for each packed program that runs, or is about to."""
        return self.var / "unpacked"

    @property
    def home(self) -> Path:
        """The root, as its owner wrote it when the machine was last changed."""
        return self.var / "root"

    @property
    def lock(self) -> Path:
        """Held by whoever changes the machine."""
        return self.var / "lock"

    @property
    def supervisor(self) -> Path:
        """The embedded supervisor's own folder."""
        return self.var / "supervisord"

    @property
    def crashes(self) -> Path:
        """Tracebacks of our own bugs."""
        return self.var / "crashes"

    @property
    def fixed(self) -> tuple[Path, ...]:
        """Every place that has the same name on each machine, outer folders first."""
        outer = (self.bin, self.settings.parent.parent, self.settings.parent, self.settings, self.var.parent, self.var)
        folders = (self.store, self.incoming, self.aside, self.apps, self.state, self.journal, self.jobs, self.plans)
        return (*outer, *folders, self.unpacked, self.supervisor, self.crashes, self.history, self.lock)

    def job(self, number: int) -> Path:
        """The folder of one job."""
        return self.jobs / str(number)

    def binary(self, name: str) -> Path:
        """The path that services execute."""
        return self.bin / plain(name)

    def app(self, app: str) -> Path:
        """The folder of one app: generations, live copies, `current`."""
        return self.apps / plain(app)

    def generation(self, app: str, number: int) -> Path:
        """The file of one generation."""
        return self.app(app) / f"{number}.json"

    def current(self, app: str) -> Path:
        """The link whose one rename changes every binary of the app."""
        return self.app(app) / "current"

    def live(self, app: str) -> Path:
        """The folder of all folders of executable copies."""
        return self.app(app) / "live"

    def copies(self, app: str, live: str) -> Path:
        """One folder of executable copies, such as `3.t17f`."""
        return self.live(app) / plain(live)

    def copy(self, app: str, live: str, binary: str) -> Path:
        """The executable copy of a binary."""
        return self.copies(app, live) / plain(binary)

    def remembered(self, app: str) -> Path:
        """The file of what is remembered about an app."""
        return self.state / f"{plain(app)}.json"

    def kept(self, transaction: str, binary: str) -> Path:
        """Where a transaction keeps bytes that it moved out of the way."""
        return self.aside / plain(f"{transaction}-{binary}")

    def blob(self, sha256: str) -> Path:
        """The stored bytes of this hash."""
        return self.store / plain(sha256)

    def link_text(self, app: str, binary: str) -> str:
        """What our link at `bin/<binary>` says."""
        return f"../var/cockpitpm/apps/{app}/current/{binary}"


def plain(name: str) -> str:
    """The name, if it can be that of one file in a folder. Raises StoreError: names come from files, too."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise StoreError(f"{name!a} is no name of a file of ours", "Look at the history: some record was changed")
    return name
