"""The condition of each state but H, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from auditor.forgetting.states.findings import CheckpointFindings
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Probe
from auditor.results.forgetting.series import Code, Condition
from auditor.results.policy import Policy


def _condition(code: Code, met: bool, because: str) -> Condition:
    return Condition(code=code, status="met" if met else "not met", reason=because)


def _wrecked(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    found = evidence.utility_loss
    if found is None:
        return _condition("W", False, "The origin is what the others are measured by.")
    where = "general text" if found.measured_on == "general" else "held-out documents"
    said = (
        f"the loss on {where} is {found.ratio.value:.2f} times that of the origin ({found.ratio.low:.2f} to "
        f"{found.ratio.high:.2f}; limit {found.limit:g})"
    )
    if not found.wrecked:
        return _condition("W", False, f"The model works: {said}.")
    if evidence.detection.detected or evidence.inverted(policy, forgetting):
        return _condition("W", False, f"Far worse at everything ({said}), and the trace shows all the same.")
    return _condition(
        "W",
        True,
        f"The model is wrecked: {said}. That the suspect set is not detected in it (engine p = "
        f"{evidence.detection.p_adjusted:.2g}) is not forgetting, and whether it can be brought back was not asked.",
    )


def _never(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    found, contrast = evidence.detection, evidence.suspect
    if evidence.shown_before or found.detected:
        return _condition("A", False, "The suspect set is detected here or at an earlier checkpoint.")
    if found.p_adjusted <= policy.alpha or (contrast.gap_p_adjusted <= policy.alpha and contrast.gap.value > 0):
        return _condition("A", False, f"The sets differ, though not in a way that reads as training ({evidence.seen}).")
    if evidence.inverted(policy, forgetting):
        return _condition("A", False, "The suspect set scores worse than held-out, and did not at the origin.")
    if evidence.risen(forgetting):
        return _condition("A", False, f"Never detected, and an intervention brings it out ({_told(evidence.probes)}).")
    if found.detectable_auc is None or found.detectable_auc > policy.required_auc:
        reach = "no effect" if found.detectable_auc is None else f"an AUC of {found.detectable_auc:.2f}"
        return _condition(
            "A",
            False,
            f"The audit is too small: {reach} is the least it would have seen, {policy.required_auc:.2f} is required.",
        )
    asked = " Short trainings brought nothing out either." if evidence.trained else ""
    return _condition(
        "A",
        True,
        f"No evidence of use up to this checkpoint ({evidence.seen}). Had training moved all features together, an AUC "
        f"of {found.detectable_auc:.2f} of their mean would have been seen with {policy.power:.0%} power.{asked}",
    )


def _acquired(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    if evidence.reference != evidence.position:
        return _condition("B", False, "The suspect set is not detected here for the first time.")
    if evidence.position == 0:
        return _condition("B", False, "The suspect set is detected at the origin already.")
    if not evidence.clean_before:
        return _condition(
            "B", False, "The sets differ at an earlier checkpoint already, where a guard speaks against it."
        )
    if not evidence.grew(policy):
        return _condition(
            "B", False, "Detected here for the first time, but the gap has not surely grown since the origin."
        )
    return _condition(
        "B",
        True,
        f"The suspect set is detected here and at no earlier checkpoint, and its gap has grown since the origin "
        f"({evidence.seen}).",
    )


def _persistent(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    if not evidence.detection.detected:
        return _condition("C", False, "The suspect set is not detected.")
    if evidence.reference == evidence.position:
        at_origin = evidence.position == 0
        return _condition(
            "C",
            at_origin,
            f"Detected at the origin already ({evidence.seen}); the gap there is what later ones are shares of."
            if at_origin
            else "Detected here for the first time.",
        )
    shares = evidence.shares
    if shares is None:
        return _condition("C", False, "The gap at the reference is too uncertain for a share of it.")
    measurements = min(shares) >= forgetting.retained_share
    return _condition(
        "C", measurements, f"The trace persists: {_left(evidence)}." if measurements else f"Less: {_left(evidence)}."
    )


def _left(evidence: CheckpointFindings) -> str:
    """How much of the reference's gap is left, in a clause."""
    share, shares = evidence.suspect.retained, evidence.shares
    if share is None or shares is None or evidence.whole is None:
        return "no share of the gap can be stated"
    unsure = "; the interval leaves open whether it changed" if share.low < 1 < share.high else ""
    return (
        f"{share.value:.2f} of the gap at {evidence.whole[0]} is left ({share.low:.2f} to {share.high:.2f}{unsure}), "
        f"{shares[1]:.2f} of its Cohen's d ({evidence.seen})"
    )


