"""The state of a checkpoint, decided from its figures and from nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from scipy.special import ndtri

import auditor.forgetting.states
from auditor.core.registry import discover
from auditor.forgetting.states.conditions import StateCondition
from auditor.forgetting.states.findings import CheckpointFindings, deciding_figures
from auditor.membership.guards.guard import guards_where
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import Condition, State
from auditor.results.forgetting.states import STATES, UNDECIDED
from auditor.results.policy import Policy


@cache
def _conditions() -> tuple[StateCondition, ...]:
    """The condition of every state but the undecided one, in the order in which they are tried."""
    by_code = {condition.code: condition for condition in discover(auditor.forgetting.states, StateCondition)}
    return tuple(by_code[code] for code in STATES if code != UNDECIDED)


def decide_state(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> State:
    """Test the condition of each state in the order of `STATES`; the first that is met is the state.

    A comparison that a guard refuses is undecided (H) whatever the other figures are. A collapsed model in which
    nothing is detected is W before any other state is tried. Two conditions are stricter than "not detected" and
    "worse": A needs an audit that could have detected the required effect and a set that does not score worse than
    held-out; G needs a change since the origin.

    Args:
        findings: The figures.
        policy: Levels, and the effect an audit must be able to detect.
        forgetting: The thresholds of the states.
    """
    refusal = _refusal(findings, forgetting)
    conditions = [condition.check(findings, policy, forgetting) for condition in _conditions()]
    if refusal is not None:
        conditions = [Condition(code=c.code, status="not met", reason=refusal.sentence) for c in conditions]
    met = next((condition for condition in conditions if condition.status == "met"), None)
    if met is not None:
        last = Condition(code=UNDECIDED, status="not met", reason="Another state is met.")
        reason, sentence, remediation = STATES[met.code].reason, met.reason, ""
    else:
        why = refusal or _undecided(findings, conditions, policy, forgetting)
        last = met = Condition(code=UNDECIDED, status="met", reason=why.sentence)
        reason, sentence, remediation = why.reason, why.sentence, why.remediation
    return State(
        code=met.code,
        name=STATES[met.code].name,
        sentence=sentence,
        reason=reason,
        figures=deciding_figures(findings, policy, forgetting),
        conditions=(*conditions, last),
        remediation=remediation,
    )


def worth_relearning(findings: CheckpointFindings, forgetting: ForgettingPolicy) -> bool:
    """Whether interventions can change the state of a checkpoint at which nothing is detected.

    They can where the suspect set was detected before, and always at the last checkpoint: what was learned and
    suppressed between two checkpoints was never detected.
    """
    sound = _refusal(findings, forgetting) is None
    return (
        sound
        and not findings.detection.detected
        and not findings.collapsed
        and (findings.last or findings.shown_before)
    )


@dataclass(frozen=True, slots=True)
class _Undecided:
    """Why no state could be given, and what would change that."""

    reason: str
    sentence: str
    remediation: str


def _refusal(findings: CheckpointFindings, forgetting: ForgettingPolicy) -> _Undecided | None:
    """The failed guard, or the detected placebo set, that refuses the comparison at this checkpoint, if any.

    A guard that judges a rejection cannot refuse a state that rests on nothing being detected, nor can one that needs a
    working model refuse a collapsed one.
    """
    spared = guards_where(
        lambda guard: guard.only_after_rejection or (findings.collapsed and guard.needs_working_model)
    )
    failed = [g for g in findings.detection.guards if g.status == "failed" and g.name not in spared]
    if not failed and findings.placebo_p is not None and findings.placebo_p <= forgetting.placebo_alpha:
        return _Undecided(
            "placebo",
            "The placebo set, which nobody trained on, differs from the held-out set too "
            f"(p = {findings.placebo_p:.2g} over all checkpoints), "
            "so the difference of the suspect set may have nothing to do with training on it.",
            "Choose placebo and held-out documents from one source; best, split one collection at random.",
        )
    if not failed:
        return None
    first = failed[0]
    return _Undecided(
        f"guard:{first.name}",
        f"The comparison is unsound: {first.reason[:1].lower()}{first.reason[1:]}",
        " ".join(dict.fromkeys(guard.remediation for guard in failed if guard.remediation)),
    )


def _undecided(
    findings: CheckpointFindings, conditions: Sequence[Condition], policy: Policy, forgetting: ForgettingPolicy
) -> _Undecided:
    """The first reason for an inconclusive state that holds."""
    detection, contrast = findings.detection, findings.suspect
    failed = [guard for guard in detection.guards if guard.status == "failed"]
    if not detection.detected and detection.p_adjusted <= policy.alpha and failed:
        return _Undecided(f"guard:{failed[0].name}", failed[0].reason, failed[0].remediation)
    if detection.detected and findings.reference == findings.position:
        return _Undecided(
            "not-placed",
            f"The suspect set is detected here for the first time ({findings.seen}), but "
            + (
                "its gap is not shown to have grown since the origin, so later training need not be the reason."
                if findings.clean_before
                else "the sets already differ at an earlier checkpoint, without a detection, so when it was learned "
                "cannot be stated."
            ),
            "Give more independent documents, or more checkpoints.",
        )
    if detection.detected:
        return _Undecided(
            "share-undefined",
            f"The suspect set is detected ({findings.seen}), but the gap at the reference is too uncertain to state "
            "how much of it is left.",
            "Give more independent documents.",
        )
    if contrast.gap_p_adjusted <= policy.alpha:
        return _Undecided(
            "gap-alone",
            f"The losses of the two sets differ ({findings.seen}), but the test on all features does not reject.",
            "Give more independent documents.",
        )
    if findings.shown_before and any(condition.status == "not tested" for condition in conditions):
        return _Undecided(
            "not-tested",
            f"The suspect set is not detected any more ({findings.seen}); whether it is suppressed or gone was not "
            "tested.",
            "Run again with --relearn."
            if findings.relearning is None
            else "Audit the checkpoint in a form that can be trained.",
        )
    if findings.risen(forgetting):
        return _Undecided(
            "placebo-recovered",
            "An intervention brought the suspect set back, and the placebo set too, so it shows nothing about either.",
            "Choose placebo and held-out documents from one source; best, split one collection at random.",
        )
    if findings.shown_before:
        return _Undecided(
            "not-equivalent",
            f"Neither detected nor shown to be gone ({findings.seen}; equivalence p = "
            f"{contrast.equivalence.p_adjusted:.2g} over all checkpoints).",
            _more(findings, policy, forgetting),
        )
    return _Undecided(
        "underpowered",
        f"Nothing was detected ({findings.seen}), but the audit is too small for that to mean anything.",
        "Give more independent documents.",
    )


def _more(findings: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> str:
    """The groups that TOST needs to show that a true gap of zero is small (normal theory, first step of Holm)."""
    z = -float(ndtri(forgetting.equivalence_alpha / findings.n_checkpoints) + ndtri((1 - policy.power) / 2))
    needed = int(2 * (z / forgetting.equivalence_d) ** 2) + 1
    if needed <= findings.suspect.groups:
        return "This many documents would have shown a gap of zero to be small: a gap near the margin seems to be left."
    return (
        f"Give more independent documents: about {needed} groups a side would show a gap of zero to be below the "
        f"margin with {policy.power:.0%} power."
    )
