"""The result of a guard, as it is written to a result file."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Number, Record, Share

Status = Literal["passed", "failed", "not run"]


class GuardFigure(Record):
    """One figure of a guard: its name, its value, and its limit, if any."""

    name: str
    value: Number
    limit: Number | None = None


class GuardResult(Record):
    """The result of a guard."""

    name: str
    """Short name, in kebab case."""

    question: str
    """What the guard asks, one sentence."""

    status: Status
    """passed, failed or not run."""

    reason: str
    """The observation, one plain sentence."""

    remediation: str = ""
    """What to change so that it passes or runs; empty when passed."""

    blind_spots: str
    """What this guard cannot detect."""

    figures: tuple[GuardFigure, ...] = ()
    """Every number behind the decision with its limit."""

    auc: Share | None = None
    """AUC of the text, a control and so on, for guards that use the engine; None elsewhere."""

    auc_low: Share | None = None
    """Lower end of its 95 % interval."""

    auc_high: Share | None = None
    """Upper end of its 95 % interval."""

    p_value: Share | None = None
    """The guard's own p-value where it has one."""
