"""Exact McNemar tests between checkpoints on the same documents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy.stats import binomtest

from auditor.inference.multiplicity import holm
from auditor.results.forgetting.tasks import PairedTest


@dataclass(frozen=True, slots=True)
class Pair:
    """Two checkpoints on one task, and which documents each got right, by document id."""

    task: str
    earlier: str
    later: str
    before: Mapping[str, bool]
    after: Mapping[str, bool]


def mcnemar(lost: int, gained: int) -> float:
    """Two-sided exact p-value of McNemar's test.

    Null: a document that changed is as likely lost as gained. Unit: the document. Assumes documents to be independent.
    Source: McNemar 1947, in its exact binomial form. Without any change it is 1.
    """
    return min(1.0, float(binomtest(lost, lost + gained).pvalue)) if lost + gained else 1.0


def paired_tests(pairs: Sequence[Pair]) -> tuple[PairedTest, ...]:
    """Test all pairs, with Holm's correction over them.

    Documents are matched by id, never by their place in a list.

    Raises:
        ValueError: The two sides of a pair are not about the same documents.
    """
    counts = []
    for pair in pairs:
        if pair.before.keys() != pair.after.keys():
            raise ValueError(f"{pair.earlier} and {pair.later} did not read the same documents of {pair.task}")
        lost = sum(right and not pair.after[name] for name, right in pair.before.items())
        gained = sum(pair.after[name] and not right for name, right in pair.before.items())
        counts.append((lost, gained))
    p_values = [mcnemar(lost, gained) for lost, gained in counts]
    return tuple(
        PairedTest(
            task=pair.task,
            earlier=pair.earlier,
            later=pair.later,
            lost=lost,
            gained=gained,
            p_value=p_value,
            p_adjusted=adjusted,
        )
        for pair, (lost, gained), p_value, adjusted in zip(pairs, counts, p_values, holm(p_values), strict=True)
    )
