"""What was claimed of the admin's machine: that it upgrades its own services, and how one knew."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from attrs import frozen

from cockpitpm.sandbox.daemons import stamp_of
from cockpitpm.sandbox.demo.claims_cockpit import NOTES
from cockpitpm.sandbox.demo.ledger import Ledger, seen
from cockpitpm.sandbox.demo.line import Line
from cockpitpm.sandbox.demo.pair import Machine, Standing
from cockpitpm.sandbox.demo.stage import Teller
from cockpitpm.sandbox.demo.view import alive, md5sum

DEPLOYER, COMPUTE, EMBEDDER, VOICE = (
    "hero_tfgrid_deployer",
    "hero_compute",
    "hero_embedder_provider",
    "hero_voice_provider",
)
ADMIN_APPS = (DEPLOYER, COMPUTE, EMBEDDER, VOICE)
ROW = "my_compute_zos_main_server"
CHAINS = ("/hero_compute/rpc", "/hero_compute_main/rpc", "/hero_compute_testnet/rpc")
DEPLOYER_RPC = "/hero_tfgrid_deployer/rpc"
DEPLOYER_DOORS = (DEPLOYER_RPC, "/hero_tfgrid_deployer/admin/rpc")
EMBEDDER_HEALTH = "/hero_embedder_provider/rpc/health"
STALE = "linux-musl-x86_64"


@frozen(kw_only=True)
class AdminClaims:
    """The deeds on the admin's machine, each with what it was proved by."""

    teller: Teller
    ledger: Ledger
    line: Line
    machine: Machine

    def catalog(self) -> None:
        """What Cockpit offers and what is there."""
        self.ledger.part("Admin machine")
        self.machine.say("cockpit.list_catalog")
        self.ledger.check("cockpit.list_catalog shows 21 apps", self._offered)
        self.ledger.check("all four admin bundles are marked installed", self._marked)

    def deployer(self) -> None:
        """The service that could only be updated by hand."""
        self.teller.scene("The deployer, from Cockpit", "CI publishes 1.1 of both its binaries.")
        commit, before = self.line.publish(DEPLOYER, "1.1"), self.machine.standings(DEPLOYER_DOORS)
        job = self.machine.order("upgrade_service", DEPLOYER)
        self.ledger.check(
            "the deployer is upgraded from Cockpit, and restarts",
            lambda: self._restarted(job["state"], DEPLOYER_DOORS, before, commit),
        )
        self.ledger.check("both binaries md5-equal to the release's assets", lambda: self._equal(DEPLOYER))
        self.ledger.check("receipts written: tag, commit, md5", lambda: self._receipts(DEPLOYER, commit))
        self.ledger.check("list_nodes answers, all three chain daemons healthy", self._chains)

    def compute(self) -> None:
        """One binary under three services."""
        self.teller.scene("The chain daemons, from the row of main", "One binary, three services, one for each chain.")
        commit, before = self.line.publish(COMPUTE, "1.1"), self.machine.standings(CHAINS)
        asked = len(self.line.downloads())
        job = self.machine.order("upgrade_service", ROW)
        self.ledger.check(
            f"hero_compute is upgraded from the {ROW} row",
            lambda: self._restarted(job["state"], CHAINS, before, commit),
        )
        self.ledger.check("one asset downloaded", lambda: self._fetched(asked, 1, "my_compute_zos_server-"))
        self.ledger.check("all three chain daemons run the new bytes", self._new_bytes)
        self.ledger.check("receipt written: tag, commit, md5", lambda: self._receipts(COMPUTE, commit))
        self.ledger.check("9 of 9 nodes online across main, test and qa", self._nodes)

    def engine(self) -> None:
        """A release in which a file was left behind that is preferred elsewhere."""
        commit = self.line.publish(EMBEDDER, "1.1")
        left = self.line.leave_behind(EMBEDDER, STALE)
        self.teller.scene(
            "An engine, beside files that nobody deleted",
            f"The repository builds for glibc only. {len(left)} musl files of a day before lie beside the fresh ones.",
        )
        before = self.machine.services(EMBEDDER)
        asked = len(self.line.downloads())
        job = self.machine.order("upgrade_service", EMBEDDER)
        self.ledger.check(
            "the embedder is upgraded from Cockpit",
            lambda: self._new_pids(job["state"], EMBEDDER, {n: row["pid"] for n, row in before.items()}),
        )
        self.ledger.check(
            "the fresh gnu build is taken, not the stale musl one", lambda: self._fetched(asked, 2, "gnu")
        )
        self.ledger.check("binary md5-equal to the fresh build", lambda: self._equal(EMBEDDER, without=left))
        self.ledger.check("its auth gate stays closed: 401", self._gate)
        self.ledger.open("models loaded, memory at its baseline", "a stand-in holds no models")
        self.ledger.check(
            "note 4: the receipt names the asset really installed, with its md5",
            lambda: self._receipts(EMBEDDER, commit, only="-linux-gnu-x86_64"),
        )

    def stale_release(self) -> None:
        """Freshness before the click."""
        self.teller.scene("A stale release", "The tag moves to a commit of now; its files were built an hour before.")
        self.ledger.part(NOTES)
        before = self._in_place(VOICE)
        commit = self.line.publish_late(VOICE, "1.1")
        asked = len(self.line.downloads())
        self.machine.say(f'cockpit.upgrade_service {{"service": "{VOICE}", "dry_run": true}}')
        self.ledger.check("note 2: freshness is confirmed before the click", lambda: self._refusal_planned(commit[:12]))
        job = self.machine.order("upgrade_service", VOICE)
        self.ledger.check(
            "note 2: the click on a stale release changes nothing",
            lambda: seen(
                job["state"] == "refused" and self._in_place(VOICE) == before and len(self.line.downloads()) == asked,
                "refused; no download, same processes, same files",
                job,
            ),
        )

    def _in_place(self, app: str) -> dict[str, Any]:
        """What runs and what is on disk. What is known of the channel may grow: a refused upgrade has read it."""
        rows = self.machine.services(app)
        return {n: (r["pid"], r["build"], {**r["truths"], "channel": None}) for n, r in rows.items()}

    def _offered(self) -> str:
        layers = [app["layer"] for app in self.machine.catalog().values()]
        told = f"{len(layers)} apps: {layers.count('base')} of the base, {layers.count('admin')} of the admin layer"
        return seen((layers.count("base"), layers.count("admin"), len(layers)) == (17, 4, 21), told)

    def _marked(self) -> str:
        apps = self.machine.catalog()
        here = [name for name in ADMIN_APPS if apps[name]["installed"] and not apps[name]["partial"]]
        rows = {name: row for app in ADMIN_APPS for name, row in self.machine.services(app).items()}
        unwell = [name for name, row in rows.items() if row["state"] != "running"]
        told = f"{len(here)} installed, their {len(rows)} services run"
        return seen(len(here) == 4 and not unwell, told, f"{here}, unwell: {unwell}")

    def _restarted(self, state: str, paths: tuple[str, ...], before: Mapping[str, Standing], commit: str) -> str:
        after = self.machine.standings(paths)
        old = alive(one.pid for one in before.values())
        new = all(after[p].pid != before[p].pid and after[p].commit == commit for p in paths)
        moved = ", ".join(f"{before[p].pid} → {after[p].pid}" for p in paths)
        return seen(state == "done" and new and not old, f"{commit[:7]} answers; pids {moved}", (state, after, old))

    def _new_pids(self, state: str, app: str, before: Mapping[str, int]) -> str:
        after = {name: row["pid"] for name, row in self.machine.services(app).items()}
        holds = (
            state == "done" and all(after[n] and after[n] != before[n] for n in before) and not alive(before.values())
        )
        told = ", ".join(f"{before[n]} → {after[n]}" for n in before)
        return seen(holds, f"pids {told}", (state, before, after))

    def _equal(self, app: str, without: list[str] | None = None) -> str:
        published = {name: md5 for name, md5 in self.line.files(app).items() if name not in (without or [])}
        installed = self.machine.installed(app)
        told = ", ".join(f"{_short(md5)}" for _, md5 in sorted(installed.items()))
        return seen(bool(installed) and installed == published, f"md5 {told} in both places", (installed, published))

    def _receipts(self, app: str, commit: str, only: str = "") -> str:
        found, files = self.machine.receipts(app), self.line.files(app)
        right = [r["commit"] == commit and r["tag"] and r["md5"] and r["md5"] == files.get(r["asset"]) for r in found]
        named = all(r["asset"].endswith(only) for r in found)
        one = found[0]
        told = f"{one['asset'] if only else one['tag']}, {one['commit'][:7]}, md5 {_short(one['md5'])}"
        more = f", and {len(found) - 1} more" if len(found) > 1 else ""
        return seen(all(right) and named, told + more, found)

    def _fetched(self, asked: int, number: int, word: str) -> str:
        names = self.line.downloads()[asked:]
        return seen(len(names) == number and all(word in n for n in names), f"forge: {', '.join(names)}", names)

    def _chains(self) -> str:
        told = self.machine.guest.rpc(DEPLOYER_RPC, "list_nodes")
        well = sorted(chain["chain"] for chain in told["chains"] if chain["healthy"])
        return seen(well == ["main", "qa", "test"], f"through the router: {', '.join(well)} healthy", told)

    def _nodes(self) -> str:
        nodes = self.machine.guest.rpc(DEPLOYER_RPC, "list_nodes")["nodes"]
        online = [node for node in nodes if node["online"]]
        chains = sorted({node["chain"] for node in online})
        holds = len(nodes) == len(online) == 9 and chains == ["main", "qa", "test"]
        return seen(holds, f"{len(online)} of {len(nodes)} online on {', '.join(chains)}", nodes)

    def _new_bytes(self) -> str:
        (md5,) = self.line.files(COMPUTE).values()
        images = {one.pid: _image(one.pid) for one in self.machine.standings(CHAINS).values()}
        differ = [pid for pid, image in images.items() if image != md5]
        return seen(len(images) == 3 and not differ, f"/proc/PID/exe of all three has md5 {_short(md5)}", images)

    def _gate(self) -> str:
        page = self.machine.guest.page(EMBEDDER_HEALTH)
        # The router asks for a token too, in words of its own: this must be the answer of the engine.
        return seen(page.status == 401 and '"Unauthorized"' in page.text, f"401 at {EMBEDDER_HEALTH}", page)

    def _refusal_planned(self, commit: str) -> str:
        plan = self.machine.guest.cockpit("upgrade_service", service=VOICE, dry_run=True)["plan"]
        (decision,) = (app["decision"] for app in plan["apps"] if app["app"] == VOICE)
        holds = decision["is"] == "refused" and decision["reason"] == "stale_asset" and commit in decision["evidence"]
        return seen(holds, f"refused: {decision.get('evidence', '')}", decision)


def _short(md5: str) -> str:
    return f"{md5[:8]}…"


def _image(pid: int) -> str:
    """The md5 of the program that a process executes: of an ELF file, or of the script that an interpreter runs."""
    exe = Path(f"/proc/{pid}/exe")
    if stamp_of(exe.read_bytes()):
        return md5sum(exe)
    words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    script = next(word for word in words[1:] if word.startswith(b"/"))
    # A script can be read from its file only; that it is the one that was started, its own answer has told.
    return hashlib.md5(Path(script.decode()).read_bytes(), usedforsecurity=False).hexdigest()
