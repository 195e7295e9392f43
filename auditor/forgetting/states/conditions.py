"""StateCondition, the test of one state against the figures of a checkpoint, and one for every state but undecided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from auditor.forgetting.states.findings import CheckpointFindings
from auditor.results.forgetting.interventions import INTERVENTIONS
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Probe
from auditor.results.forgetting.series import Condition, Detection
from auditor.results.forgetting.states import Code
from auditor.results.policy import Policy

Answer = tuple[Literal["met", "not met", "not tested"], str]
"""Whether a condition is met, and the figures in a sentence."""

Test = Callable[[CheckpointFindings, Policy, ForgettingPolicy], Answer]


@dataclass(frozen=True, slots=True)
class StateCondition:
    """The condition of a state; found by discovery in `auditor/forgetting/states/`.

    Attributes:
        code: Of the state; its row is in `auditor.results.forgetting.states`.
        test: From the figures to the answer.
    """

    code: Code
    test: Test

    def check(self, findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
        """Test a checkpoint."""
        status, reason = self.test(findings, policy, forgetting)
        return Condition(code=self.code, status=status, reason=reason)


def condition(code: Code) -> Callable[[Test], StateCondition]:
    """Make a function the condition of a state."""
    return lambda test: StateCondition(code, test)


def answer(met: bool, reason: str) -> Answer:
    """Met or not met, with the reason."""
    return ("met" if met else "not met"), reason


def no(reason: str) -> Answer:
    """Not met, with the reason."""
    return "not met", reason


@condition("W")
def collapsed(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """The model lost its utility and the trace does not show."""
    loss = findings.utility_loss
    if loss is None:
        return no("The origin is what the other checkpoints are compared with.")
    text = "general text" if loss.measured_on == "general" else "held-out documents"
    ratio = (
        f"the loss on {text} is {loss.ratio.value:.2f} times that of the origin ({loss.ratio.low:.2f} to "
        f"{loss.ratio.high:.2f}; limit {loss.limit:g})"
    )
    if not loss.collapsed:
        return no(f"The model works: {ratio}.")
    if findings.detection.detected or findings.inverted(policy, forgetting):
        return no(f"The model is far worse at everything ({ratio}), but the trace still shows.")
    return answer(
        True,
        f"The model has collapsed: {ratio}. That the suspect set is not detected in it (engine p = "
        f"{findings.detection.p_adjusted:.2g}) is not forgetting. Whether it can be brought back was not tested.",
    )


@condition("A")
def never_shown(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """Detected nowhere so far, by an audit large enough to detect it."""
    detection, contrast = findings.detection, findings.suspect
    if findings.shown_before or detection.detected:
        return no("The suspect set is detected here or at an earlier checkpoint.")
    if detection.p_decisive <= policy.alpha or (contrast.gap_p_adjusted <= policy.alpha and contrast.gap.value > 0):
        return no(f"The sets differ, but not as training would make them ({findings.seen}).")
    if findings.inverted(policy, forgetting):
        return no("The suspect set scores worse than held-out text and did not at the origin.")
    if findings.risen(forgetting):
        return no(f"Never detected, and an intervention brings it out ({_p_values(findings.probes)}).")
    if detection.detectable_auc is None or detection.detectable_auc > policy.required_auc:
        reach = "none" if detection.detectable_auc is None else f"an AUC of {detection.detectable_auc:.2f}"
        return no(
            f"The audit is too small: its detectable effect is {reach}; {policy.required_auc:.2f} is required.",
        )
    trained = " Short trainings brought nothing out either." if findings.trained else ""
    return answer(
        True,
        f"No evidence of use up to this checkpoint ({findings.seen}). Had training moved all features together, an AUC "
        f"of {detection.detectable_auc:.2f} of their mean would have been seen with {policy.power:.0%} power.{trained}",
    )


@condition("B")
def acquired(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """Detected here first, with a gap that grew since the origin."""
    if findings.reference != findings.position:
        return no("This is not the first checkpoint at which the suspect set is detected.")
    if findings.position == 0:
        return no("The suspect set is detected at the origin already.")
    if not findings.clean_before:
        return no("The sets already differ at an earlier checkpoint, where that is no detection.")
    if not findings.grew(policy):
        return no("First detected here, but the gap is not shown to have grown since the origin.")
    return answer(
        True,
        f"The suspect set is detected here and at no earlier checkpoint, and its gap has grown since the origin "
        f"({findings.seen}).",
    )


@condition("C")
def persistent(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """Detected at the origin, or with the required share of the reference gap left."""
    if not findings.detection.detected:
        return no("The suspect set is not detected.")
    if findings.reference == findings.position:
        at_origin = findings.position == 0
        return answer(
            at_origin,
            f"Detected at the origin already ({findings.seen}); later gaps are stated as shares of the gap there."
            if at_origin
            else "First detected here.",
        )
    shares = findings.shares
    if shares is None:
        return no("The gap at the reference is too uncertain for a share of it.")
    persists = min(shares) >= forgetting.retained_share
    return answer(persists, f"{'The trace persists' if persists else 'Less is left'}: {_left(findings)}.")


def _left(findings: CheckpointFindings) -> str:
    """How much of the reference's gap is left, in a clause."""
    share, shares = findings.suspect.retained, findings.shares
    if share is None or shares is None or findings.whole is None:
        return "no share of the gap can be stated"
    unsure = "; the interval leaves open whether it changed" if share.low < 1 < share.high else ""
    return (
        f"{share.value:.2f} of the gap at {findings.whole[0]} is left ({share.low:.2f} to {share.high:.2f}{unsure}), "
        f"{shares[1]:.2f} of its Cohen's d ({findings.seen})"
    )


