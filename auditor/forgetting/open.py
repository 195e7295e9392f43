"""Opening a series: corpora that are apart, and checkpoints whose figures can be compared."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from auditor.core.errors import UsageError
from auditor.corpora.comparable import disambiguate_groups, require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.overlap import Overlap
from auditor.forgetting.series import NamedCheckpoint
from auditor.models.backend import LoadOptions
from auditor.models.digests import Memo
from auditor.models.loading import open_model
from auditor.models.tokenizing import tokenizer_difference
from auditor.results.forgetting.measurements import Role
from auditor.settings import AuditSettings, SeriesSettings


def open_checkpoints(
    checkpoints: Sequence[tuple[str, str]], options: LoadOptions, memo: Memo
) -> tuple[NamedCheckpoint, ...]:
    """Identify the checkpoints of a series, none of them in memory, and see that they can be compared.

    Losses per byte of two models are comparable where both read the same tokens in the same windows, with the same
    number format; what differs between checkpoints must be their weights alone.

    Args:
        checkpoints: Name and source of each, in order. A hub model may be named with a revision, `NAME@REVISION`, which
            takes precedence over that of the options.
        options: How they are loaded.
        memo: Remembers digests between runs.

    Raises:
        UsageError: One cannot be audited; two are the same model, or differ in tokenizer, number format or window.
        RunError: One cannot be read or fetched.
    """
    series: list[NamedCheckpoint] = []
    for name, source in checkpoints:
        path, revision = _revision(source)
        chosen = options if revision is None else dataclasses.replace(options, revision=revision)
        series.append(NamedCheckpoint(name, open_model(path, chosen, memo)))
    for at, checkpoint in enumerate(series):
        for earlier in series[:at]:
            if earlier.spec.identity.key == checkpoint.spec.identity.key:
                raise UsageError(
                    f"the checkpoints {_called(earlier)} and {_called(checkpoint)} are one and the same model",
                    hint="Name each model of the series once.",
                )
        if at:
            _require_comparable(series[0], checkpoint)
    return tuple(series)


def _revision(source: str) -> tuple[str, str | None]:
    """A source and its revision; what can only be a path, or is there under that very name, is meant as it is."""
    match = re.fullmatch(r"(\w[\w.-]*(?:/[\w.-]+)?)@(\S+)", source)
    if match is None or Path(source).exists():
        return source, None
    return match[1], match[2]


def _called(checkpoint: NamedCheckpoint) -> str:
    return f"{checkpoint.name!r} ({checkpoint.spec.identity.source})"


def _require_comparable(origin: NamedCheckpoint, other: NamedCheckpoint) -> None:
    first, second = origin.spec.identity, other.spec.identity
    both = f"the checkpoints {_called(origin)} and {_called(other)}"
    # Files saved again by another version differ and cut text alike, so the tokenizers are asked.
    if (first.tokenizer_sha256, first.bos) != (second.tokenizer_sha256, second.bos):
        differs = tokenizer_difference(origin.spec.tokenizer(), other.spec.tokenizer())
        if differs:
            raise UsageError(
                f"{both} have different tokenizers: {differs}",
                hint="A series needs one tokenizer, or its losses cannot be compared; check each model's folder.",
            )
    if first.dtype != second.dtype:
        raise UsageError(
            f"{both} would be computed in different number formats, {first.dtype} and {second.dtype}",
            hint="Choose one for all of them, such as --dtype float32.",
        )
    if first.context != second.context:
        raise UsageError(
            f"{both} read windows of different length, {first.context:,} and {second.context:,} tokens",
            hint=f"Give --context {min(first.context, second.context)}.",
        )


def read_apart(
    settings: AuditSettings,
    requested: SeriesSettings,
    suspect: Corpus,
    heldout: Corpus,
    read: Callable[[str, AuditSettings], Corpus],
    overlap: Callable[[Corpus, Corpus, AuditSettings], Overlap],
) -> Mapping[Role, Corpus]:
    """Read the corpora of a series by role, none of which may hold what another is compared with.

    Args:
        settings: How corpora are read.
        requested: Which there are besides the two sides.
        suspect: The suspect documents.
        heldout: The held-out documents.
        read: Reads a corpus as settings say, as `auditor.corpora.read.read_for_audit`.
        overlap: Compares two corpora by the threshold and seed of the settings.

    Raises:
        UsageError: One cannot be read, or repeats documents of a side.
    """
    corpora = read_corpora(settings, requested, suspect, heldout, read)
    if "placebo" in corpora:
        require_comparable(corpora["placebo"], heldout, first="placebo")
    for role, others in _APART.items():
        for other in others:
            if role in corpora and other in corpora:
                _require_apart(corpora[role], role, other, overlap(corpora[role], corpora[other], settings))
    return corpora


def read_corpora(
    settings: AuditSettings,
    requested: SeriesSettings,
    suspect: Corpus,
    heldout: Corpus,
    read: Callable[[str, AuditSettings], Corpus],
) -> Mapping[Role, Corpus]:
    """`read_apart` for corpora that it has not refused before."""
    corpora: dict[Role, Corpus] = {"suspect": suspect, "heldout": heldout}
    if requested.placebo is not None:
        corpora["placebo"] = disambiguate_groups(heldout, read(requested.placebo, settings))
    if requested.general is not None:
        corpora["general"] = read(requested.general, settings)
    return corpora


_APART: dict[Role, tuple[Role, ...]] = {
    "placebo": ("suspect", "heldout"),
    "general": ("suspect", "heldout", "placebo"),
}


def _require_apart(corpus: Corpus, role: Role, name: Role, shared: Overlap) -> None:
    """Refuse a corpus that repeats documents of another, as a whole, nearly, or one within the other.

    A reminder trained on texts that hold suspect documents would bring back what it was just told.
    """
    pairs = shared.pairs
    if pairs:
        kind = {"exact": "the same", "near": "nearly the same", "contained": "one within the other"}[pairs[0].kind]
        raise UsageError(
            f"the {role} set {corpus.source} repeats documents of the {name} set: {pairs[0].suspect!r} and "
            f"{pairs[0].heldout!r} are {kind} ({len(pairs)} such pairs)",
            hint="It must be text that is in no other set.",
        )
