"""The outcome of a guard, as it is written to a result."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Number, Record, Share

Status = Literal["passed", "failed", "not run"]


class GuardFigure(Record):
    """One figure of a guard: its name, its value, and the limit it was compared with, if any."""

    name: str
    value: Number
    limit: Number | None = None


class GuardResult(Record):
    """The outcome of a guard."""

    name: str
    """Short name, in kebab case."""

    question: str
    """The question it answers, one sentence."""

    status: Status
    """passed, failed or not run."""

    reason: str
    """The finding, in one plain sentence."""

    remediation: str = ""
    """How to remedy a failure, or how to have the guard run; empty when passed."""

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
