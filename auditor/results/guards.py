"""What a guard found, as it is written to a result."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Number, Record, Share

Status = Literal["passed", "failed", "not run"]


class GuardFigure(Record):
    """One figure a guard looked at: its name, its value, and the limit it was held against, if any."""

    name: str
    value: Number
    limit: Number | None = None


class GuardResult(Record):
    """What a guard found."""

    name: str
    """Short name, in kebab case."""

    question: str
    """What the guard asks, one sentence."""

    status: Status
    """passed, failed or not run."""

    reason: str
    """One plain sentence: what was seen."""

    remediation: str = ""
    """What would mend it, or how to have it run; empty when passed."""

    blind_spots: str
    """What this guard cannot see."""

    figures: tuple[GuardFigure, ...] = ()
    """Every number behind the decision with its limit."""

    auc: Share | None = None
    """For guards that ask the engine: AUC of text, control, and so on; None elsewhere."""

    auc_low: Share | None = None
    """Lower end of its 95 % interval."""

    auc_high: Share | None = None
    """Upper end of its 95 % interval."""

    p_value: Share | None = None
    """The guard's own p-value where it has one."""
