"""Which services are meant to run."""

from __future__ import annotations

from collections.abc import Mapping

from cockpitpm.model.bundle import Bundle, Service
from cockpitpm.model.facts import AppFacts
from cockpitpm.model.service import ServiceState, Wanted


def wanted_services(facts: AppFacts, bundle: Bundle) -> Mapping[str, Wanted]:
    """For each service of the bundle whether it is meant to run.

    What was stored decides, and a service that is new here is wanted. A supervisor lowers that only where it knows
    that somebody stopped the service on purpose; that it exited or failed is no such word.
    """
    return {service.name: _wanted(facts, service) for service in bundle.services}


def _wanted(facts: AppFacts, service: Service) -> Wanted:
    fact = facts.services.get(service.name)
    if service.external:
        runs = fact is not None and fact.status.state is not ServiceState.ABSENT
        return Wanted.RUNNING if runs and fact and fact.status.wanted is not Wanted.STOPPED else Wanted.STOPPED
    stored = facts.state.wanted.get(service.name, Wanted.RUNNING)
    if fact is not None and fact.status.wanted is Wanted.STOPPED and service.name in facts.state.wanted:
        return Wanted.STOPPED
    return stored
