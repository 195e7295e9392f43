"""The format reminder: train a few steps on third-party text, look at what else comes back.

Source: Zheng et al. 2025, Spurious Forgetting (arXiv 2501.13453), who retrain on other facts of the same format.
"""

from __future__ import annotations

from auditor.corpora.document import Document
from auditor.forgetting.relearn.intervention import Intervention, InterventionContext, copy_of
from auditor.results.forgetting.measurements import COMPARED, InterventionMeasurements

LEAST = 2


def run(case: InterventionContext) -> InterventionMeasurements | str:
    """Train on general text and score every document after each number of steps.

    General text has no part in either set, so the training cannot depend on which set a document is in. Where it shares
    texts or groups with a set, those of it are not trained on.
    """
    general = case.corpus("general")
    if general is None:
        return "the reminder was left out: it trains on general text, and none was given"
    if why := case.too_few("the reminder", LEAST):
        return why
    texts = third_party(general.documents, case.documents(*COMPARED))
    shared = len(general.documents) - len(texts)
    if not texts:
        return f"the reminder was left out: all {shared} general documents share a text or a group with another set"
    steps, roles = tuple(sorted(set(case.budget.reminder_steps))), case.compared(LEAST)
    after = case.bench.losses_along(case.training(texts), steps, case.documents(*roles))
    method = f"{case.budget.words(case.method)}; trained on {len(texts)} general documents"
    if shared:
        method += f", without {shared} that share a text or a group with another set"
    return InterventionMeasurements(
        name="reminder", method=method, roles=roles, steps=steps, copies=(copy_of(roles, after),)
    )


def third_party(general: tuple[Document, ...], others: tuple[Document, ...]) -> tuple[str, ...]:
    """The general texts that share neither their text nor a declared group with any of the other documents."""
    texts = {document.sha256 for document in others}
    groups = {document.group for document in others}
    return tuple(
        document.text
        for document in general
        if document.sha256 not in texts and (document.group == document.id or document.group not in groups)
    )


REMINDER = Intervention("reminder", run)
