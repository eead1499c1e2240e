"""Where everything is under one root. Knows names, touches nothing."""

from __future__ import annotations

from pathlib import Path

from attrs import frozen


@frozen
class Layout:
    """The paths of one machine. `root` is absolute; `bin/` holds what services execute, the rest is ours."""

    root: Path

    @property
    def bin(self) -> Path:
        """The folder of links that services execute."""
        return self.root / "bin"

    @property
    def settings(self) -> Path:
        """The machine's settings, which people edit."""
        return self.root / "cfg" / "cockpitpm" / "machine.yaml"

    @property
    def var(self) -> Path:
        """Our own durable state."""
        return self.root / "var" / "cockpitpm"

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

    def job(self, number: int) -> Path:
        """The folder of one job."""
        return self.jobs / str(number)

    def binary(self, name: str) -> Path:
        """The path that services execute."""
        return self.bin / name

    def app(self, app: str) -> Path:
        """The folder of one app: generations, live copies, `current`."""
        return self.apps / app

    def generation(self, app: str, number: int) -> Path:
        """The file of one generation."""
        return self.app(app) / f"{number}.json"

    def current(self, app: str) -> Path:
        """The link whose one rename changes every binary of the app."""
        return self.app(app) / "current"

    def live(self, app: str) -> Path:
        """The folder of executable copies."""
        return self.app(app) / "live"

    def blob(self, sha256: str) -> Path:
        """The stored bytes of this hash."""
        return self.store / sha256

    def link_text(self, app: str, binary: str) -> str:
        """What our link at `bin/<binary>` says."""
        return f"../var/cockpitpm/apps/{app}/current/{binary}"
