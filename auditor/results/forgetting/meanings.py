"""What each state of a checkpoint says and does not say, for readers who were accused or who accuse."""

from __future__ import annotations

from auditor.results.forgetting.series import Code

MEANS: dict[Code, str] = {
    "A": "The suspect set is detected neither here nor at any checkpoint before, and the audit is large enough to have "
    "seen an effect of the size that is required.",
    "B": "The suspect set is detected here and at no earlier checkpoint, and its gap has grown since the origin.",
    "C": "The suspect set is detected, and the gap has kept at least the required share of the reference gap; or it is "
    "detected at the origin already.",
    "D": "The suspect set is detected, and the gap has kept a smaller share of the reference gap.",
    "E": "The suspect set is not detected here, but a short intervention brings it out and does not bring out unseen "
    "text.",
    "F": "The suspect set was detected before and is not any more, the gap is shown to be below the margin, and no "
    "intervention that was run brings it back.",
    "G": "The suspect set has come to score worse than text the model has never seen.",
    "H": "The figures support none of the other states, or a guard refuses the comparison.",
    "W": "The model has become far worse at text in general, and the suspect set does not show in it.",
}
"""What has to be seen for a state to be given."""

NOT_MEANS: dict[Code, str] = {
    "A": "Not that the set was never trained on: a trace smaller than the detectable effect, or of a kind that this "
    "test does not read, looks the same.",
    "B": "Not which documents were used, by whom, or when: only that the evidence appears between two checkpoints, in "
    "the order in which they were named.",
    "C": "Not that any document can be reproduced, nor that the set was trained on again.",
    "D": "Not deletion, and no sign that anyone tried it: further training on anything can do this.",
    "E": "Not that anyone hid the set: ordinary further training on text of another form can do the same.",
    "F": "Not a proof of deletion: longer training, another probe or a trace within the margin may still be there.",
    "G": "Not that the set was forgotten: to score worse than unseen text is itself a trace. Nor who caused it or why: "
    "training on text close to the held-out set can look like it.",
    "H": "Neither that the set is remembered nor that it is forgotten.",
    "W": "Not forgetting: a model that has lost its language is silent about every text, and the set may be there.",
}
"""What a state must not be read as."""
