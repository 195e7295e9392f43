"""The case: everything that the checks of a test and its verdict are decided from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

import numpy as np

from auditor.dealt.settings import Material, PlanTestSettings
from auditor.features.table import TARGET_LABEL
from auditor.inference.design import Bools
from auditor.inference.spending import checkpoint_level
from auditor.provenance.beacon import round_time
from auditor.provenance.grade import GRADES, CoinGrade, coin_grade
from auditor.provenance.records import BatchCommitment, Commitment
from auditor.results.dealt.measurements import DealtMeasurements
from auditor.results.dealt.result import Attempt


@dataclass(frozen=True, slots=True)
class DealtCase:
    """What is known once everything is scored, and before anything is decided.

    Attributes:
        settings: What was asked.
        commitment: What was committed to.
        batch: Of the opened batch.
        measurements: What was measured.
        scored: [units] whether each has a score of every candidate under every model.
        level: Level that the paid p-value has to reach.
        target: The test; None where too few units have scores.
        controls: The same under each reference alone.
        opposites: p-value under each reference alone that it prefers the other side: what was withheld.
    """

    settings: PlanTestSettings
    commitment: Commitment
    batch: BatchCommitment
    measurements: DealtMeasurements
    scored: Bools
    level: float
    target: Attempt | None = None
    controls: Mapping[str, Attempt] = field(default_factory=dict)
    opposites: Mapping[str, float] = field(default_factory=dict)

    @property
    def material(self) -> Material:
        """What is tested."""
        return self.settings.material

    @property
    def unscored(self) -> bool:
        """Whether no model was scored, as a check had failed before."""
        return not self.measurements.scores

    @property
    def stamped(self) -> datetime | None:
        """When the commitment was time-stamped, where that was verified."""
        stamp = self.measurements.coins.stamp
        return datetime.fromisoformat(stamp.time) if stamp is not None and stamp.checked == "verified" else None

    @property
    def beacon_time(self) -> datetime | None:
        """When the coins' round of public randomness was published; None where they are the owner's alone."""
        beacon = self.measurements.coins.beacon
        return None if beacon is None else round_time(beacon.round)

    @property
    def grade(self) -> CoinGrade:
        """Who made the coins, and what the p-value pays for it; a round that nobody verified counts as the owner's."""
        if self.material != "plan":
            return GRADES["file-order" if self.material == "order" else "known-law"]
        beacon, address = self.measurements.coins.beacon, self.measurements.coins.address
        verified = beacon is not None and beacon.checked == "verified"
        return coin_grade(
            beacon=self.beacon_time if verified else None, stamped=self.stamped, public=bool(address.strip())
        )

    @property
    def attempts(self) -> int:
        """Tests that could have led to EVIDENCE: batches of the plan, times two where the test by betting was chosen.

        Whoever knows the coins of every batch can try all of them in secret, and show one.
        """
        return len(self.commitment.batches) * (2 if self.settings.sequential else 1)

    @property
    def needed_p(self) -> float:
        """The p-value that reaches the level once everything is paid."""
        return self.level / 2.0**self.grade.bits / self.attempts

    @property
    def released(self) -> date | None:
        """The day on which the model was released, where that is known."""
        return None if self.settings.released is None else date.fromisoformat(self.settings.released)

    @property
    def references(self) -> tuple[str, ...]:
        """Labels of the references."""
        return tuple(label for label in self.measurements.scores if label != TARGET_LABEL)

    @property
    def n_scored(self) -> int:
        """Units with scores."""
        return int(np.count_nonzero(self.scored))


def level_of_look(alpha: float, look: int) -> float:
    """The level of one model of several on one batch: all of it where there is no other."""
    return alpha if look == 0 else checkpoint_level(look, alpha)
