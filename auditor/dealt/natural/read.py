"""Reading what a test without a plan is of, for a run and for whoever verifies it."""

from __future__ import annotations

from auditor.dealt.natural.file_order import file_order, with_cut_rows
from auditor.dealt.natural.known_identifiers import known_identifiers
from auditor.dealt.natural.material import NaturalMaterial
from auditor.dealt.settings import PlanTestSettings
from auditor.models.backend import ModelSpec
from auditor.models.loading import open_tokenizer
from auditor.models.tokenizing import front_of


def read_natural(settings: PlanTestSettings, *, reference: bool, cut_rows: int = 0) -> NaturalMaterial:
    """Read and judge without a model; errors as of the reading.

    Args:
        settings: What is tested.
        reference: Whether there is a reference.
        cut_rows: Rows that the window of the model cuts, where that is known.
    """
    if settings.material == "identifiers":
        return known_identifiers(settings, reference=reference)
    return file_order(settings, reference=reference, cut_rows=cut_rows)


def for_model(material: NaturalMaterial, settings: PlanTestSettings, spec: ModelSpec) -> NaturalMaterial:
    """The same with the rows that the window of a model cuts, which its tokenizer counts without its weights."""
    if settings.material == "identifiers":
        return material
    tokenizer = open_tokenizer(settings.model, settings.load_options)
    room = spec.identity.context - len(front_of(tokenizer).ids)
    if settings.max_tokens is not None:
        room = min(room, settings.max_tokens)

    def is_cut(text: str) -> bool:
        return len(tokenizer(text, add_special_tokens=False, verbose=False)["input_ids"]) > room

    return with_cut_rows(material, is_cut)
