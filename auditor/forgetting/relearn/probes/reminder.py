"""The format reminder: train a few steps on third-party text, look at what else comes back.

Source: Zheng et al. 2025, Spurious Forgetting (arXiv 2501.13453), who retrain on other facts of the same format.
"""

from __future__ import annotations

import numpy as np

from auditor.corpora.document import Document
from auditor.forgetting.findings.relearning import Probe
from auditor.forgetting.relearn.curve import Losses
from auditor.forgetting.relearn.finding import finding
from auditor.forgetting.relearn.intervention import SIDES, Case, Intervention, sided
from auditor.forgetting.series import Role
from auditor.inference.design import Floats

ROLES: tuple[Role, ...] = (*SIDES, "placebo")
LEAST = 2


def run(case: Case) -> Probe | str:
    """Train on general text and score every document after each number of steps.

    General text has no part in either set, so the training cannot depend on which set a document is in. Where it shares
    texts or groups with a set, those of it are not trained on.
    """
    general = case.corpus("general")
    if general is None:
        return "the reminder was left out: it trains on general text, and none was given"
    if why := case.too_few("the reminder", LEAST):
        return why
    documents = case.documents(*ROLES)
    texts = third_party(general.documents, documents)
    shared = len(general.documents) - len(texts)
    if not texts:
        return f"the reminder was left out: all {shared} general documents share a text or a group with another set"
    steps = tuple(sorted(set(case.budget.reminder_steps)))
    after = case.bench.losses_along(case.training(texts), steps, documents)
    method = f"{case.budget.words(case.method)}; trained on {len(texts)} general documents"
    if shared:
        method += f", without {shared} that share a text or a group with another set"
    return finding(case, "reminder", method, steps, *same_model(case, after))


def third_party(general: tuple[Document, ...], others: tuple[Document, ...]) -> tuple[str, ...]:
    """The general texts that share neither their text nor a declared group with any of the other documents."""
    texts = {document.sha256 for document in others}
    groups = {document.group for document in others}
    return tuple(
        document.text
        for document in general
        if document.sha256 not in texts and (document.group == document.id or document.group not in groups)
    )


def same_model(case: Case, after: Floats) -> tuple[Losses, Losses | None]:
    """Losses of the suspect set, and of the placebo set where there is one, where one model scored everything.

    Args:
        case: What the intervention was handed.
        after: [units of loss, documents of ROLES, points] losses after the intervention.
    """
    roles, documents = case.roles(*ROLES), case.documents(*ROLES)
    whole = np.concatenate([case.before(*ROLES)[:, :, None], after], axis=2)
    judged = case.judged(whole, *ROLES)

    def losses(suspect: Role) -> Losses:
        part, ours = sided(roles, np.ones(len(roles), dtype=np.bool_), suspect)
        groups = [documents[int(index)].group for index in np.flatnonzero(part)]
        return Losses(whole[0, part], judged[:, part], groups, ours)

    has_placebo = len(case.groups("placebo")) >= LEAST
    return losses("suspect"), losses("placebo") if has_placebo else None


REMINDER = Intervention("reminder", 2, run)
