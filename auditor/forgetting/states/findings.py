"""CheckpointFindings: the figures of a checkpoint from which its state is decided."""

from __future__ import annotations

from dataclasses import dataclass

from auditor.results.forgetting.contrast import Contrast
from auditor.results.forgetting.drift import UtilityLoss
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Probe, Relearning
from auditor.results.forgetting.series import Detection
from auditor.results.guards import GuardFigure
from auditor.results.policy import Policy


@dataclass(frozen=True, slots=True)
class CheckpointFindings:
    """The figures of one checkpoint from which its state is decided.

    Attributes:
        name: The checkpoint.
        position: Index in the series; 0 is the origin.
        reference: Index of the first checkpoint at which the suspect set is detected; None where it never is.
        detection: The engine and the guards.
        suspect: The suspect set against held-out.
        utility_loss: Whether the model got far worse; None at the origin.
        relearning: The interventions; None where they were not run.
        whole: The reference's name and contrast; None where the suspect set is never detected.
        placebo: The placebo set against held-out; None without one.
        placebo_p: The engine on the placebo set, over all checkpoints; None without one.
        n_checkpoints: How many checkpoints there are.
        clean_before: Whether the engine finds no difference at any earlier checkpoint, with or without a failed guard.
    """

    name: str
    position: int
    reference: int | None
    detection: Detection
    suspect: Contrast
    utility_loss: UtilityLoss | None
    relearning: Relearning | None
    whole: tuple[str, Contrast] | None = None
    placebo: Contrast | None = None
    placebo_p: float | None = None
    n_checkpoints: int = 2
    clean_before: bool = True

    @property
    def last(self) -> bool:
        """Whether it is the last of the series, at which suppression is always tested."""
        return self.position == self.n_checkpoints - 1

    @property
    def probes(self) -> tuple[Probe, ...]:
        """The interventions that ran."""
        return () if self.relearning is None else self.relearning.probes

    @property
    def shown_before(self) -> bool:
        """Whether the suspect set was detected at an earlier checkpoint."""
        return self.reference is not None and self.reference < self.position

    @property
    def collapsed(self) -> bool:
        """Whether the model got far worse at everything."""
        return self.utility_loss is not None and self.utility_loss.collapsed

    @property
    def brought_back(self) -> bool:
        """Whether an intervention brought the suspect set back, and did not bring back the placebo."""
        return any(probe.recovered for probe in self.probes)

    def risen(self, forgetting: ForgettingPolicy) -> bool:
        """Whether an intervention raised the suspect set, even if it raised the placebo as well."""
        return any(probe.p_adjusted <= forgetting.relearn_alpha for probe in self.probes)

    @property
    def trained(self) -> bool:
        """Whether an intervention that trains has run; rounding alone cannot show that nothing is left."""
        return any(INTERVENTIONS[probe.name].trains for probe in self.probes)

    @property
    def shares(self) -> tuple[float, float] | None:
        """What is left of the reference's gap, in bits per byte and in standard deviations (Cohen's d).

        None where the gap of the reference is too uncertain. Bits can rise with the spread alone, so both count.
        """
        if self.suspect.retained is None or self.whole is None:
            return None
        return self.suspect.retained.value, self.suspect.effect_size.value / self.whole[1].effect_size.value

    def grew(self, policy: Policy) -> bool:
        """Whether the suspect set gained significantly more than held-out since the origin."""
        return _changed(self.suspect, policy) and _change(self.suspect) < 0

    def inverted(self, policy: Policy, forgetting: ForgettingPolicy) -> bool:
        """Whether the suspect set, and not the placebo as well, came to score worse than held-out since the origin.

        A difference that existed at the origin may be one of the texts, so a change is required. Where the placebo set
        changed the same way, training moved unseen text too.
        """
        contrast, placebo = self.suspect, self.placebo
        alike = placebo is not None and (
            (_changed(placebo, policy) and _change(placebo) > 0)
            or (placebo.gap_p_adjusted <= policy.alpha and placebo.gap.value < 0)
        )
        return (
            not alike
            and _changed(contrast, policy)
            and _change(contrast) > 0
            and contrast.gap_p_adjusted <= policy.alpha
            and contrast.gap.value < 0
            and contrast.auc.high < 0.5
            and contrast.auc.value < forgetting.inverted_auc
        )

    @property
    def seen(self) -> str:
        """The figures of the detection, for a sentence."""
        detection, contrast = self.detection, self.suspect
        change = (
            "" if detection.change is None else f", of the change since the origin {detection.change.p_adjusted:.2g}"
        )
        return (
            f"engine p = {detection.p_adjusted:.2g}{change} over all checkpoints, gap {contrast.gap.value:.3f} bits "
            f"per byte ({contrast.gap.low:.3f} to {contrast.gap.high:.3f}), AUC of the loss {contrast.auc.value:.2f}"
        )


