"""What a guard found, as it is written to a result."""

from __future__ import annotations

from typing import Literal

from auditor.core.record import Number, Record, Share

Status = Literal["passed", "failed", "not run"]


class Figure(Record):
    """One figure a guard looked at: its name, its value, and the limit it was held against, if any."""

    name: str
    value: Number
    limit: Number | None = None


class GuardResult(Record):
    """What a guard found.

    Attributes:
        name: Short name, in kebab case.
        question: What the guard asks, one sentence.
        status: passed, failed or not run.
        reason: One plain sentence: what was seen.
        mend: What would mend it, or how to have it run; empty when passed.
        misses: What this guard cannot see.
        figures: Every number behind the decision with its limit.
        auc: For guards that ask the engine: AUC of text, control, and so on; None elsewhere.
        auc_low: Lower end of its 95 % interval.
        auc_high: Upper end of its 95 % interval.
        p_value: The guard's own p-value where it has one.
    """

    name: str
    question: str
    status: Status
    reason: str
    mend: str = ""
    misses: str
    figures: tuple[Figure, ...] = ()
    auc: Share | None = None
    auc_low: Share | None = None
    auc_high: Share | None = None
    p_value: Share | None = None
