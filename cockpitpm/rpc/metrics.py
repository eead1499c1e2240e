"""What the server counts, for Prometheus: calls, and how the machine looked when it was last looked at."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from cockpitpm.app.engine import Engine, View
from cockpitpm.errors import CockpitPmError
from cockpitpm.model.job import JobState
from cockpitpm.model.service import ServiceState
from cockpitpm.model.status import AppReport, Note

FRESH = 15.0
"""Seconds: a scrape looks at the machine itself only if nobody has for so long."""


class Metrics:
    """The numbers of one server, in a registry of their own."""

    def __init__(self, engine: Engine) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Machine(engine))
        words = "Calls by method and result: ok, or the name of an error."
        self._calls = Counter("cockpitpm_rpc_requests", words, ("method", "result"), registry=self._registry)

    def count(self, method: str, result: str) -> None:
        """One more call."""
        self._calls.labels(method, result).inc()

    def text(self) -> bytes:
        """Everything, in the text format. May look at the machine, so it may wait for disk."""
        return generate_latest(self._registry)


class _Machine(Collector):
    """Reads the gauges from the engine when they are asked for."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: to register must not look at the machine."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges. A machine that cannot be read says only that."""
        last = self._engine.last()
        try:
            view = self._engine.view(FRESH)
        except CockpitPmError:
            view = None
        yield GaugeMetricFamily("cockpitpm_readable", "Whether the machine could be looked at.", value=view is not None)
        if last or view:
            words = "Seconds since the machine was last looked at, before this."
            yield GaugeMetricFamily("cockpitpm_last_look_seconds", words, value=last[1] if last else 0)
        if view:
            yield from _gauges(view)


def _gauges(view: View) -> Iterator[GaugeMetricFamily]:
    apps = Tally("installed" if app.generation else "absent" for app in view.report.apps)
    notes = Tally(note for app in view.report.apps for note in _notes(app))
    services = Tally(s.state.value for app in view.report.apps for s in app.services)
    jobs = Tally(job.state.value for job in view.jobs)
    yield _by("cockpitpm_apps", "Apps by state.", "state", apps, ("installed", "absent"))
    yield _by("cockpitpm_app_notes", "Apps that have a note.", "note", notes, [n.value for n in Note])
    states = [s.value for s in ServiceState]
    yield _by("cockpitpm_services", "Services by the supervisor's word.", "state", services, states)
    yield _by("cockpitpm_jobs", "Jobs that are kept, by state.", "state", jobs, [s.value for s in JobState])


def _notes(app: AppReport) -> set[str]:
    """Each note of an app once, however many of its services have it."""
    return {r.note.value for r in (*app.remarks, *(r for service in app.services for r in service.remarks))}


def _by(name: str, words: str, label: str, tally: Tally[str], every: Iterable[str]) -> GaugeMetricFamily:
    """A gauge with a line for each word, those that nothing has too."""
    family = GaugeMetricFamily(name, words, labels=(label,))
    for word in every:
        family.add_metric((word,), tally[word])
    return family
