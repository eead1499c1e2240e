"""What a machine is for, and which of the places that can say so decided it."""

from __future__ import annotations

from enum import Enum

from attrs import frozen


class Role(Enum):
    """The role of a machine. `tester` is also called member."""

    TESTER = "tester"
    ADMIN = "admin"


@frozen(kw_only=True)
class RoleLevel:
    """One place that can name the role, most explicit first. `value` is the raw text found there, None if none."""

    source: str
    value: str | None


@frozen(kw_only=True)
class RoleChoice:
    """The role, the level that decided it, every level that was looked at, and what was odd about it."""

    role: Role
    decided_by: str
    levels: tuple[RoleLevel, ...]
    warning: str = ""
