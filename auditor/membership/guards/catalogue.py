"""Every guard, in the order of the report."""

from __future__ import annotations

from collections.abc import Callable

import auditor.membership.guards
from auditor.core.registry import discover
from auditor.membership.guards.guard import Guard
from auditor.results.policy import Policy


def all_guards() -> tuple[Guard, ...]:
    """The guards of this package by their order."""
    return tuple(sorted(discover(auditor.membership.guards, Guard), key=lambda guard: guard.order))


def guards_where(condition: Callable[[Guard], bool]) -> frozenset[str]:
    """Names of the guards that meet a condition on their attributes."""
    return frozenset(guard.name for guard in all_guards() if condition(guard))


def guard_alphas(policy: Policy) -> dict[str, float]:
    """Level by guard, for those that may fail by chance on sound input; the sum bounds the rate of false alarms."""
    return {guard.name: guard.level(policy) for guard in all_guards() if guard.level(policy) > 0}
