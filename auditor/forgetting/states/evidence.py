"""Evidence: what is known of a checkpoint before its state, and the figures that decide it."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.forgetting.findings.contrast import Contrast
from auditor.forgetting.findings.drift import Wreckage
from auditor.forgetting.findings.relearning import Relearning
from auditor.forgetting.findings.series import Detection
from auditor.forgetting.policy import ForgettingPolicy
from auditor.guards.guard import Figure
from auditor.guards.policy import Policy


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of one checkpoint before its state.

    Attributes:
        name: The checkpoint.
        position: Its place in the series; 0 is the origin.
        reference: Place of the first checkpoint at which the suspect set is detected; None where it never is.
        detection: The engine and the guards.
        suspect: The suspect set against held-out.
        wreckage: Whether the model got far worse; None at the origin.
        relearning: The interventions; None where they were not run.
        placebo_p: The engine on the placebo set, over all checkpoints; None without one.
    """

    name: str
    position: int
    reference: int | None
    detection: Detection
    suspect: Contrast
    wreckage: Wreckage | None
    relearning: Relearning | None
    placebo_p: float | None = None

    @property
    def shown_before(self) -> bool:
        """Whether the suspect set was detected at an earlier checkpoint."""
        return self.reference is not None and self.reference < self.position

    @property
    def wrecked(self) -> bool:
        """Whether the model got far worse at everything."""
        return self.wreckage is not None and self.wreckage.wrecked

    def inverted(self, policy: Policy, forgetting: ForgettingPolicy) -> bool:
        """Whether the suspect set scores worse than held-out, and came to do so since the origin.

        A difference that was there at the origin may be one of the texts; it takes a change to speak of training.
        """
        contrast = self.suspect
        changed = contrast.did_p_adjusted is not None and contrast.did_p_adjusted <= policy.alpha
        return (
            changed
            and contrast.gap_p_adjusted <= policy.alpha
            and contrast.gap.value < 0
            and contrast.auc.high < 0.5
            and contrast.auc.value < forgetting.inverted_auc
        )

    @property
    def seen(self) -> str:
        """The figures of the detection, for a sentence."""
        found, contrast = self.detection, self.suspect
        return (
            f"engine p = {found.p_adjusted:.2g} over all checkpoints, gap {contrast.gap.value:.3f} bits per byte "
            f"({contrast.gap.low:.3f} to {contrast.gap.high:.3f}), AUC of the loss {contrast.auc.value:.2f}"
        )


def deciding_figures(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> tuple[Figure, ...]:
    """Every figure that decides, with its limit."""
    found, contrast = evidence.detection, evidence.suspect
    figures = [
        Figure(name="engine p-value, over all checkpoints", value=found.p_adjusted, limit=policy.alpha),
        Figure(name="p-value of the gap, over all checkpoints", value=contrast.gap_p_adjusted, limit=policy.alpha),
        Figure(name="AUC of the loss", value=contrast.auc.value, limit=forgetting.inverted_auc),
        Figure(
            name="p-value that the gap is beyond the margin",
            value=contrast.equivalence.p_value,
            limit=forgetting.equivalence_alpha,
        ),
    ]
    if found.detectable_auc is not None:
        figures.append(Figure(name="detectable AUC", value=found.detectable_auc, limit=policy.required_auc))
    if contrast.did_p_adjusted is not None:
        figures.append(
            Figure(
                name="p-value of the change, over all checkpoints", value=contrast.did_p_adjusted, limit=policy.alpha
            )
        )
    if evidence.placebo_p is not None:
        figures.append(Figure(name="engine p-value of the placebo set", value=evidence.placebo_p, limit=policy.alpha))
    if contrast.retained is not None:
        figures.append(
            Figure(name="share of the gap left", value=contrast.retained.value, limit=forgetting.retained_share)
        )
    if evidence.wreckage is not None:
        figures.append(
            Figure(
                name="loss over that of the origin, lower end",
                value=evidence.wreckage.ratio.low,
                limit=evidence.wreckage.limit,
            )
        )
    if evidence.relearning is not None:
        figures += [
            Figure(
                name=f"{probe.name}: p-value over all interventions",
                value=probe.p_adjusted,
                limit=forgetting.relearn_alpha,
            )
            for probe in evidence.relearning.probes
        ]
    return tuple(figures)
