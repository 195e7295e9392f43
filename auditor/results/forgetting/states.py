"""The states of a checkpoint: one row each, from which everything else about a state follows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from auditor.results.correction import Hypothesis
from auditor.results.outcome import Outcome

Tone = Literal["trace", "none", "open"]

_TONES: dict[Outcome, Tone] = {"EVIDENCE": "trace", "NO EVIDENCE": "none", "INCONCLUSIVE": "open"}


@dataclass(frozen=True, slots=True)
class StateReading:
    """What a state says of the suspect set.

    Attributes:
        outcome: The verdict of a series whose last checkpoint is in this state.
        phrase: Completes the sentence "At the last checkpoint, NAME, the suspect set is ...".
        not_means: What the state must not be read as.
    """

    outcome: Outcome
    phrase: str
    not_means: str


@dataclass(frozen=True, slots=True)
class StateKind(StateReading):
    """One state. Its condition is the `StateCondition` of the same code in `auditor/forgetting/states/`.

    Attributes:
        code: Letter, unique.
        name: In lower case, unique; users write it with hyphens in gates.
        reason: Machine-readable reason of the state. The undecided state has several and none here.
        means: What the figures must show for the state to be given.
        detected: Another reading, for reasons by which the suspect set is detected all the same.
        hypothesis: The null hypothesis whose rejection the state rests on.
    """

    code: str
    name: str
    reason: str
    means: str
    detected: Mapping[str, StateReading] = field(default_factory=dict, hash=False)
    hypothesis: Hypothesis = "detection"

    def reading(self, reason: str) -> StateReading:
        """How the state reads for a reason of it."""
        return self.detected.get(reason, self)

    @property
    def tone(self) -> Tone:
        """Whether the state says that there is a trace, that none was found, or leaves it open."""
        return _TONES[self.outcome]


_NOT_REPRODUCED = "Not that any document can be reproduced, nor that the set was trained on again."
_DETECTED = StateReading("EVIDENCE", "detected, but how it changed is unclear", _NOT_REPRODUCED)

_ROWS = (
    StateKind(
        code="W",
        name="collapsed",
        outcome="INCONCLUSIVE",
        reason="collapsed",
        phrase="not detected in a collapsed model",
        means="The model has become far worse at text in general, and the suspect set does not show in it.",
        not_means="Not forgetting: a model that has lost its language is silent about every text, and the set may be "
        "there.",
    ),
    StateKind(
        code="A",
        name="never shown",
        outcome="NO EVIDENCE",
        reason="never-detected",
        phrase="not seen to have been shown",
        means="The suspect set is detected neither here nor at any checkpoint before, and the audit is large enough "
        "to have detected an effect of the required size.",
        not_means="Not that the set was never trained on: a trace smaller than the detectable effect, or of a kind "
        "that this test does not read, looks the same.",
    ),
    StateKind(
        code="B",
        name="acquired",
        outcome="EVIDENCE",
        reason="detected-first",
        phrase="acquired",
        means="The suspect set is detected here and at no earlier checkpoint, and its gap has grown since the origin.",
        not_means="Not which documents were used, by whom, or when: only that the evidence appears between two "
        "checkpoints, in the order in which they were named.",
    ),
    StateKind(
        code="C",
        name="persistent",
        outcome="EVIDENCE",
        reason="detected-whole",
        phrase="persistent",
        means="The suspect set is detected, and at least the required share of the reference gap is left; or it is "
        "detected at the origin already.",
        not_means=_NOT_REPRODUCED,
    ),
    StateKind(
        code="D",
        name="fading",
        outcome="EVIDENCE",
        reason="detected-less",
        phrase="fading",
        means="The suspect set is detected, and less than the required share of the reference gap is left.",
        not_means="Not deletion, and no sign that anyone tried it: further training on anything can do this.",
    ),
    StateKind(
        code="E",
        name="suppressed",
        outcome="EVIDENCE",
        reason="recovered",
        phrase="suppressed",
        means="The suspect set is not detected here, but a short intervention brings it out and does not bring out "
        "unseen text.",
        not_means="Not that anyone hid the set: ordinary further training on text of another form can do the same.",
        hypothesis="recovery",
    ),
    StateKind(
        code="F",
        name="no trace found",
        outcome="NO EVIDENCE",
        reason="equivalent",
        phrase="no longer found",
        means="The suspect set was detected before and is no longer, the gap is shown to be below the margin, and no "
        "intervention that was run brings it back.",
        not_means="Not a proof of deletion: longer training, another probe or a trace within the margin may still be "
        "there.",
    ),
    StateKind(
        code="G",
        name="over-corrected",
        outcome="EVIDENCE",
        reason="inverted",
        phrase="over-corrected",
        means="The suspect set has come to score worse than text the model has never seen.",
        not_means="Not that the set was forgotten: to score worse than unseen text is itself a trace. Nor who caused "
        "it or why: training on text close to the held-out set can look like it.",
        hypothesis="inversion",
    ),
    StateKind(
        code="H",
        name="inconclusive",
        outcome="INCONCLUSIVE",
        reason="",
        phrase="in an inconclusive state",
        means="The figures support none of the other states, or a guard refuses the comparison.",
        not_means="Neither that the set is remembered nor that it is forgotten.",
        detected={"share-undefined": _DETECTED, "not-placed": _DETECTED},
    ),
)

STATES: dict[str, StateKind] = {kind.code: kind for kind in _ROWS}
"""Every state by its code, in the order in which they are tried."""

UNDECIDED = _ROWS[-1].code
"""The state of a checkpoint at which the condition of no other state is met."""

if TYPE_CHECKING:
    Code = str
else:
    # Built from the rows, so that validation and the published schema know every state and no other.
    Code = Literal[tuple(STATES)]
