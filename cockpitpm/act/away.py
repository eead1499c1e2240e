"""For how long a transaction takes services away, by the machine's own clock."""

from __future__ import annotations


class Away:
    """The services of one transaction that are away, or were. Moments are seconds of a monotonic clock.

    It lives as long as the process that carries the transaction out: of a service that was stopped by one that died,
    nobody can tell for how long it was away.
    """

    def __init__(self) -> None:
        self._since: dict[str, float] = {}
        self._lasted: dict[str, float] = {}

    def left(self, service: str, at: float) -> None:
        """It runs, and is now asked to stop. Whoever is away already stays so since then."""
        self._since.setdefault(service, at)

    def waits_for(self, service: str) -> bool:
        """Whether it was taken away and is not back."""
        return service in self._since

    def returned(self, service: str, at: float) -> None:
        """It is ready. Whoever was not away has been here all the time."""
        if service in self._since:
            self._lasted[service] = self._lasted.get(service, 0.0) + at - self._since.pop(service)

    def lasted(self, service: str) -> int | None:
        """For how many milliseconds it was away in all; None if it never was, or still is."""
        if service in self._since or service not in self._lasted:
            return None
        return round(self._lasted[service] * 1000)
