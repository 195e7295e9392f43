"""Making a plan: candidates of every unit, keys, and the commitment to both. Nothing of the coins exists yet."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.core.registry import pick
from auditor.core.version import VERSION
from auditor.planting.design import Ingredients, PlantDesign, designs
from auditor.planting.documents import vocabulary
from auditor.planting.kind import KindContext, canary_kinds, count_words
from auditor.planting.reach import require_reachable
from auditor.planting.settings import PlantSettings
from auditor.planting.words import read_me
from auditor.provenance.beacon import round_after
from auditor.provenance.commitment import commit_batch, commit_corpus
from auditor.provenance.draws import Draws
from auditor.provenance.folder import REQUEST, Origin, PlanFolder
from auditor.provenance.records import BatchSecret, BeaconRound, Commitment, Secret, TestRule, Unit
from auditor.splicing.source import SourceCorpus
from auditor.splicing.tree import require_apart

Sentences = Callable[[int, int], list[str]]


@dataclass(frozen=True, slots=True)
class MadePlan:
    """A plan that was committed to.

    Attributes:
        folder: Where it lies.
        commitment: The commitment.
        skipped: Documents that are in no unit.
        corpus: The corpus.
    """

    folder: PlanFolder
    commitment: Commitment
    skipped: int
    corpus: SourceCorpus


def make_plan(
    settings: PlantSettings,
    *,
    beacon: bool,
    sentences: Sentences | None = None,
    random_bytes: Callable[[int], bytes] = os.urandom,
    now: datetime | None = None,
) -> MadePlan:
    """Build all candidates, make keys, and write the plan.

    Args:
        settings: What is planted.
        beacon: Whether the coins will depend on public randomness; otherwise they are the owner's alone.
        sentences: Makes sentences with a model; see `KindContext`.
        random_bytes: Where keys come from; anything but the system's randomness makes coins that can be foreseen.
        now: The time, by default that of the machine.

    Raises:
        UsageError: The corpus cannot carry the plan, or the plan could never reach its level.
        RunError: The file system refuses.
    """
    now = now or datetime.now(UTC)
    design = pick(settings.design, dict(designs()), what="design")
    require_free(settings)
    corpus = SourceCorpus.open(Path(settings.corpus), text_column=settings.text_column)
    versions = [SourceCorpus.open(Path(path), text_column=settings.text_column) for path in settings.wordings]
    secrets = [
        BatchSecret(id=number, key=random_bytes(32).hex(), salt=random_bytes(32).hex())
        for number in range(1, settings.batches + 1)
    ]
    draws = [Draws(bytes.fromhex(secret.key)) for secret in secrets]
    ingredients = Ingredients(corpus, settings, draws, _context(settings, design, corpus, sentences), versions)
    units = design.build(ingredients)
    _require_budget(design, corpus, units, settings)
    commitment = _commitment(ingredients, design, units, secrets, beacon=beacon, now=now)
    require_reachable(commitment)
    folder = PlanFolder(Path(settings.plan))
    origin = Origin(
        corpus=folder.seen_from(settings.corpus),
        to=folder.seen_from(settings.to),
        text_column=settings.text_column,
        created=now.isoformat("T", "seconds"),
    )
    text = read_me(commitment, plan=settings.plan, to=settings.to)
    folder.make(commitment, units, Secret(batches=tuple(secrets)), origin, text)
    used = {(site.file, site.document) for batch in units for unit in batch for site in unit.sites}
    return MadePlan(folder, commitment, len(corpus.documents) - len(used), corpus)


def require_free(settings: PlantSettings) -> None:
    """Refuse a plan or a copy in a folder that holds something, or in the corpus or each other.

    Raises:
        UsageError: It is refused.
    """
    plan, to, corpus = (Path(path).resolve() for path in (settings.plan, settings.to, settings.corpus))
    if plan == to or to in plan.parents or plan in to.parents:
        raise UsageError(
            f"--plan {settings.plan} and --to {settings.to} lie in one another, and what is published would show the "
            "coins",
            hint="Keep the plan where nothing is published from.",
        )
    require_new(Path(settings.to))
    for source in (settings.corpus, *settings.wordings):
        require_apart(Path(source), Path(settings.to))
    if plan == corpus or corpus in plan.parents:
        raise UsageError(f"--plan {settings.plan} lies in the corpus", hint="Keep the plan in a folder of its own.")
    if plan.exists() and (not plan.is_dir() or any(plan.iterdir())):
        raise UsageError(
            f"--plan {settings.plan} holds something already",
            hint="A commitment is made once; take a new folder, or go on with `auditor plant PLAN --coins`.",
        )


def require_new(to: Path) -> None:
    """Refuse to publish where something lies already.

    Raises:
        UsageError: Something does.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise UsageError(
            f"{to} holds something already, and the published copy is not written over it",
            hint="Name a new folder, or remove this one: the coins stay the same.",
        )


def _context(
    settings: PlantSettings, design: PlantDesign, corpus: SourceCorpus, sentences: Sentences | None
) -> KindContext:
    if design.name != "canaries":
        return KindContext(())
    kind = pick(settings.kind, canary_kinds(), what="kind of canaries")
    if kind.needs_model and sentences is None:
        raise UsageError(
            f"canaries of kind {kind.name!r} need a model that writes them", hint="Give --model, or --kind words."
        )
    return KindContext(vocabulary(corpus), sentences)


def _require_budget(
    design: PlantDesign, corpus: SourceCorpus, units: Sequence[Sequence[Unit]], settings: PlantSettings
) -> None:
    if design.name != "canaries":
        return
    words = sum(count_words(document.text) for document in corpus.documents)
    added = sum(
        len(unit.sites) * max(count_words(text) for text in unit.candidates) for batch in units for unit in batch
    )
    if added > settings.corpus_budget * words:
        raise UsageError(
            f"the canaries add {added:,} words to {words:,}, {added / max(1, words):.2%} where "
            f"{settings.corpus_budget:.2%} is allowed",
            hint="Lower --count or --copies, or raise --corpus-budget.",
        )


def _commitment(
    ingredients: Ingredients,
    design: PlantDesign,
    units: Sequence[Sequence[Unit]],
    secrets: Sequence[BatchSecret],
    *,
    beacon: bool,
    now: datetime,
) -> Commitment:
    settings = ingredients.settings
    return Commitment(
        made_by=f"auditor {VERSION}",
        design=design.name,
        kind=design.kind or settings.kind,
        units=sum(map(len, units)),
        candidates=design.candidates(ingredients),
        copies=settings.copies if design.name == "canaries" else 1,
        withheld_share=settings.share if design.name == "holdout" else None,
        batches=tuple(
            commit_batch(number, batch, secret)
            for number, (batch, secret) in enumerate(zip(units, secrets, strict=True), 1)
        ),
        test=TestRule(
            score=design.score,
            statistic=design.statistic,
            reference=settings.with_reference,
            alpha=settings.alpha,
        ),
        corpus=commit_corpus(bytes.fromhex(secrets[0].key), ingredients.corpus.sha256),
        beacon=BeaconRound(round=round_after(now + timedelta(hours=settings.beacon_after))) if beacon else None,
        note=settings.note,
    )


def write_stamp_request(folder: PlanFolder) -> Path:
    """Write the request for a time stamp of the commitment.

    Raises:
        UsageError: `rfc3161-client` is not installed.
    """
    from auditor.core.files import write_bytes
    from auditor.provenance.stamp import stamp_request

    path = folder.path / REQUEST
    write_bytes(path, stamp_request(folder.commitment_bytes))
    return path
