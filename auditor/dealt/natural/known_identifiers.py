"""Identifiers of known law that documents hold, each with decoys of the same law and the text before it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence

from auditor.dealt.identifiers.survey import DECOYS, FEWEST_UNITS, IdentifierSurvey, IdentifierUnit, survey_identifiers
from auditor.dealt.natural.documents import NamedText, documents_sha256, read_documents
from auditor.dealt.natural.material import NaturalMaterial, arranged, as_batch, natural_draws, true_index
from auditor.dealt.settings import PlanTestSettings
from auditor.provenance.draws import Draws
from auditor.provenance.records import Site, Unit
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.measurements import NaturalFacts

_UNIFORM = "that are not uniform"


def known_identifiers(settings: PlanTestSettings, *, reference: bool) -> NaturalMaterial:
    """Find identifiers, judge whether they can be tested, and draw decoys.

    Args:
        settings: The documents.
        reference: Whether there is a reference.

    Raises:
        UsageError: The documents cannot be read.
    """
    documents = read_documents(str(settings.identifiers), settings.field)
    read = documents_sha256(documents)
    survey = survey_identifiers(documents, seed=settings.seed)
    draws, key = natural_draws("identifiers", read, settings.seed)
    opened = as_batch(
        "identifiers",
        "identifiers",
        tuple(_units(survey.units, documents, draws)),
        candidates=DECOYS + 1,
        reference=reference,
        key=key,
        read_sha256=read,
    )
    return NaturalMaterial(opened, NaturalFacts(sha256=read, checks=_checks(survey), left_out=survey.left_out))


def _units(found: Sequence[IdentifierUnit], documents: Sequence[NamedText], draws: Draws) -> Iterator[Unit]:
    texts = dict(documents)
    for number, one in enumerate(found, start=1):
        unit = f"identifier-{number}"
        site = Site(
            file=one.document,
            document=0,
            sha256=hashlib.sha256(texts[one.document].encode()).hexdigest(),
            start=one.start,
            stop=one.start + len(one.candidates[0]),
            before=one.before,
            after=one.after,
        )
        index = true_index(draws, unit, len(one.candidates))
        yield Unit(id=unit, kind=one.kind, sites=(site,), candidates=arranged(one.candidates, index))


def _checks(survey: IdentifierSurvey) -> tuple[PlanCheck, ...]:
    units = len(survey.units)
    left = "; ".join(f"{reason} ({count:,})" for reason, count in survey.left_out.items())
    others = f" Left out: {left}." if left else ""
    uneven = [reason for reason in survey.left_out if reason.endswith(_UNIFORM)]
    law = f"The documents hold {'; '.join(uneven)}: they are no random draws, and a model may guess them."
    return (
        PlanCheck(
            name="identifier-law",
            question="Are the digits of the identifiers as uniform as their law says?",
            status="failed" if uneven else "passed",
            reason=law if uneven else "No digit stands at any position more often than by chance.",
            remediation="Bring digests or random UUIDs, which nothing orders or counts." if uneven else "",
        ),
        PlanCheck(
            name="identifier-count",
            question=f"Are there {FEWEST_UNITS} identifiers of known law or more?",
            status="failed" if survey.refusal else "passed",
            reason=f"{f'There are {survey.refusal}.' if survey.refusal else f'There are {units:,}.'}{others}",
            remediation="Bring more documents with digests or random UUIDs." if survey.refusal else "",
        ),
    )
