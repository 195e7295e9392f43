"""Format reminder: train a few steps on third-party text and score whether the suspect set recovers.

Source: Zheng et al. 2025, Spurious Forgetting (arXiv 2501.13453), who retrain on other facts of the same format.
"""

from __future__ import annotations

from auditor.corpora.document import Document
from auditor.forgetting.relearn.intervention import Intervention, InterventionContext, copy_of
from auditor.results.forgetting.measurements import COMPARED, InterventionMeasurements
from auditor.signals.views import Passage

LEAST = 2


def run(context: InterventionContext) -> InterventionMeasurements | str:
    """Train on general text and score every document after each number of steps.

    General text belongs to neither set, so the training does not depend on the set of a document. General documents
    that share a text or a group with a set are left out.
    """
    general = context.corpus("general")
    if general is None:
        return "reminder did not run: it trains on general text, and none was given"
    if reason := context.too_few("reminder", LEAST):
        return reason
    texts = third_party(general.documents, context.documents(*COMPARED))
    shared = len(general.documents) - len(texts)
    if not texts:
        return f"reminder did not run: all {shared} general documents share a text or a group with another set"
    steps, roles = tuple(sorted(set(context.budget.reminder_steps))), context.compared(LEAST)
    after = context.runner.losses_along(context.training(texts), steps, context.documents(*roles))
    method = f"{context.budget.describe(context.method)}; trained on {len(texts)} general documents"
    if shared:
        method += f", without {shared} that share a text or a group with another set"
    return InterventionMeasurements(
        name="reminder", method=method, roles=roles, steps=steps, copies=(copy_of(roles, after),)
    )


def third_party(general: tuple[Document, ...], others: tuple[Document, ...]) -> tuple[str | Passage, ...]:
    """The general texts that share neither their text nor a declared group with any of the other documents."""
    texts = {document.sha256 for document in others}
    groups = {document.group for document in others}
    return tuple(
        document.lesson
        for document in general
        if document.sha256 not in texts and (document.group == document.id or document.group not in groups)
    )


REMINDER = Intervention("reminder", run)
