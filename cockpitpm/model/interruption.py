"""For how long a change is expected to take services away, going by how long it took before."""

from __future__ import annotations

from attrs import frozen


@frozen(kw_only=True)
class ServiceInterruption:
    """One service that runs and will be restarted.

    `expected_ms` is in milliseconds, from the moment it is asked to stop until it answers again; None where none of its
    restarts was measured. `restarts` is how many measurements that rests on.
    """

    service: str
    expected_ms: int | None
    restarts: int


@frozen(kw_only=True)
class Interruption:
    """The services of one app in the order in which they go away. `total_ms` is for how long at least one of them is
    away, in milliseconds; None where that is not known of each."""

    services: tuple[ServiceInterruption, ...]
    total_ms: int | None
