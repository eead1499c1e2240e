"""The scenes, in order. Each shows commands and then proves what it says, by other ways than those commands."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.declare.catalog import resolve
from cockpitpm.declare.data import bundles_folder
from cockpitpm.errors import ExitCode
from cockpitpm.model.bundle import Layer
from cockpitpm.model.receipt import Outcome
from cockpitpm.model.role import Role
from cockpitpm.sandbox.daemons import Behaviour
from cockpitpm.sandbox.demo.line import Line
from cockpitpm.sandbox.demo.stage import Stage
from cockpitpm.sandbox.demo.view import View, alive

ADMIN_APPS = ("hero_compute", "hero_embedder_provider", "hero_tfgrid_deployer", "hero_voice_provider")
REQUIRED = ("hero_db", "hero_router")
APP = "hero_compute"
ROW = "my_compute_zos_main_server"


@frozen(kw_only=True)
class Story:
    """What the scenes share: where to tell, whom to order, where to look."""

    stage: Stage
    line: Line
    view: View

    def tell(self) -> None:
        """All of it. Raises Untrue where a claim does not hold."""
        self.catalogs()
        self.installation()
        self.upgrade()
        self.broken_build()
        self.records()

    def catalogs(self) -> None:
        """What each role may have."""
        self.stage.scene(
            "What a machine may have",
            "Every app is one YAML file. The role decides which of them a machine sees: a tester's machine the base"
            " layer, an admin's machine the admin layer too. This one is an admin's.",
        )
        self.stage.run("catalog")
        self.stage.run("catalog", "--role", "tester", tail=1)
        tester, admin = (resolve(bundles_folder(), role) for role in (Role.TESTER, Role.ADMIN))
        same = tester.bundles == tuple(b for b in admin.bundles if b.layer is Layer.BASE)
        sizes = (len(tester.bundles), len(admin.bundles))
        self.stage.claim("17 apps for a tester, and the same 17 with 4 more for an admin", same and sizes == (17, 21))

    def installation(self) -> None:
        """The four admin bundles and what they require."""
        self.stage.scene(
            "The four admin apps",
            f"They require {' and '.join(REQUIRED)}, which come along. Every service is started, asked whether it"
            " works, and watched for two seconds more.",
        )
        self.stage.run("install", *ADMIN_APPS, "--yes")
        apps = self.view.installed()
        self.stage.claim(f"{len(apps)} apps are installed", apps == tuple(sorted(ADMIN_APPS + REQUIRED)), apps)
        unwell = self.view.unwell()
        self.stage.claim(f"{len(self.view.services())} services run what the receipts name", not unwell, unwell)
        odd = [app for app in apps if not self._same_bytes(app)]
        self.stage.claim("every installed file has the md5 of its receipt and of the published file", not odd, odd)
        self._nodes()

    def upgrade(self) -> None:
        """One row, one download, three services."""
        before, asked = self.view.answers(APP), len(self.line.downloads())
        commit = self.line.publish(APP, "1.1")
        self.stage.scene(
            "A new build",
            f"CI publishes {APP} 1.1 from commit {commit[:7]}: the channel's tag moves, the file is replaced."
            " One binary, three services, one for each chain; any of their names leads to the upgrade.",
        )
        self.stage.run("plan", APP)
        self.stage.run("upgrade", ROW, "--yes")
        fetched = self.line.downloads()[asked:]
        self.stage.claim(f"one download: {' '.join(fetched)}", fetched == list(self.line.files(APP)), fetched)
        after = self.view.answers(APP)
        builds = {(a.version, a.commit) for a in after.values()}
        self.stage.claim(f"the three services answer as 1.1 ({commit[:7]})", builds == {("1.1", commit)}, builds)
        old = alive(a.pid for a in before.values())
        self.stage.claim("their old processes have ended, also those behind wrapper scripts", not old, old)
        self._same_file()
        self._nodes()

    def broken_build(self) -> None:
        """A build that falls over goes back by itself."""
        before, file = self.view.answers(APP), self.view.files(APP)
        commit = self.line.publish(APP, "1.2", Behaviour.CRASHES)
        self.stage.scene(
            "A broken build",
            f"1.2 from commit {commit[:7]} starts, answers well, and crashes half a second later. One service goes"
            " first, as the canary; the others are not touched before it has stayed up.",
        )
        self.stage.run("upgrade", APP, "--yes", expect=ExitCode.ROLLED_BACK)
        after = self.view.answers(APP)
        self.stage.claim("the three services answer as 1.1", {a.version for a in after.values()} == {"1.1"}, after)
        moved = [name for name in after if after[name].pid != before[name].pid]
        self.stage.claim("only the canary has a new process; the others never stopped", len(moved) == 1, moved)
        self.stage.claim("the file of 1.1 is back in its place", self.view.files(APP) == file)
        self.stage.run("plan", APP, expect=ExitCode.REFUSED)

    def records(self) -> None:
        """What was written down."""
        self.stage.scene("What was written down", "Four separate truths about each service, the receipts, the history.")
        self.stage.run("status", APP)
        self.stage.run("receipts", APP)
        self.stage.run("history")
        told = [(entry.app, entry.outcome) for entry in self.view.history()]
        newest = [(APP, Outcome.ROLLED_BACK), (APP, Outcome.COMMITTED)]
        whole = told[:2] == newest and len(told) == 2 + len(ADMIN_APPS + REQUIRED)
        self.stage.claim("the history tells all of it, and its chain of hashes is whole", whole, told)

    def _same_bytes(self, app: str) -> bool:
        published = self.line.files(app)
        return self.view.receipts(app) == self.view.files(app) == published

    def _same_file(self) -> None:
        md5 = next(iter(self.line.files(APP).values()))
        found = (self.view.receipts(APP), self.view.files(APP))
        self.stage.claim(f"md5 {md5}: published, recorded, installed", self._same_bytes(APP), found)

    def _nodes(self) -> None:
        nodes = self.view.nodes()
        chains = sorted({chain for chain, _ in nodes})
        holds = len(nodes) == 9 and chains == ["main", "qa", "test"]
        self.stage.claim("list_nodes of the deployer: 9 nodes on main, qa and test", holds, nodes)
