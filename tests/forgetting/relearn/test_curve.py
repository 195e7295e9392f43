"""The statistics of the interventions on made-up losses: their level, their power, what they must not heed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from auditor.forgetting.relearn.curve import Losses, Units, describe_curve, summarise_curve, units_of


def losses(
    ours: Sequence[Sequence[float]] | np.ndarray,
    theirs: Sequence[Sequence[float]] | np.ndarray,
    groups: list[str] | None = None,
) -> Losses:
    both = np.vstack([ours, theirs]).astype(np.float64)
    names = groups or [f"g{index}" for index in range(len(both))]
    return Losses(both, both[None], names, np.arange(len(both)) < len(ours))


def units(some: Losses, seed: int = 0) -> Units:
    return units_of(some, np.random.default_rng(seed))


def walk(rng: np.random.Generator, documents: int, points: int = 5) -> np.ndarray:
    """Losses as a training gives them: a hard document stays hard, gains are alike, each step adds its noise."""
    start = rng.gamma(4.0, 0.5, (documents, 1))
    gains = np.cumsum(rng.normal(0.05, 0.03, (documents, points - 1)) * start, axis=1)
    return np.hstack([start, start - gains])


@pytest.mark.simulation
@pytest.mark.parametrize("shared", [False, True])
def test_where_nothing_was_shown_few_recover(shared: bool) -> None:
    """600 pairs of sets from one source: at level 0.1 the rate has a standard error of 0.012."""
    rng = np.random.default_rng(5)
    count, repeats = 14, 600
    groups = [f"g{i}" for i in range(count)] + [f"g{i}" if shared and i < 6 else f"h{i}" for i in range(count)]
    found = []
    for repeat in range(repeats):
        both = walk(rng, 2 * count)
        outcome = summarise_curve(
            units(losses(both[:count], both[count:], groups), repeat),
            permutations=59,
            rng=np.random.default_rng([repeat, 1]),
        )
        found.append((outcome.after, outcome.rise, outcome.both))
    after, rise, both_hold = (np.array(found) <= 0.1).mean(axis=0)
    assert 0.05 < after < 0.14
    assert 0.05 < rise < 0.14
    assert both_hold <= min(after, rise)


def test_a_trace_that_comes_back_is_found_and_one_that_stays_away_is_not() -> None:
    rng = np.random.default_rng(1)
    theirs, never, back = walk(rng, 60), walk(rng, 60), walk(rng, 60)
    back[:, 2:] *= 0.5

    def p(ours: np.ndarray) -> float:
        return summarise_curve(units(losses(ours, theirs)), permutations=999, rng=np.random.default_rng(2)).both

    assert p(back) <= 0.002
    assert p(never) > 0.05


def test_a_trace_that_was_there_before_is_not_a_recovery() -> None:
    """Lower losses throughout, with the same gains: the rise says no, and both must hold."""
    rng = np.random.default_rng(2)
    ours, theirs = (rng.normal(level, 0.1, (50, 1)) - [[0, 0.1, 0.2]] for level in (1.0, 2.0))
    noise = rng.normal(0, 0.01, (100, 3))
    outcome = summarise_curve(
        units(losses(ours + noise[:50], theirs + noise[50:])), permutations=999, rng=np.random.default_rng(0)
    )
    assert outcome.after == 0.001
    assert outcome.rise > 0.05
    assert outcome.both == outcome.rise


def test_gains_without_better_losses_are_not_a_recovery() -> None:
    """The suspect set was pushed up and comes down to where the held-out set is: it gains more and is not better."""
    rng = np.random.default_rng(3)
    end = rng.normal(2.0, 0.3, (100, 1))
    pushed = np.r_[np.full(50, 0.5), np.zeros(50)][:, None]
    both = np.hstack([end + pushed + rng.normal(0, 0.05, (100, 1)), end])
    outcome = summarise_curve(units(losses(both[:50], both[50:])), permutations=999, rng=np.random.default_rng(0))
    assert outcome.rise == 0.001
    assert outcome.after > 0.05


def test_a_set_that_scores_worse_does_not_recover() -> None:
    """The test is one-sided."""
    rng = np.random.default_rng(4)
    ours, theirs = walk(rng, 40), walk(rng, 40)
    ours[:, 1:] += 1.0
    outcome = summarise_curve(units(losses(ours, theirs)), permutations=499, rng=np.random.default_rng(0))
    assert outcome.after > 0.9
    assert outcome.rise > 0.9


def test_the_luck_of_a_twin_shows_in_the_gap_and_not_in_the_test() -> None:
    """The copy trained on held-out documents went badly: every document is worse under it, and the gap jumps."""
    rng = np.random.default_rng(6)
    mine = walk(rng, 80, points=2)
    other = mine + np.array([0.0, 1.0])
    suspect = np.arange(80) < 40
    shown = np.where(suspect[:, None], mine, other)
    some = Losses(shown, ((mine + other) / 2)[None], [f"g{i}" for i in range(80)], suspect)
    lucky = units(some)
    figures = describe_curve(lucky, bootstraps=200, rng=np.random.default_rng(0))
    assert figures[1].gap.value - figures[0].gap.value > 0.9
    # Had the test looked at the gap, it would have found it.
    naive = Losses(shown, shown[None], some.groups, suspect)
    assert summarise_curve(units(naive), permutations=999, rng=np.random.default_rng(1)).both == 0.001
    assert summarise_curve(lucky, permutations=999, rng=np.random.default_rng(1)).both > 0.05


def test_figures_by_hand() -> None:
    """Groups of two, one and two documents a side: means over groups, not documents."""
    ours = [[4, 1], [2, 1], [5, 2], [1, 1], [3, 2]]
    theirs = [[5, 3], [3, 3], [4, 2], [2, 1], [6, 4]]
    groups = ["a", "a", "b", "c", "c", "d", "d", "e", "f", "f"]
    start, end = describe_curve(units(losses(ours, theirs, groups)), bootstraps=100, rng=np.random.default_rng(0))
    # Suspect groups: a 3, b 5, c 2 -> 1, 2, 1.5; held-out d 4, e 4, f 4 -> 3, 2, 2.5.
    assert start.suspect.value == pytest.approx(10 / 3)
    assert start.heldout.value == pytest.approx(4)
    assert end.suspect.value == pytest.approx(1.5)
    assert end.heldout.value == pytest.approx(2.5)
    assert end.gap.value == pytest.approx(1.0)
    assert end.gap.low <= 1.0 <= end.gap.high
    assert start.auc.value == pytest.approx(6 / 9)
    # Nine pairs of 1, 2, 1.5 against 3, 2, 2.5: eight below and one tie.
    assert end.auc.value == pytest.approx(8.5 / 9)


def test_documents_without_a_scored_token_are_left_out() -> None:
    ours, theirs = [[1.0, 1.0], [2.0, 1.0], [np.nan, np.nan]], [[3.0, 2.0], [4.0, 3.0], [5.0, 9.0]]
    start, end = describe_curve(units(losses(ours, theirs)), bootstraps=50, rng=np.random.default_rng(0))
    assert start.suspect.value == pytest.approx(1.5)
    assert end.heldout.value == pytest.approx(14 / 3)


def test_the_largest_over_the_steps_pays_for_its_choice() -> None:
    """The same effect at one step is worth less beside nineteen steps of noise than alone."""
    rng = np.random.default_rng(8)
    start = np.zeros((60, 1))
    noise = rng.normal(0, 1, (60, 20))
    noise[:30, 7] -= 0.7
    alone = units(losses(np.hstack([start, noise[:, 7:8]])[:30], np.hstack([start, noise[:, 7:8]])[30:]))
    among = units(losses(np.hstack([start, noise])[:30], np.hstack([start, noise])[30:]))
    first, second = (
        summarise_curve(some, permutations=1999, rng=np.random.default_rng(0)).after for some in (alone, among)
    )
    assert first < second / 3


@pytest.mark.simulation
def test_a_reading_that_shows_it_is_enough_and_more_of_them_do_not_inflate_the_level() -> None:
    """One reading of pure noise beside one that tells: found. Three of noise: the rate stays at the level."""
    rng = np.random.default_rng(9)
    suspect, groups = np.arange(40) < 20, [f"g{i}" for i in range(40)]

    def p(*tested: np.ndarray) -> float:
        some = Losses(tested[0], np.stack(tested), groups, suspect)
        return summarise_curve(units(some), permutations=99, rng=np.random.default_rng(0)).both

    told = walk(rng, 40)
    told[:20, 1:] *= 0.4
    assert p(walk(rng, 40), told) <= 0.02
    rates = [p(*(walk(rng, 40) for _ in range(3))) <= 0.1 for _ in range(300)]
    assert np.mean(rates) < 0.13
