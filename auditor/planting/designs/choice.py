"""Choice: each document is published in one of several equally acceptable forms, by a draw."""

from __future__ import annotations

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign
from auditor.planting.documents import split, whole
from auditor.planting.forms import forms_of, publish_forms
from auditor.provenance.records import Unit


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    if not ingredients.versions:
        raise UsageError(
            "a choice is between versions of the documents, and none is given",
            hint="Give --wording for every version besides CORPUS.",
        )
    forms = forms_of(ingredients)
    return [
        [whole(ingredients.corpus, number, forms[number], "forms") for number in batch]
        for batch in split(list(forms), ingredients.draws)
    ]


CHOICE = PlantDesign(
    "choice",
    "forms",
    "publish one of several forms of each document that you bring, by a draw",
    "rank-sum",
    "logprob-mean",
    lambda ingredients: len(ingredients.versions) + 1,
    _build,
    publish_forms,
)
