"""McNemar's exact test: by hand, by document id, and against the unpaired test it replaces."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from auditor.forgetting.tasks.paired import Pair, mcnemar, paired_tests


def _pair(before: str, after: str, later: str = "b") -> Pair:
    """Right (1) and wrong (0) of documents d0, d1, ..."""
    return Pair(
        "t",
        "a",
        later,
        {f"d{i}": letter == "1" for i, letter in enumerate(before)},
        {f"d{i}": letter == "1" for i, letter in enumerate(after)},
    )


def test_the_p_value_by_hand() -> None:
    assert mcnemar(0, 0) == 1.0
    assert mcnemar(5, 0) == pytest.approx(2 / 2**5)
    assert mcnemar(0, 5) == mcnemar(5, 0)
    # 1 of 6: (1 + 6) of 64 on one side.
    assert mcnemar(5, 1) == pytest.approx(2 * 7 / 64)
    assert mcnemar(3, 3) == 1.0


def test_lost_and_gained_are_not_netted_and_holm_corrects() -> None:
    first, second = paired_tests([_pair("1111111100", "0000000011"), _pair("1111100000", "1111100001", "c")])
    assert (first.lost, first.gained) == (8, 2)
    assert first.p_value == pytest.approx(2 * (1 + 10 + 45) / 2**10)
    assert first.p_adjusted == pytest.approx(2 * first.p_value)
    assert (second.lost, second.gained, second.p_adjusted) == (0, 1, 1.0)


def test_documents_are_paired_by_id_whatever_their_order() -> None:
    pair = _pair("1100", "1010")
    turned = Pair("t", "a", "b", pair.before, dict(reversed(pair.after.items())))
    assert paired_tests([turned]) == paired_tests([pair])


def test_other_documents_are_refused() -> None:
    with pytest.raises(ValueError, match="same documents"):
        paired_tests([Pair("t", "a", "b", {"d0": True}, {"d1": True})])


def test_no_pairs_no_tests() -> None:
    assert paired_tests([]) == ()


def test_power_where_outcomes_are_paired() -> None:
    # 220 documents, 10 % of the right ones lost and 3 % of the wrong ones gained: a drop of about 5 points.
    rng, runs, documents = np.random.default_rng(0), 1000, 220
    paired = unpaired = 0
    for _ in range(runs):
        before = rng.random(documents) < 0.62
        after = np.where(before, rng.random(documents) >= 0.10, rng.random(documents) < 0.03)
        paired += mcnemar(int((before & ~after).sum()), int((after & ~before).sum())) < 0.05
        one, two = before.mean(), after.mean()
        spread = np.sqrt(one * (1 - one) / (documents - 1) + two * (1 - two) / (documents - 1))
        unpaired += 2 * norm.sf(abs(one - two) / spread) < 0.05
    assert paired / runs > 0.7
    assert unpaired / runs < 0.1


def test_level_under_the_null() -> None:
    rng = np.random.default_rng(1)
    low = sum(mcnemar(int(lost), 30 - int(lost)) < 0.05 for lost in rng.binomial(30, 0.5, size=2000))
    assert low / 2000 < 0.06
