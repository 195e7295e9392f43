"""The verdict on a series, from the state of its last checkpoint."""

from __future__ import annotations

from typing import Literal

from auditor.membership.verdict import UNCONTROLLED
from auditor.results.forgetting.series import Forgetting, State
from auditor.results.forgetting.states import STATES, StateReading
from auditor.results.result import Verdict

_VALIDITY: dict[Literal["B", "C"], str] = {
    "B": "The p-values of detections, changes and interventions are exact if suspect and held-out documents are "
    "exchangeable but for training, which the guards probe and cannot prove. Shares, intervals and equivalence are "
    "approximate.",
    "C": "Descriptive only: the comparison is unsound or undecided, so the figures do not speak about training.",
}


def decide_series(forgetting: Forgetting) -> Verdict:
    """The verdict of a `forget`: the outcome of its last checkpoint's state.

    A trace that is detected stays EVIDENCE where only its share or its origin cannot be stated. The series is its own
    control where the test does not reject at the origin: a hidden difference between the sets would show there as well.
    """
    last = forgetting.checkpoints[-1]
    state, reading = last.state, _reading(last.state)
    validity: Literal["B", "C"] = "C" if reading.outcome == "INCONCLUSIVE" else "B"
    # A change is tested only from an origin at which the test does not reject, guards or no guards.
    controlled = last.placebo is not None or last.detection.change is not None
    bare = reading.outcome == "EVIDENCE" and not controlled
    return Verdict(
        outcome=reading.outcome,
        reason=f"state:{state.code}",
        sentence=f"At the last checkpoint, {last.name}, the suspect set is {reading.phrase}. {state.sentence}"
        f"{' ' + UNCONTROLLED if bare else ''}",
        not_meaning=reading.not_means,
        remediation=state.remediation,
        validity_class=validity,
        validity=_VALIDITY[validity],
        grade="controlled" if controlled else "no control",
    )


def _reading(state: State) -> StateReading:
    return STATES[state.code].reading(state.reason)


def verdict_with_series(verdict: Verdict, forgetting: Forgetting, audited: str | None) -> Verdict:
    """The verdict of a `check` with a series: never NO EVIDENCE for a model in which the series finds a trace.

    Args:
        verdict: Of the check alone.
        forgetting: The series.
        audited: Name of the checkpoint that is the audited model; None where it is none of them.
    """
    state = next((checkpoint.state for checkpoint in forgetting.checkpoints if checkpoint.name == audited), None)
    if verdict.outcome != "NO EVIDENCE" or state is None or _reading(state).outcome != "EVIDENCE":
        return verdict
    return Verdict(
        outcome="INCONCLUSIVE",
        reason=f"series:{state.code}",
        sentence=f"The test of this model alone finds nothing, but the series does, at {audited}: {state.sentence}",
        not_meaning=STATES[state.code].not_means,
        remediation="Read the series; `auditor forget` makes its verdict from it.",
        validity_class=verdict.validity_class,
        validity=verdict.validity,
        grade=verdict.grade,
    )
