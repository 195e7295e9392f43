"""Every guard, in the order of the report."""

from __future__ import annotations

import auditor.membership.guards
from auditor.core.registry import discover
from auditor.membership.guards.guard import Guard
from auditor.results.policy import Policy


def all_guards() -> tuple[Guard, ...]:
    """The guards of this package by their order."""
    return tuple(sorted(discover(auditor.membership.guards, Guard), key=lambda guard: guard.order))


def guard_alphas(policy: Policy) -> dict[str, float]:
    """The level of each guard that tests on sound input; their sum bounds the rate of false alarms."""
    return {guard.name: guard.level(policy) for guard in all_guards() if guard.level(policy) > 0}
