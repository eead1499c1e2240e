"""What a saved plan rests on, and the plan as it is saved."""

from __future__ import annotations

from attrs import frozen

from cockpitpm.model.plan import Plan, Request


@frozen(kw_only=True)
class Binding:
    """Everything that must still be so when a saved plan is carried out: what it is called, and what it was.

    The more telling come first. A value is a word, or digests where the thing itself is long or may hold a secret.
    Process numbers, ages and free space are no part of it.
    """

    facts: tuple[tuple[str, str], ...] = ()


@frozen(kw_only=True)
class SavedPlan:
    """A plan in a file. `root` is the machine it was made for, `request` what it answers: it is answered again before
    anything is done.
    """

    made_at: str
    root: str
    request: Request
    plan: Plan
    binding: Binding
