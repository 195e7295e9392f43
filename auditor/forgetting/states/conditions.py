"""The condition of each state but H, in the order in which they are tried."""

from __future__ import annotations

from collections.abc import Callable

from auditor.forgetting.findings.series import Code, Condition
from auditor.forgetting.policy import ForgettingPolicy
from auditor.forgetting.states.evidence import Evidence
from auditor.guards.policy import Policy


def _condition(code: Code, met: bool, because: str) -> Condition:
    return Condition(code=code, status="met" if met else "not met", because=because)


def _wrecked(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    found = evidence.wreckage
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
        f"The model is wrecked: {said}. That nothing of the suspect set shows in it is not forgetting.",
    )


def _never(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    found, limits = evidence.detection, evidence.suspect.equivalence
    if evidence.shown_before or found.detected:
        return _condition("A", False, "The suspect set is detected here or at an earlier checkpoint.")
    if found.p_adjusted <= policy.alpha:
        return _condition("A", False, f"The sets differ, though not in a way that reads as training ({evidence.seen}).")
    if evidence.inverted(policy, forgetting):
        return _condition("A", False, "The suspect set scores worse than held-out, and did not at the origin.")
    if found.detectable_auc is None or found.detectable_auc > policy.required_auc:
        reach = "no effect" if found.detectable_auc is None else f"an AUC of {found.detectable_auc:.2f}"
        return _condition(
            "A",
            False,
            f"The audit is too small: {reach} is the least it would have seen, {policy.required_auc:.2f} is required.",
        )
    return _condition(
        "A",
        True,
        f"No evidence of use up to this checkpoint ({evidence.seen}). The smallest gap that would have been seen "
        f"with {policy.power:.0%} power is d = {limits.detectable_d:.2f}.",
    )


def _acquired(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    if evidence.reference != evidence.position:
        return _condition("B", False, "The suspect set is not detected here for the first time.")
    if evidence.position == 0:
        return _condition("B", False, "The suspect set is detected at the origin already.")
    return _condition("B", True, f"Evidence appears between the checkpoint before and this one ({evidence.seen}).")


def _persistent(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
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
    share = evidence.suspect.retained
    if share is None:
        return _condition("C", False, "The gap at the reference is too uncertain for a share of it.")
    kept = share.value >= forgetting.retained_share
    return _condition(
        "C",
        kept,
        f"Further training has not weakened the trace: {share.value:.2f} of the gap is left ({share.low:.2f} to "
        f"{share.high:.2f}; {evidence.seen})."
        if kept
        else f"Only {share.value:.2f} of the gap is left.",
    )


def _fading(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    share = evidence.suspect.retained
    if not evidence.detection.detected or not evidence.shown_before:
        return _condition("D", False, "The suspect set is not detected both here and before.")
    if share is None or share.value >= forgetting.retained_share:
        said = "no share of the gap can be stated" if share is None else f"{share.value:.2f} of the gap is left"
        return _condition("D", False, f"Detected, and {said}.")
    return _condition(
        "D",
        True,
        f"The trace is still detectable at {share.value:.2f} of its size ({share.low:.2f} to {share.high:.2f}; "
        f"{evidence.seen}).",
    )


def _absent(code: Code, evidence: Evidence) -> Condition | None:
    """What keeps a checkpoint from being asked whether its trace is suppressed or gone."""
    if evidence.detection.detected:
        return _condition(code, False, "The suspect set is detected.")
    if not evidence.shown_before:
        return _condition(code, False, "The suspect set is detected at no earlier checkpoint.")
    if evidence.wrecked:
        return _condition(code, False, "The model is wrecked.")
    if evidence.relearning is None or not evidence.relearning.probes:
        return Condition(
            code=code,
            status="not tested",
            because="Not tested: telling suppressed from gone needs short trainings, which --relearn runs.",
        )
    return None


def _suppressed(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    barred = _absent("E", evidence)
    if barred is not None or evidence.relearning is None:
        return barred or _condition("E", False, "")
    probes = evidence.relearning.probes
    told = ", ".join(f"{probe.name} p = {probe.p_adjusted:.2g}" for probe in probes)
    brought = [probe for probe in probes if probe.recovered]
    if not brought:
        return _condition(
            "E", False, f"No intervention brought the trace back ({told}; level {forgetting.relearn_alpha:g})."
        )
    best = min(brought, key=lambda probe: probe.p_adjusted)
    peak = max(best.points, key=lambda point: point.auc.value)
    return _condition(
        "E",
        True,
        f"The suspect set is no longer told from unseen data, but {_INTERVENTIONS[best.name]} brings it back, unlike "
        f"unseen data (AUC {best.points[0].auc.value:.2f} before, {peak.auc.value:.2f} at step {peak.steps}; {told}): "
        "the information is still in the weights.",
    )


_INTERVENTIONS = {
    "relearn-half": "a short training on the other half of it",
    "reminder": "a short training on third-party text",
    "quantise": "rounding the weights",
}


def _gone(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    barred = _absent("F", evidence)
    if barred is not None or evidence.relearning is None:
        return barred or _condition("F", False, "")
    if any(probe.recovered for probe in evidence.relearning.probes):
        return _condition("F", False, "An intervention brought the trace back.")
    found = evidence.suspect.equivalence
    said = (
        f"gap {evidence.suspect.gap.value:.3f} bits per byte, margin {found.margin:.3f} (d = {found.margin_d:g}), "
        f"equivalence p = {found.p_value:.2g}"
    )
    probes = ", ".join(probe.name for probe in evidence.relearning.probes)
    if not found.equivalent:
        return _condition("F", False, f"The gap is not shown to be small ({said}).")
    return _condition(
        "F",
        True,
        f"Not detectable, and not recoverable by {probes} ({said}); this is not a proof of deletion.",
    )


def _inverted(evidence: Evidence, policy: Policy, forgetting: ForgettingPolicy) -> Condition:
    contrast = evidence.suspect
    said = (
        f"AUC of the loss {contrast.auc.value:.2f} ({contrast.auc.low:.2f} to {contrast.auc.high:.2f}), p = "
        f"{contrast.gap_p_adjusted:.2g} over all checkpoints"
    )
    if not evidence.inverted(policy, forgetting):
        return _condition("G", False, f"The suspect set does not score worse than unseen data ({said}).")
    return _condition(
        "G",
        True,
        f"The suspect set came to score worse than unseen data ({said}): itself evidence that it was targeted.",
    )


CONDITIONS: dict[Code, Callable[[Evidence, Policy, ForgettingPolicy], Condition]] = {
    "W": _wrecked,
    "A": _never,
    "B": _acquired,
    "C": _persistent,
    "D": _fading,
    "E": _suppressed,
    "F": _gone,
    "G": _inverted,
}
