"""Sides: the sets of an audit as they are compared, without the few documents that several of them share."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from auditor.core.errors import UsageError
from auditor.corpora.comparable import disambiguate_groups
from auditor.corpora.document import TEXT, Corpus, without
from auditor.corpora.overlap import find_shared, shared_groups
from auditor.corpora.read import describe_shape
from auditor.results.forgetting.measurements import COMPARED, Role
from auditor.results.overlap import SharedDocument
from auditor.results.policy import Policy

TWO_SIDES: tuple[Role, Role] = ("suspect", "heldout")


@dataclass(frozen=True, slots=True)
class Sides:
    """The sets of an audit.

    Attributes:
        corpora: The documents that are compared, by role; `suspect` and `heldout` are always there. Held-out groups
            bear no name of a suspect document, nor placebo groups one of a held-out document.
        shared: The documents that several sets share. They are left out of `corpora` where they are few.
    """

    corpora: Mapping[Role, Corpus]
    shared: tuple[SharedDocument, ...]

    @property
    def suspect(self) -> Corpus:
        """The suspect documents."""
        return self.corpora["suspect"]

    @property
    def heldout(self) -> Corpus:
        """The held-out documents."""
        return self.corpora["heldout"]


def shared_documents(read: Mapping[Role, Corpus], *, policy: Policy, seed: int) -> tuple[SharedDocument, ...]:
    """The documents that several sets of an audit share.

    Args:
        read: The sets as read, by role.
        policy: How alike documents are that count as shared.
        seed: The audit's seed.

    Returns:
        Every document of a cluster that touches several of the sets that are compared (suspect, held-out, placebo);
        and of general text, which is compared with none of them, the documents that are in any other set.
    """
    threshold = policy.overlap_similarity
    compared = {role: read[role] for role in COMPARED if role in read}
    shared = find_shared(compared, threshold=threshold, seed=seed)
    if "general" not in read:
        return shared
    numbered = max((document.cluster + 1 for document in shared), default=0)
    return shared + tuple(
        replace(document, cluster=numbered + document.cluster)
        for document in find_shared(read, threshold=threshold, seed=seed)
        if document.role == "general"
    )


def require_one_shape(read: Mapping[Role, Corpus]) -> None:
    """Refuse to compare sets of different shapes, as their texts would differ by what is around them.

    Raises:
        UsageError: A set that is compared holds other columns than the suspect set.
    """
    ours = read["suspect"]
    if "general" in read and read["general"].shape not in (ours.shape, TEXT):
        raise UsageError(
            f"the general set {read['general'].source} holds {describe_shape(read['general'].shape)}, and "
            f"{ours.source} {describe_shape(ours.shape)}",
            hint="Give general text of the same shape, or plain text.",
        )
    for role in COMPARED:
        if role in read and read[role].shape != ours.shape:
            raise UsageError(
                f"{ours.source} holds {describe_shape(ours.shape)}, and {read[role].source} holds "
                f"{describe_shape(read[role].shape)}",
                hint="Give both sides the same columns: what is compared must differ by training alone.",
            )


def separate(read: Mapping[Role, Corpus], shared: tuple[SharedDocument, ...], policy: Policy) -> Sides:
    """Leave out what the sets of an audit share, where it is little.

    No set that is compared is preferred, so that leaving documents out makes no difference between the sets.

    Args:
        read: The sets as read, by role.
        shared: Their shared documents.
        policy: How many of them are few. Of the two sides, many stay where they are, for the guard to refuse.

    Raises:
        UsageError: The placebo or the general set shares many documents with others.
    """
    counts = {role: len(corpus.documents) for role, corpus in read.items()}
    out = {role for role in read if role not in TWO_SIDES}
    if are_few(shared, counts, TWO_SIDES, policy.most_shared):
        out |= set(TWO_SIDES)
    for role in read:
        if role not in TWO_SIDES and not are_few(shared, counts, (role,), policy.most_shared):
            _refuse(role, read[role], shared, policy.most_shared)
    corpora = {
        role: without(corpus, [document.index for document in shared if document.role == role and role in out])
        for role, corpus in read.items()
    }
    corpora["heldout"] = disambiguate_groups(corpora["suspect"], corpora["heldout"])
    if "placebo" in corpora:
        corpora["placebo"] = disambiguate_groups(corpora["heldout"], corpora["placebo"])
    return Sides(corpora, shared)


def are_few(
    shared: Sequence[SharedDocument], documents: Mapping[Role, int], roles: Collection[Role], limit: float
) -> bool:
    """Whether shared documents are at most a share of each set.

    Args:
        shared: Shared documents of any set.
        documents: Number of documents read of each set.
        roles: The sets that count.
        limit: The largest share.
    """
    return all(sum(document.role == role for document in shared) <= limit * documents[role] for role in roles)


@dataclass(frozen=True, slots=True)
class Overlap:
    """What the two sides share.

    Attributes:
        shared: The documents of both that are in a cluster that touches several sets.
        left_out: Whether these are left out; they are not where they are many.
        read: Number of documents read of each side.
        groups: Groups named on both sides among the documents that are compared, sorted.
    """

    shared: tuple[SharedDocument, ...]
    left_out: bool
    read: tuple[int, int]
    groups: tuple[str, ...]


def overlap_of(sides: Sides) -> Overlap:
    """What the two sides of an audit share."""
    suspect, heldout = sides.suspect, sides.heldout
    named = ([(document.id, document.group) for document in side.documents] for side in (suspect, heldout))
    return Overlap(
        shared=on_two_sides(sides.shared),
        left_out=bool(suspect.left_out or heldout.left_out),
        read=(len(suspect.documents) + len(suspect.left_out), len(heldout.documents) + len(heldout.left_out)),
        groups=shared_groups(*named),
    )


def on_two_sides(shared: Sequence[SharedDocument]) -> tuple[SharedDocument, ...]:
    """The shared documents of the suspect and the held-out set."""
    return tuple(document for document in shared if document.role in TWO_SIDES)


def _refuse(role: Role, corpus: Corpus, shared: Sequence[SharedDocument], limit: float) -> None:
    ours = [document for document in shared if document.role == role]
    raise UsageError(
        f"the {role} set {corpus.source} repeats documents of another set: {len(ours):,} of "
        f"{len(corpus.documents):,}, the first {ours[0].id!r}, where at most {limit:.0%} are left out",
        hint="It must be text that is in no other set.",
    )
