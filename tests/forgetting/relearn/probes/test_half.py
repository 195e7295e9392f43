"""Which groups are trained on: whole ones, half of them, drawn by name alone."""

from __future__ import annotations

import numpy as np

from auditor.forgetting.relearn.probes.half import trained_half
from auditor.results.forgetting.measurements import Role


def draw(groups: dict[Role, list[str]], seed: int = 0) -> frozenset[str]:
    return trained_half(groups, np.random.default_rng(seed))


def named(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{index}" for index in range(count)]


def test_the_twins_train_on_equally_many_groups() -> None:
    drawn = draw({"suspect": named("s", 30), "heldout": named("h", 9), "placebo": named("p", 7)})
    counts = [sum(name.startswith(letter) for name in drawn) for letter in "shp"]
    assert counts == [4, 4, 3]


def test_a_group_on_both_sides_is_cut_on_neither() -> None:
    both = named("b", 10)
    drawn = draw({"suspect": [*both, *named("s", 6)], "heldout": [*both, *named("h", 8)]})
    assert sum(name in drawn for name in both) == 5
    assert sum(name.startswith("s") for name in drawn) == sum(name.startswith("h") for name in drawn) == 3


def test_sets_that_share_all_groups_are_halved_too() -> None:
    both = named("b", 10)
    assert len(draw({"suspect": both, "heldout": both})) == 5
    drawn = draw({"suspect": both, "heldout": [*both, *named("h", 4)]})
    assert sum(name in drawn for name in both) == 5


def test_a_placebo_does_not_change_what_else_is_drawn() -> None:
    alone: dict[Role, list[str]] = {"suspect": named("s", 20), "heldout": named("h", 20)}
    beside = draw({**alone, "placebo": named("p", 8)})
    assert {name for name in beside if not name.startswith("p")} == draw(alone)
    assert sum(name.startswith("p") for name in beside) == 4


def test_the_draw_is_random_and_depends_on_the_seed_alone() -> None:
    groups: dict[Role, list[str]] = {"suspect": named("s", 20), "heldout": named("h", 20)}
    again: dict[Role, list[str]] = {"heldout": named("h", 20)[::-1], "suspect": named("s", 20)[::-1]}
    assert draw(groups, 3) == draw(again, 3) != draw(groups, 4)
    often = np.zeros(20)
    for seed in range(400):
        often += [name in draw(groups, seed) for name in named("s", 20)]
    assert np.all(np.abs(often / 400 - 0.5) < 0.1)