@condition("D")
def fading(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """Detected before and here, with less than the required share left."""
    if not findings.detection.detected or not findings.shown_before:
        return no("The suspect set is not detected both here and before.")
    shares = findings.shares
    if shares is None or min(shares) >= forgetting.retained_share:
        return no(f"Detected, and {_left(findings)}.")
    return answer(True, f"The trace is still detectable and is estimated to be weaker: {_left(findings)}.")


def _not_applicable(findings: CheckpointFindings, *, also_at_last: bool) -> Answer | None:
    """Why suppressed (E) or gone (F) cannot be decided at a checkpoint; None where it can."""
    if findings.detection.detected:
        return no("The suspect set is detected.")
    if findings.collapsed:
        return no("The model has collapsed.")
    if findings.trained or findings.brought_back:
        return None
    if not findings.shown_before and not (also_at_last and findings.last):
        return no("The suspect set is detected at no earlier checkpoint.")
    why = "to distinguish suppressed from no trace found takes short trainings, which --relearn runs"
    if findings.relearning is not None:
        why = " ".join(findings.relearning.not_run) or "no training was run"
    return "not tested", f"Not tested: {why}."


def _p_values(probes: Sequence[Probe]) -> str:
    """The p-value of every intervention, and the placebo's where that came back too."""
    return ", ".join(
        f"{probe.name} p = {probe.p_adjusted:.2g}"
        + (
            f" (placebo p = {probe.placebo_p_value:.2g})"
            if probe.placebo_p_value is not None and not probe.recovered and probe.placebo_p_value < 0.05
            else ""
        )
        for probe in probes
    )


@condition("E")
def suppressed(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """Not detected, and an intervention brings the trace back."""
    answered = _not_applicable(findings, also_at_last=True)
    if answered is not None:
        return answered
    p_values = _p_values(findings.probes)
    recovered = [probe for probe in findings.probes if probe.recovered]
    if not recovered:
        return no(
            f"No intervention brought back the suspect set but not unseen data ({p_values}; level "
            f"{forgetting.relearn_alpha:g}).",
        )
    best = min(recovered, key=lambda probe: probe.p_adjusted)
    peak = max(best.points[1:], key=lambda point: point.auc.value)
    if findings.detection.p_decisive <= policy.alpha:
        now = _undetected_difference(findings.detection, policy)
    elif findings.shown_before:
        now = "The suspect set is no longer distinguishable from unseen data"
    else:
        now = "The suspect set was detected at no checkpoint"
    return answer(
        True,
        f"{now}, but {INTERVENTIONS[best.name].phrase} brings it out, unlike unseen data (AUC of the loss "
        f"{best.points[0].auc.value:.2f} before, {peak.auc.value:.2f}, {peak.auc.low:.2f} to {peak.auc.high:.2f}, at "
        f"step {peak.steps}, the highest of {len(best.points) - 1} points; {p_values}): the information is still in "
        "the weights.",
    )


def _undetected_difference(detection: Detection, policy: Policy) -> str:
    """That the suspect set differs from unseen data where it is not detected, and why that is no detection."""
    if detection.p_adjusted > policy.alpha:
        return (
            "The loss of the suspect set has changed since the origin otherwise than that of unseen data, but not as a "
            "detection requires"
        )
    failed = ", ".join(guard.name for guard in detection.guards if guard.status == "failed")
    why = f"{failed} guard failed" if failed else "the placebo set stands out too"
    return f"The suspect set differs from unseen data, but not in the direction of training ({why})"


@condition("F")
def no_trace_found(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """No longer detected, shown to be small, and not brought back."""
    answered = _not_applicable(findings, also_at_last=False)
    if answered is not None:
        return answered
    if not findings.shown_before:
        return no("The suspect set is detected at no earlier checkpoint.")
    if findings.risen(forgetting):
        return no(f"An intervention brought the suspect set back ({_p_values(findings.probes)}).")
    if min(findings.detection.p_decisive, findings.suspect.gap_p_adjusted) <= policy.alpha:
        return no(f"The sets still differ ({findings.seen}).")
    equivalence = findings.suspect.equivalence
    figures = (
        f"gap {findings.suspect.gap.value:.3f} bits per byte, margin {equivalence.margin:.3f} "
        f"(d = {equivalence.margin_d:g}), equivalence p = {equivalence.p_adjusted:.2g} over all checkpoints"
    )
    if not equivalence.equivalent:
        return no(f"The gap is not shown to be small ({figures}).")
    highest = max((point.auc for probe in findings.probes for point in probe.points[1:]), key=lambda area: area.value)
    return answer(
        True,
        f"Not detectable ({figures}), and not brought back ({_p_values(findings.probes)}; the highest AUC after any of "
        f"them is {highest.value:.2f}, {highest.low:.2f} to {highest.high:.2f}). This is not a proof of deletion.",
    )


@condition("G")
def over_corrected(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Answer:
    """The suspect set came to score worse than held-out text."""
    contrast = findings.suspect
    figures = (
        f"AUC of the loss {contrast.auc.value:.2f} ({contrast.auc.low:.2f} to {contrast.auc.high:.2f}), p = "
        f"{contrast.gap_p_adjusted:.2g} over all checkpoints"
    )
    if not findings.inverted(policy, forgetting):
        return no(f"The suspect set is not shown to have come to score worse than held-out text ({figures}).")
    return answer(
        True,
        f"The suspect set came to score worse than unseen data since the origin ({figures}). That is a trace as well, "
        "of the kind that deliberate unlearning leaves.",
    )