def _fading(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    if not evidence.detection.detected or not evidence.shown_before:
        return _condition("D", False, "The suspect set is not detected both here and before.")
    shares = evidence.shares
    if shares is None or min(shares) >= forgetting.retained_share:
        return _condition("D", False, f"Detected, and {_left(evidence)}.")
    return _condition("D", True, f"The trace is still detectable, and weaker by estimate: {_left(evidence)}.")


def _barred(code: Code, evidence: CheckpointFindings) -> Condition | None:
    """What keeps a checkpoint from being asked whether its trace is suppressed or gone."""
    if evidence.detection.detected:
        return _condition(code, False, "The suspect set is detected.")
    if evidence.wrecked:
        return _condition(code, False, "The model is wrecked.")
    if evidence.trained or evidence.brought_back:
        return None
    if not evidence.shown_before and not (code == "E" and evidence.last):
        return _condition(code, False, "The suspect set is detected at no earlier checkpoint.")
    why = "telling suppressed from gone needs short trainings, which --relearn runs"
    if evidence.relearning is not None:
        why = " ".join(evidence.relearning.not_run) or "no training was run"
    return Condition(code=code, status="not tested", reason=f"Not tested: {why}.")


def _told(probes: Sequence[Probe]) -> str:
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


def _suppressed(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    barred = _barred("E", evidence)
    if barred is not None:
        return barred
    told = _told(evidence.probes)
    brought = [probe for probe in evidence.probes if probe.recovered]
    if not brought:
        return _condition(
            "E",
            False,
            f"No intervention brought it back and left unseen data ({told}; level {forgetting.relearn_alpha:g}).",
        )
    best = min(brought, key=lambda probe: probe.p_adjusted)
    peak = max(best.points[1:], key=lambda point: point.auc.value)
    if evidence.detection.p_adjusted <= policy.alpha:
        failed = ", ".join(guard.name for guard in evidence.detection.guards if guard.status == "failed")
        now = f"The suspect set differs from unseen data, though not in a way that reads as training ({failed} guard)"
    elif evidence.shown_before:
        now = "The suspect set is no longer told from unseen data"
    else:
        now = "The suspect set was detected at no checkpoint"
    return _condition(
        "E",
        True,
        f"{now}, but {_INTERVENTIONS[best.name]} brings it out, unlike unseen data (AUC of the loss "
        f"{best.points[0].auc.value:.2f} before, {peak.auc.value:.2f}, {peak.auc.low:.2f} to {peak.auc.high:.2f}, at "
        f"step {peak.steps}, the highest of {len(best.points) - 1} looks; {told}): the information is still in the "
        "weights.",
    )


_INTERVENTIONS = {
    "relearn-half": "a short training on one half of it, judged on the other half alone,",
    "reminder": "a short training on third-party text",
    "quantise": "rounding the weights",
}


def _gone(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    barred = _barred("F", evidence)
    if barred is not None:
        return barred
    if not evidence.shown_before:
        return _condition("F", False, "The suspect set is detected at no earlier checkpoint.")
    if evidence.risen(forgetting):
        return _condition("F", False, f"An intervention brought the suspect set back ({_told(evidence.probes)}).")
    if min(evidence.detection.p_adjusted, evidence.suspect.gap_p_adjusted) <= policy.alpha:
        return _condition("F", False, f"The sets still differ ({evidence.seen}).")
    found = evidence.suspect.equivalence
    said = (
        f"gap {evidence.suspect.gap.value:.3f} bits per byte, margin {found.margin:.3f} (d = {found.margin_d:g}), "
        f"equivalence p = {found.p_adjusted:.2g} over all checkpoints"
    )
    if not found.equivalent:
        return _condition("F", False, f"The gap is not shown to be small ({said}).")
    highest = max((point.auc for probe in evidence.probes for point in probe.points[1:]), key=lambda area: area.value)
    return _condition(
        "F",
        True,
        f"Not detectable ({said}), and not brought back ({_told(evidence.probes)}; the highest AUC after any of "
        f"them is {highest.value:.2f}, {highest.low:.2f} to {highest.high:.2f}). This is not a proof of deletion.",
    )


def _inverted(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    contrast = evidence.suspect
    said = (
        f"AUC of the loss {contrast.auc.value:.2f} ({contrast.auc.low:.2f} to {contrast.auc.high:.2f}), p = "
        f"{contrast.gap_p_adjusted:.2g} over all checkpoints"
    )
    if not evidence.inverted(policy, forgetting):
        return _condition("G", False, f"Nothing shows that the suspect set alone came to score worse ({said}).")
    return _condition(
        "G",
        True,
        f"The suspect set came to score worse than unseen data since the origin ({said}): that is a trace as well, and "
        "what deliberate unlearning leaves.",
    )


CONDITIONS: dict[Code, Callable[[CheckpointFindings, Policy, ForgettingPolicy], Condition]] = {
    "W": _wrecked,
    "A": _never,
    "B": _acquired,
    "C": _persistent,
    "D": _fading,
    "E": _suppressed,
    "F": _gone,
    "G": _inverted,
}
