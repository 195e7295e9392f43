"""Tests of dealt text reject as often as they promise, whatever the scores are: ties, outliers, clusters."""

from __future__ import annotations

import math
import re
from pathlib import Path

import numpy as np
import pytest
from dealt_levels import DEALT, DRAWS, LEVELS, UNITS, DealtRow

PAGE = Path(__file__).parents[2] / "docs" / "statistics.md"
FEW_DRAWS = 1000
ROW = re.compile(r"^\| ([a-z][a-z, -]+) \| (\d+) \| (\d[^\n]+) \|$", re.MULTILINE)


def three_errors(rate: float, draws: int) -> float:
    return 3 * math.sqrt(rate * (1 - rate) / draws)


@pytest.mark.simulation
@pytest.mark.parametrize("units", [5, 20])
@pytest.mark.parametrize("row", DEALT, ids=lambda row: row.name)
def test_rejections_are_as_frequent_as_promised(row: DealtRow, units: int) -> None:
    p_values = row.p_values(units, FEW_DRAWS, np.random.default_rng([units, 14]))
    for level in LEVELS:
        rate = float(np.mean(p_values <= level))
        assert rate <= level + three_errors(level, FEW_DRAWS)
        if row.attainable is not None:
            exact = row.attainable(units, level)
            assert exact <= level
            assert rate == pytest.approx(exact, abs=three_errors(exact, FEW_DRAWS) + 1e-12)


def test_the_statistics_page_has_the_simulated_rates_within_three_errors() -> None:
    table = PAGE.read_text("utf-8").partition("| test | units |")[2].partition("\n\n")[0]
    rows = {(name, int(units)): cells.split(" | ") for name, units, cells in ROW.findall(table)}
    assert list(rows) == [(row.name, units) for row in DEALT for units in UNITS]
    for row in DEALT:
        for units in UNITS:
            for level, cell in zip(LEVELS, rows[row.name, units], strict=True):
                measured, *exact = map(float, re.findall(r"[\d.]+", cell))
                assert measured <= level + three_errors(level, DRAWS)
                if row.attainable is not None:
                    assert exact == [pytest.approx(row.attainable(units, level), abs=5e-6)]
                    assert measured == pytest.approx(exact[0], abs=three_errors(exact[0], DRAWS) + 5e-6)
