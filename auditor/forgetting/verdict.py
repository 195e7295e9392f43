"""From the state of the last checkpoint to one of three words."""

from __future__ import annotations

from auditor.results.forgetting.meanings import NOT_MEANS
from auditor.results.forgetting.series import STATES, Checkpoint, Code, Forgetting, State
from auditor.results.result import Verdict, Word

WORDS: dict[Code, Word] = {
    "A": "NO EVIDENCE",
    "B": "EVIDENCE",
    "C": "EVIDENCE",
    "D": "EVIDENCE",
    "E": "EVIDENCE",
    "F": "NO EVIDENCE",
    "G": "EVIDENCE",
    "H": "INCONCLUSIVE",
    "W": "INCONCLUSIVE",
}
_DETECTED = ("share-undefined", "not-placed")
"""Reasons of an inconclusive state in which the suspect set is detected all the same."""
_VALIDITY = {
    "B": "The p-values of detections, changes and interventions are exact if suspect and held-out documents are "
    "exchangeable but for training, which the guards probe and cannot prove. Shares, intervals and equivalence are "
    "approximate.",
    "C": "Descriptive only: the comparison is unsound or undecided, so the figures do not speak about training.",
}


def decide_series(forgetting: Forgetting) -> Verdict:
    """The verdict of a `forget`: the state of its last checkpoint in one of three words.

    A trace that is there, was brought back or was turned over is EVIDENCE; where none was ever seen, or none is left
    that comes back, there is NO EVIDENCE; an undecided or wrecked checkpoint is INCONCLUSIVE. A trace that is detected
    stays EVIDENCE where only its share or its origin cannot be stated.
    """
    last = forgetting.checkpoints[-1]
    state = last.state
    word = _word(state)
    validity = "C" if state.code in ("H", "W") and word == "INCONCLUSIVE" else "B"
    return Verdict(
        outcome=word,
        reason=f"state:{state.code}",
        sentence=f"At the last checkpoint, {last.name}, the suspect set is {_phrase(last)}. {state.sentence}",
        not_meaning=NOT_MEANS["C" if state.reason in _DETECTED else state.code],
        remediation=state.remediation,
        validity_class="B" if validity == "B" else "C",
        validity=_VALIDITY[validity],
    )


def _word(state: State) -> Word:
    return "EVIDENCE" if state.reason in _DETECTED else WORDS[state.code]


def _phrase(checkpoint: Checkpoint) -> str:
    code = checkpoint.state.code
    if checkpoint.state.reason in _DETECTED:
        return "detected, and its course unclear"
    if code == "W":
        return "not seen in a wrecked model"
    if code == "H":
        return "in an inconclusive state"
    return {"A": "not seen to have been shown", "F": "not found any more"}.get(code, STATES[code])


def verdict_beside_series(verdict: Verdict, forgetting: Forgetting, audited: str | None) -> Verdict:
    """The verdict of a `check` beside a series: never NO EVIDENCE for a model that the series finds a trace in.

    Args:
        verdict: Of the check alone.
        forgetting: The series.
        audited: Name of the checkpoint that is the audited model; None where it is none of them.
    """
    state = next((point.state for point in forgetting.checkpoints if point.name == audited), None)
    if verdict.outcome != "NO EVIDENCE" or state is None or _word(state) != "EVIDENCE":
        return verdict
    return Verdict(
        outcome="INCONCLUSIVE",
        reason=f"series:{state.code}",
        sentence=f"The test of this model alone finds nothing, but the series does, at {audited}: {state.sentence}",
        not_meaning=NOT_MEANS[state.code],
        remediation="Read the series; `auditor forget` makes its verdict from it.",
        validity_class=verdict.validity_class,
        validity=verdict.validity,
    )