def _changed(contrast: Contrast, policy: Policy) -> bool:
    return contrast.did_p_adjusted is not None and contrast.did_p_adjusted <= policy.alpha


def _change(contrast: Contrast) -> float:
    return 0.0 if contrast.difference_in_differences is None else contrast.difference_in_differences.value


def deciding_figures(
    findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy
) -> tuple[GuardFigure, ...]:
    """Every figure that a condition reads, with its limit and the side of the limit on which the condition holds."""
    detection, contrast = findings.detection, findings.suspect
    figures = [
        GuardFigure(name="engine p-value (Holm); detected at or below", value=detection.p_adjusted, limit=policy.alpha),
        GuardFigure(
            name="p-value of the gap (Holm); G at or below, A and F above",
            value=contrast.gap_p_adjusted,
            limit=policy.alpha,
        ),
        GuardFigure(name="AUC of the loss; G below", value=contrast.auc.value, limit=forgetting.inverted_auc),
        GuardFigure(name="upper end of that AUC; G below", value=contrast.auc.high, limit=0.5),
        GuardFigure(
            name="equivalence p-value (Holm); F at or below",
            value=contrast.equivalence.p_adjusted,
            limit=forgetting.equivalence_alpha,
        ),
    ]
    if detection.detectable_auc is not None:
        figures.append(
            GuardFigure(name="detectable AUC; A at or below", value=detection.detectable_auc, limit=policy.required_auc)
        )
    if detection.change is not None:
        change = detection.change
        figures += [
            GuardFigure(
                name="engine p-value of the change since the origin (Holm); detected at or below",
                value=change.p_adjusted,
                limit=policy.alpha,
            ),
            GuardFigure(name="AUC of that change; detected at or above", value=change.auc, limit=forgetting.change_auc),
            GuardFigure(
                name="p-value of that change beyond text and origin; detected at or below",
                value=change.p_beyond,
                limit=policy.excess_alpha,
            ),
        ]
    if contrast.did_p_adjusted is not None:
        figures.append(
            GuardFigure(
                name="p-value of the change since the origin (Holm); B and G at or below",
                value=contrast.did_p_adjusted,
                limit=policy.alpha,
            )
        )
    if findings.placebo_p is not None:
        figures.append(
            GuardFigure(
                name="engine p-value of the placebo set (Holm); refused at or below",
                value=findings.placebo_p,
                limit=forgetting.placebo_alpha,
            )
        )
    if findings.shares is not None:
        names = ("share of the gap left; C at or above", "share of Cohen's d left; C at or above")
        figures += [
            GuardFigure(name=name, value=share, limit=forgetting.retained_share)
            for name, share in zip(names, findings.shares, strict=True)
        ]
    if findings.utility_loss is not None:
        figures.append(
            GuardFigure(
                name="loss over that of the origin, lower end; W above",
                value=findings.utility_loss.ratio.low,
                limit=findings.utility_loss.limit,
            )
        )
    figures += [
        GuardFigure(
            name=f"{probe.name}: p-value (Holm over interventions); E at or below",
            value=probe.p_adjusted,
            limit=forgetting.relearn_alpha,
        )
        for probe in findings.probes
    ]
    figures += [
        GuardFigure(
            name=f"{probe.name}: p-value of the placebo; E above",
            value=probe.placebo_p_value,
            limit=forgetting.relearn_alpha,
        )
        for probe in findings.probes
        if probe.placebo_p_value is not None
    ]
    if findings.placebo is not None:
        figures.append(
            GuardFigure(
                name="p-value of the placebo's gap (Holm); G above where it is negative",
                value=findings.placebo.gap_p_adjusted,
                limit=policy.alpha,
            )
        )
    return tuple(figures)
