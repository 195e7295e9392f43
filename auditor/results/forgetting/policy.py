"""The numbers that turn the figures of a series into states, fixed before any score is read."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditor.core.record import Record
from auditor.results.policy import SharedOver


def n_detection_tests(checkpoints: int) -> int:
    """Tests over which detection is corrected: one a checkpoint, and one for the change at each later one."""
    return 2 * checkpoints - 1


class ForgettingPolicy(Record):
    """Thresholds of the states. Levels and powers that `auditor check` has too are in its own policy."""

    retained_share: float = Field(default=0.8, gt=0, le=1)
    """From this share of the reference gap on, a detected trace counts as persistent, below as fading."""

    change_auc: float = Field(default=0.55, gt=0.5, lt=1)
    """Smallest AUC of the change of the loss since the origin that counts as a detection by that change."""

    equivalence_d: float = Field(default=0.3, gt=0, le=2)
    """A gap shown to be below this Cohen's d counts as none (0.3 is an AUC of about 0.58)."""

    equivalence_alpha: float = Field(default=0.05, gt=0, lt=0.5)
    """Level of the equivalence test."""

    inverted_auc: float = Field(default=0.45, gt=0, le=0.5)
    """A suspect set that scores worse than held-out counts as over-corrected only below this AUC."""

    collapse_ratio: float = Field(default=1.25, gt=1)
    """A model has collapsed where the interval of its loss on general text lies above this multiple of the origin's."""

    placebo_alpha: Annotated[float, SharedOver.PLACEBO] = Field(default=0.002, gt=0, lt=0.5)
    """Level at which the placebo set counts as different from held-out, over all checkpoints."""

    relearn_alpha: Annotated[float, SharedOver.INTERVENTION] = Field(default=0.01, gt=0, lt=0.5)
    """Level at which an intervention counts as having restored the trace, over all interventions."""
