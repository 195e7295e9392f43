"""Units of a test of natural identifiers: each with decoys of its law and the context that it is scored in.

Null: the model does not depend on the identifier beyond its law and its context. Unit: the identifier, however often
and in however many files it stands. Assumption: given its format, an identifier is uniform over all values; digests and
random UUIDs are, for whoever does not know what was hashed. A rejection says that the model has seen the identifiers,
and not where.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auditor.core.seeds import stream
from auditor.dealt.identifiers.famous import famous_payloads, patterned
from auditor.dealt.identifiers.kind import IdentifierKind, all_kinds
from auditor.dealt.identifiers.masking import mask_copies

FEWEST_UNITS = 20
DECOYS = 127
CONTEXT = 1000
"""Characters before and after an identifier that it is scored in."""
_SHARED = 10
"""Digits that two random identifiers share at either end with a probability of 1e-12."""
_NOT_UNIFORM = 1e-4
_DIGITS = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class IdentifierUnit:
    """One identifier among its decoys.

    Attributes:
        kind: What it is.
        document: Id of the document it stands in first.
        start: Its first character there.
        before: Text before it, without other occurrences of it.
        after: Text after it, likewise.
        candidates: The identifier, then its decoys; none twice.
        tie_order: [candidates] the order of equal scores, drawn apart.
        occurrences: How often it stands in all documents.
    """

    kind: str
    document: str
    start: int
    before: str
    after: str
    candidates: tuple[str, ...]
    tie_order: tuple[int, ...]
    occurrences: int


@dataclass(frozen=True, slots=True)
class IdentifierSurvey:
    """What the documents hold.

    Attributes:
        units: Units that can be scored.
        left_out: Identifiers that were left out, by reason.
        refusal: Why there is no test; empty where there is one.
    """

    units: tuple[IdentifierUnit, ...]
    left_out: dict[str, int]
    refusal: str


@dataclass(frozen=True, slots=True)
class _Match:
    """An identifier where it stands first."""

    kind: IdentifierKind
    value: str
    payload: str
    document: int
    start: int


def survey_identifiers(
    documents: Sequence[tuple[str, str]], *, seed: int, decoys: int = DECOYS, context: int = CONTEXT
) -> IdentifierSurvey:
    """Find identifiers of known law and draw decoys.

    Args:
        documents: Id and text of each.
        seed: Of the decoys and the order of ties; each depends on the identifier and the seed alone.
        decoys: Decoys of each identifier.
        context: Characters before and after it that it is scored in.
    """
    left_out: Counter[str] = Counter()
    first: dict[str, _Match] = {}
    occurrences: Counter[str] = Counter()
    for match in _matches([text for _, text in documents]):
        occurrences[match.payload] += 1
        first.setdefault(match.payload, match)
    sound = []
    related = _related(list(first))
    for match in first.values():
        reason = _refusal(match, related)
        if reason:
            left_out[reason] += 1
        else:
            sound.append(match)
    for kind, matches in _by_kind(sound).items():
        if not _uniform(matches):
            left_out[f"digits of the kind {kind} that are not uniform"] += len(matches)
            sound = [match for match in sound if match.kind.name != kind]
    units = tuple(_unit(match, documents, occurrences[match.payload], seed, decoys, context) for match in sound)
    few = f"{len(units)} identifiers of known law, and a test needs {FEWEST_UNITS}" if len(units) < FEWEST_UNITS else ""
    return IdentifierSurvey(units, dict(left_out), few)


def _matches(texts: Sequence[str]) -> Iterator[_Match]:
    """Identifiers in reading order; characters that one kind took are not given to another."""
    for number, text in enumerate(texts):
        taken: list[tuple[int, _Match]] = []
        covered = np.zeros(len(text) + 1, dtype=bool)
        for kind in all_kinds():
            for found in kind.pattern.finditer(text):
                if not covered[found.start() : found.end()].any():
                    covered[found.start() : found.end()] = True
                    taken.append((found.start(), _Match(kind, found[0], kind.payload(found[0]), number, found.start())))
        yield from (match for _, match in sorted(taken, key=lambda pair: pair[0]))


def _refusal(match: _Match, related: frozenset[str]) -> str:
    """Why an identifier is left out; empty where it is not."""
    reason = match.kind.refuse(match.value)
    if reason:
        return reason
    if match.payload in famous_payloads():
        return "known from many texts"
    if patterned(match.payload):
        return "a pattern that no random draw gives"
    return "shares its beginning or end with another" if match.payload in related else ""


def _related(payloads: Sequence[str]) -> frozenset[str]:
    """Payloads that share ten digits at one end with another: counters, and times at the front."""
    groups: defaultdict[tuple[str, int, str], list[str]] = defaultdict(list)
    for payload in payloads:
        groups["start", len(payload), payload[:_SHARED]].append(payload)
        groups["end", len(payload), payload[-_SHARED:]].append(payload)
    return frozenset(payload for group in groups.values() if len(group) > 1 for payload in group)


def _by_kind(matches: Sequence[_Match]) -> dict[str, list[_Match]]:
    groups: defaultdict[str, list[_Match]] = defaultdict(list)
    for match in matches:
        groups[match.kind.name].append(match)
    return groups


def _uniform(matches: Sequence[_Match]) -> bool:
    """Whether no digit is too frequent at any free position; a time at the front of identifiers shows there.

    Null: free digits are uniform. Unit: the identifier. Assumption: identifiers are independent. Source: exact binomial
    tails by the union bound.
    """
    from scipy.stats import binom  # takes a second to import: only where it is computed

    counts: Counter[tuple[int, int, str]] = Counter()
    sizes: Counter[tuple[int, int]] = Counter()
    for match in matches:
        length = len(match.payload)
        for at, (digit, is_free) in enumerate(zip(match.payload, match.kind.free(match.payload), strict=True)):
            if is_free:
                counts[length, at, digit] += 1
                sizes[length, at] += 1
    cells = len(_DIGITS) * max(len(sizes), 1)
    return all(
        float(binom.sf(count - 1, sizes[length, at], 1 / len(_DIGITS))) * cells > _NOT_UNIFORM
        for (length, at, _), count in counts.items()
    )


def _unit(
    match: _Match, documents: Sequence[tuple[str, str]], occurrences: int, seed: int, decoys: int, context: int
) -> IdentifierUnit:
    name, text = documents[match.document]
    stop = match.start + len(match.value)
    rng = stream(seed, f"identifier decoys {match.payload}")
    # A copy that the edge of the context cuts is masked with what is left of it, so the mask comes after the cut.
    return IdentifierUnit(
        kind=match.kind.name,
        document=name,
        start=match.start,
        before=mask_copies(text[max(0, match.start - context) : match.start], match.payload),
        after=mask_copies(text[stop : stop + context], match.payload),
        candidates=(match.value, *draw_decoys(match.kind, match.value, decoys, rng)),
        tie_order=tuple(stream(seed, f"identifier ties {match.payload}").permutation(decoys + 1).tolist()),
        occurrences=occurrences,
    )


def draw_decoys(kind: IdentifierKind, value: str, decoys: int, rng: np.random.Generator) -> tuple[str, ...]:
    """Strings of the law of an identifier: its format and case, other random digits, and no reason to leave it out.

    Args:
        kind: What the identifier is.
        value: The identifier.
        decoys: How many; all differ from each other and from it.
        rng: Draws the digits.
    """
    own = kind.payload(value)
    free = kind.free(own)
    drawn = {own: value}
    while len(drawn) <= decoys:
        digits = rng.integers(0, len(_DIGITS), size=len(own))
        payload = "".join(
            _DIGITS[number] if is_free else digit for number, digit, is_free in zip(digits, own, free, strict=True)
        )
        written = kind.write(value, payload)
        # What an identifier would be left out for, a decoy is not either, or they had two laws.
        if not (patterned(payload) or payload in famous_payloads() or kind.refuse(written)):
            drawn.setdefault(payload, written)
    return tuple(drawn.values())[1:]
