"""What the channels hold; one forge that fails is the news of its own apps only."""

from __future__ import annotations

from attrs import evolve

from cockpitpm.errors import ExitCode, ForgeUnreachable, ReleaseNotReady
from cockpitpm.model.bundle import Bundle, Repo
from cockpitpm.model.facts import Unavailable
from cockpitpm.observe.releases import Question, releases
from cockpitpm.ports import Forge
from tests.cases.scene import bundles
from tests.sim.forge import ForgeSim

DUO, DB, WEB = bundles()["duo"], bundles()["db"], evolve(bundles()["web"], repo=Repo(name="web", forge="mirror"))


def asked(bundle: Bundle, channel: str = "latest") -> Question:
    return Question(app=bundle.name, repo=bundle.repo, channel=channel)


def test_nobody_is_asked_about_nothing() -> None:
    assert releases(lambda repo: ForgeSim(), ()) == {}


def test_every_app_gets_its_answer_from_its_own_forge() -> None:
    forges = {"default": ForgeSim(), "mirror": ForgeSim()}
    released = forges["default"].publish("duo", "latest", {"x": b"1"})
    forges["mirror"].down = ForgeUnreachable("the mirror does not answer", "Look at it")

    def forge(repo: Repo) -> Forge:
        return forges[repo.forge]

    found = releases(forge, [asked(DUO), asked(DB), asked(WEB, "beta")])
    assert list(found) == ["duo", "db", "web"]
    assert found["duo"] == released
    missing, broken = found["db"], found["web"]
    assert isinstance(missing, Unavailable) and "no release latest of owner/db" in missing.message
    assert broken == Unavailable(message="the mirror does not answer", hint="Look at it", exit_code=ExitCode.FORGE)
    assert forges["default"].requests.count("release duo latest") == 1


def test_a_draft_is_waited_for() -> None:
    forge = ForgeSim()
    forge.down = ReleaseNotReady("it is a draft", "Wait")
    found = releases(lambda repo: forge, [asked(DUO)])["duo"]
    assert isinstance(found, Unavailable) and found.waiting
