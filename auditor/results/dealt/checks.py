"""The outcome of a check of a test of dealt material."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Record
from auditor.results.guards import GuardFigure

PlanCheckStatus = Literal["passed", "failed", "warning", "not run"]
"""A failure takes the verdict away; a warning says what the result cannot show or how its power suffers."""

SEALED = (
    "Sealed scores SHA-256 {}: compare it with the digest that the provider published before the coins were opened; "
    "whoever has the coins and the file can seal anew."
)
"""What a reader does about scores of another party."""


class PlanCheck(Record):
    """One condition of the test and whether it holds."""

    name: str
    """Short name, in kebab case: the reason code of a refusal is `check:NAME`."""

    question: str
    """The question it answers, one sentence."""

    status: PlanCheckStatus
    reason: str
    """The finding, in one plain sentence."""

    remediation: str = ""
    """What would change it; empty where it passed."""

    figures: tuple[GuardFigure, ...] = ()
    """The numbers behind the finding that are no figures of the result otherwise."""
