"""Coin twins: each document is published in one of two wordings, by a coin of its own."""

from __future__ import annotations

from functools import partial

from auditor.core.errors import UsageError
from auditor.planting.design import Ingredients, PlantDesign
from auditor.planting.documents import split, whole
from auditor.planting.forms import forms_of, publish_forms, writable
from auditor.planting.switches import two_wordings
from auditor.provenance.draws import Draws
from auditor.provenance.records import Unit

_LEAST = 7
"""Documents of a batch: fewer cannot reach .01 by coins."""


def _build(ingredients: Ingredients) -> list[list[Unit]]:
    if ingredients.versions:
        forms = forms_of(ingredients)
        if len(next(iter(forms.values()))) != 2:
            raise UsageError(
                "twins have two wordings a document",
                hint="Give --wording once (beside CORPUS) or twice, or take --design choice.",
            )
        batches = split(list(forms), ingredients.draws)
        units = [
            [whole(ingredients.corpus, number, forms[number], "wordings") for number in batch] for batch in batches
        ]
    else:
        units = [
            _switched(ingredients, batch, draws)
            for batch, draws in zip(
                split(list(range(len(ingredients.corpus.documents))), ingredients.draws), ingredients.draws, strict=True
            )
        ]
    short = min(map(len, units))
    if short < _LEAST:
        raise UsageError(
            f"a batch has {short} documents with two wordings that can be written, and a test at .01 needs {_LEAST}",
            hint="Give longer or more documents, fewer batches, or two wordings of your own with --wording.",
        )
    return units


def _switched(ingredients: Ingredients, batch: list[int], draws: Draws) -> list[Unit]:
    corpus = ingredients.corpus
    forms: dict[int, tuple[str, str]] = {}
    for number in batch:
        document = corpus.documents[number]
        wordings = two_wordings(document.text, draws, document.id, partial(corpus.can_reword, number))
        if wordings is not None:
            forms[number] = wordings
    able = writable(corpus, forms)
    return [whole(corpus, number, wordings, "wordings") for number, wordings in forms.items() if number in able]


TWINS = PlantDesign(
    "twins",
    "wordings",
    "publish one of two wordings of each document, by a coin; for a thousand documents and more",
    "signed-rank",
    "logprob-sum",
    lambda ingredients: 2,
    _build,
    publish_forms,
)
