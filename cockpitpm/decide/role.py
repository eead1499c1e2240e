"""Which role a machine has. Pure: whoever calls looks into environment and files, and hands on what stands there."""

from __future__ import annotations

from collections.abc import Sequence

from cockpitpm.model.role import Role, RoleChoice, RoleLevel

_TESTER = frozenset({"tester", "member"})


def decide_role(levels: Sequence[RoleLevel]) -> RoleChoice:
    """The role that the first level with a value decides, however odd its value: no level below is asked then.

    `levels` come most explicit first. Only the exact word `admin` is admin. An empty string is a value. Any word but
    `tester` and `member` is tester with a warning. `decided_by` is `default` when no level has a value.
    """
    looked_at = tuple(levels)
    for level in looked_at:
        if level.value is not None:
            return _by(level, level.value, looked_at)
    return RoleChoice(role=Role.TESTER, decided_by="default", levels=looked_at)


def _by(level: RoleLevel, value: str, levels: tuple[RoleLevel, ...]) -> RoleChoice:
    if value == Role.ADMIN.value:
        return RoleChoice(role=Role.ADMIN, decided_by=level.source, levels=levels)
    return RoleChoice(role=Role.TESTER, decided_by=level.source, levels=levels, warning=_warning(level.source, value))


def _warning(source: str, value: str) -> str:
    if value in _TESTER:
        return ""
    return f"{source} says {value!r}, which is no role; this machine is a tester (the admin role is exactly 'admin')"
