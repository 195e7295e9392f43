"""The thresholds of a test of dealt material; its level is that of the commitment."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from auditor.core.record import Record, Usage


class DealtPolicy(Record):
    """Every threshold of a test of dealt material but its level."""

    power: float = Field(default=0.8, gt=0.5, lt=1)
    """Power at which the detectable effect is stated."""

    required_auc: Annotated[float, Usage()] = Field(default=0.65, gt=0.5, lt=1)
    """Effect, as the chance that published text scores above withheld text, that a test must be able to detect with
    the required power before it says NO EVIDENCE."""

    most_unscored: float = Field(default=0.05, gt=0, lt=1)
    """Largest share of units that may have no score."""

    most_alike: float = Field(default=0.1, gt=0, lt=1)
    """Largest share of units of which two candidates may have the same tokens."""

    least_surviving: float = Field(default=0.9, gt=0, le=1)
    """Share of published candidates in the published copy below which the loss of power is pointed out."""
