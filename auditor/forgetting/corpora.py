"""The corpora of a series."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from auditor.core.errors import UsageError
from auditor.corpora.comparable import disambiguate_groups, require_comparable
from auditor.corpora.document import Corpus
from auditor.corpora.overlap import Overlap
from auditor.results.forgetting.measurements import Role
from auditor.settings import AuditSettings, SeriesSettings


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

    Raises:
        UsageError: It does.
    """
    pairs = shared.pairs
    if pairs:
        kind = {"exact": "the same", "near": "nearly the same", "contained": "one within the other"}[pairs[0].kind]
        raise UsageError(
            f"the {role} set {corpus.source} repeats documents of the {name} set: {pairs[0].suspect!r} and "
            f"{pairs[0].heldout!r} are {kind} ({len(pairs)} such pairs)",
            hint="It must be text that is in no other set.",
        )
