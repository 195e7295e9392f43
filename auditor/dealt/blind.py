"""A test by two parties: the provider scores candidates without the coins and seals them, the owner opens the coins."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

from pydantic import ValidationError

from auditor.core.errors import UsageError, naming_unreadable
from auditor.core.files import read_bytes
from auditor.core.progress import Progress, Silent
from auditor.dealt.open import OpenedBatch, open_plan
from auditor.dealt.score import candidate_set, score_candidates, scores_digest, text_order
from auditor.dealt.settings import ScoringSettings
from auditor.models.loading import open_models
from auditor.provenance.commitment import commitment_sha256
from auditor.results.dealt.scores import CandidateScores, CandidateSet
from auditor.scoring.store import Store

_ENTRY = "candidates.json"
_MOST = 1_000_000_000
_EPOCH = (1980, 1, 1, 0, 0, 0)


def export_candidates(plan: str, batch: int) -> bytes:
    """The candidates of a batch as a zip for whoever has the model; errors as of `open_plan`.

    The bytes depend on the candidates alone. That the batch was shown is for the owner to remember: a model that is
    trained on it proves nothing.
    """
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        entry = zipfile.ZipInfo(_ENTRY, _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        archive.writestr(entry, candidate_set(open_plan(plan, batch)).model_dump_json(indent=1).encode())
    return stream.getvalue()


def read_candidates(path: Path) -> CandidateSet:
    """Read what `export_candidates` gave.

    Raises:
        UsageError: It is something else.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(read_bytes(path))) as archive:
            if archive.getinfo(_ENTRY).file_size > _MOST:
                raise UsageError(f"{path} would unpack to more than {_MOST:,} bytes")
            candidates = CandidateSet.model_validate_json(archive.read(_ENTRY))
    except (zipfile.BadZipFile, KeyError, RuntimeError, NotImplementedError, ValidationError) as error:
        raise UsageError(
            f"{path} does not hold candidates", hint="Give what `auditor test --plan PLAN --export FILE` wrote."
        ) from error
    if candidates.texts != text_order(candidates.texts):
        raise UsageError(f"{path}: its candidates are not in the order of their digests, or one is there twice")
    return candidates


@naming_unreadable()
def score_blind(
    settings: ScoringSettings,
    candidates: CandidateSet,
    *,
    command: str,
    cache_dir: str | None = None,
    progress: Progress | None = None,
) -> CandidateScores:
    """Score candidates of which nobody here knows which were published.

    Args:
        settings: The model, its references and how they are loaded.
        candidates: The candidates.
        command: What makes the same scores again.
        cache_dir: Where scores are kept.
        progress: Told how far scoring is.

    Raises:
        UsageError: A model cannot be scored.
        RunError: The run broke.
    """
    with Store.open(cache_dir) as store:
        models = open_models(settings.model, settings.references, settings.load_options, store)
        return score_candidates(
            candidates,
            models,
            seed=settings.seed,
            max_tokens=settings.max_tokens,
            store=store,
            progress=progress or Silent(),
            command=command,
        )


def read_scores(path: Path, opened: OpenedBatch) -> CandidateScores:
    """Read the scores of another party, and check that they are sealed and of this batch.

    Raises:
        UsageError: They are something else, were changed after they were sealed, or are of another batch.
    """
    return check_scores(parse_scores(read_bytes(path), path), opened, path)


def parse_scores(written: bytes, path: Path) -> CandidateScores:
    """Read sealed scores out of the bytes of their file.

    Raises:
        UsageError: They are something else, or were changed after they were sealed.
    """
    try:
        scores = CandidateScores.model_validate_json(written)
    except ValidationError as error:
        raise UsageError(
            f"{path} does not hold scores ({_first(error)})",
            hint="Give what `auditor test MODEL --blind FILE` wrote.",
        ) from error
    if not scores.scores:
        raise UsageError(f"{path} does not hold scores (there is none)")
    if scores.content_sha256 != scores_digest(scores):
        raise UsageError(f"{path} was changed after it was sealed", hint="Ask for the file that was sealed.")
    return scores


def _first(error: ValidationError) -> str:
    """The first fault, in words."""
    fault = error.errors(include_url=False, include_input=False, include_context=False)[0]
    at = ".".join(map(str, fault["loc"]))
    return f"{at}: {fault['msg']}" if at else fault["msg"].removeprefix("Value error, ")


def check_scores(scores: CandidateScores, opened: OpenedBatch, path: Path) -> CandidateScores:
    """Refuse scores of another batch; errors as of `read_scores`."""
    ours = (commitment_sha256(opened.commitment), opened.batch.id)
    if (scores.commitment_sha256, scores.batch) != ours:
        raise UsageError(
            f"{path}: scores of batch {scores.batch} of the commitment {scores.commitment_sha256[:16]}, and opened is "
            f"batch {ours[1]} of {ours[0][:16]}"
        )
    if opened.commitment.design == "holdout" and not scores.features:
        raise UsageError(f"{path}: a dealt hold-out is tested on features, and there are none")
    return scores
