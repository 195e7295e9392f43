"""From the figures of a checkpoint to its state. Nothing else decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scipy.stats import norm

from auditor.forgetting.states.conditions import CONDITIONS
from auditor.forgetting.states.findings import CheckpointFindings, deciding_figures
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import STATES, Code, Condition, State
from auditor.results.policy import Policy


def decide_state(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> State:
    """Hold a checkpoint against each state in turn; the first that is met is its state.

    First a comparison that a guard refuses can carry no state but H. Then a wrecked model, in which nothing is
    detected, is said to be wrecked (W). Then A to H in the order of their letters. Two conditions are stricter than
    "not detected" and "worse": A needs an audit that would have seen something and a set that does not score worse than
    held-out; G needs a change since the origin.

    Args:
        evidence: The figures.
        policy: Levels and the effect an audit must be able to see.
        forgetting: The thresholds of the states.
    """
    refused = _refusal(evidence, forgetting)
    conditions = [CONDITIONS[code](evidence, policy, forgetting) for code in CONDITIONS]
    if refused is not None:
        conditions = [Condition(code=c.code, status="not met", reason=refused.sentence) for c in conditions]
    met = next((condition for condition in conditions if condition.status == "met"), None)
    figures = deciding_figures(evidence, policy, forgetting)
    if met is not None:
        closed = Condition(code="H", status="not met", reason="Another state is met.")
        return State(
            code=met.code,
            name=STATES[met.code],
            sentence=met.reason,
            reason=_REASONS[met.code],
            figures=figures,
            conditions=(*conditions, closed),
        )
    left = refused or _undecided(evidence, conditions, policy, forgetting)
    return State(
        code="H",
        name=STATES["H"],
        sentence=left.sentence,
        reason=left.reason,
        figures=figures,
        conditions=(*conditions, Condition(code="H", status="met", reason=left.sentence)),
        remediation=left.remediation,
    )


def worth_relearning(evidence: CheckpointFindings, forgetting: ForgettingPolicy) -> bool:
    """Whether interventions can say more about a checkpoint at which nothing is detected.

    That is where the suspect set was detected before, and at the last checkpoint in any case: what was learned and
    suppressed between two checkpoints was never seen.
    """
    sound = _refusal(evidence, forgetting) is None
    return (
        sound and not evidence.detection.detected and not evidence.wrecked and (evidence.last or evidence.shown_before)
    )


_REASONS: dict[Code, str] = {
    "W": "wrecked",
    "A": "never-detected",
    "B": "detected-first",
    "C": "detected-whole",
    "D": "detected-less",
    "E": "recovered",
    "F": "equivalent",
    "G": "inverted",
}


@dataclass(frozen=True, slots=True)
class _Undecided:
    """Why no state could be given, and what would change that."""

    reason: str
    sentence: str
    remediation: str


def _refusal(evidence: CheckpointFindings, forgetting: ForgettingPolicy) -> _Undecided | None:
    """The guard, or the placebo set, that refuses the comparison at this checkpoint, if any.

    What only a rejection makes a guard ask (direction, excess) cannot refuse a state that rests on nothing being
    detected, and a wrecked model cannot be asked to read words in order.
    """
    spared = {"direction", "excess"} | ({"numerics"} if evidence.wrecked else set())
    failed = [g for g in evidence.detection.guards if g.status == "failed" and g.name not in spared]
    if not failed and evidence.placebo_p is not None and evidence.placebo_p <= forgetting.placebo_alpha:
        return _Undecided(
            "placebo",
            "The placebo set, which nobody trained on, is told from the held-out set too "
            f"(p = {evidence.placebo_p:.2g} over all checkpoints), "
            "so what is seen of the suspect set may have nothing to do with training on it.",
            "Choose placebo and held-out documents from one source; best, split one collection at random.",
        )
    if not failed:
        return None
    first = failed[0]
    return _Undecided(
        f"guard:{first.name}",
        f"The comparison cannot carry a state: {first.reason[:1].lower()}{first.reason[1:]}",
        " ".join(dict.fromkeys(guard.remediation for guard in failed if guard.remediation)),
    )


def _undecided(
    evidence: CheckpointFindings, conditions: Sequence[Condition], policy: Policy, forgetting: ForgettingPolicy
) -> _Undecided:
    """Which of the reasons for an inconclusive state holds."""
    found, contrast = evidence.detection, evidence.suspect
    failed = [guard for guard in found.guards if guard.status == "failed"]
    if found.p_adjusted <= policy.alpha and failed:
        return _Undecided(f"guard:{failed[0].name}", failed[0].reason, failed[0].remediation)
    if found.detected and evidence.reference == evidence.position:
        return _Undecided(
            "not-placed",
            f"The suspect set is detected here for the first time ({evidence.seen}), but "
            + (
                "its gap has not surely grown since the origin, so training after the origin need not be the reason."
                if evidence.clean_before
                else "the sets differ at an earlier checkpoint already, where a guard speaks against it, so when it "
                "was learned cannot be said."
            ),
            "Give more independent documents, or more checkpoints.",
        )
    if found.detected:
        return _Undecided(
            "share-undefined",
            f"The suspect set is detected ({evidence.seen}), but the gap at the reference is too uncertain to say how "
            "much of it is left.",
            "Give more independent documents.",
        )
    if contrast.gap_p_adjusted <= policy.alpha:
        return _Undecided(
            "gap-alone",
            f"The losses of the two sets differ ({evidence.seen}), though the test on all features does not say so.",
            "Give more independent documents.",
        )
    if evidence.shown_before and any(condition.status == "not tested" for condition in conditions):
        return _Undecided(
            "not-tested",
            f"The suspect set is not detected any more ({evidence.seen}); whether it is suppressed or gone was not "
            "tested.",
            "Run again with --relearn."
            if evidence.relearning is None
            else "Audit the checkpoint in a form that can be trained.",
        )
    if evidence.risen(forgetting):
        return _Undecided(
            "placebo-recovered",
            "An intervention brought the suspect set back, and the placebo set too, so it says nothing of either.",
            "Choose placebo and held-out documents from one source; best, split one collection at random.",
        )
    if evidence.shown_before:
        return _Undecided(
            "not-equivalent",
            f"Neither detected nor shown to be gone ({evidence.seen}; equivalence p = "
            f"{contrast.equivalence.p_adjusted:.2g} over all checkpoints).",
            _more(evidence, policy, forgetting),
        )
    return _Undecided(
        "underpowered",
        f"Nothing was found ({evidence.seen}), but the audit is too small to say so.",
        "Give more independent documents.",
    )


def _more(evidence: CheckpointFindings, policy: Policy, forgetting: ForgettingPolicy) -> str:
    """How many groups TOST needs to put a true gap of nothing below the margin (normal theory), first step of Holm."""
    z = float(norm.isf(forgetting.equivalence_alpha / evidence.n_checkpoints) + norm.isf((1 - policy.power) / 2))
    needed = int(2 * (z / forgetting.equivalence_d) ** 2) + 1
    if needed <= evidence.suspect.groups:
        return (
            "So many documents would have shown a gap of nothing to be small: a gap near the margin seems to be left."
        )
    return (
        f"Give more independent documents: about {needed} groups a side would show a gap of nothing to be below the "
        f"margin with {policy.power:.0%} power."
    )
