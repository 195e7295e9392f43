from __future__ import annotations

import numpy as np

from auditor.forgetting.measures.levels import change_deciles, largest_changes


def hits(count: int) -> list[int]:
    return [1] * count + [0] * (20 - count)


def test_movements_leave_the_drift_out(record, series):
    bits = {"stays": [2.0, 3.0, 1.0], "falls": [2.0, 2.0, 1.0], "rises late": [2.0, 3.0, 4.0]}
    suspect = [[record(value) for value in row] for row in bits.values()]
    heldout = [[record(1.0), record(1.5), record(0.5)], [record(3.0), record(4.5), record(1.5)]]
    made = series({"suspect": suspect, "heldout": heldout}, groups={"suspect": ["a", "a", "b"]})
    found = largest_changes(made)
    assert [movement.id for movement in found] == ["suspect-2", "suspect-1", "suspect-0"]
    assert [movement.group for movement in found] == ["b", "a", "a"]
    # The held-out documents drift by +1 and -1 on average.
    np.testing.assert_allclose([m.moves for m in found], [[0, 0, 3], [0, -1, 0], [0, 0, 0]], atol=1e-6)
    assert [movement.id for movement in largest_changes(made, limit=1)] == ["suspect-2"]
    assert [len(movement.memorised) for movement in found] == [3, 3, 3]


def test_memorised_of_a_mover_is_what_the_counts_count(record, series):
    suspect = [[record(2.0, hits=hits(18)), record(3.0, hits=hits(2))]]
    heldout = [[record(2.0, hits=hits(4)), record(2.0, hits=hits(4))] for _ in range(2)]
    made = series({"suspect": suspect * 2, "heldout": heldout})
    assert largest_changes(made)[0].memorised == (True, False)


def test_slopes_are_deciles_of_all_documents(series_of_losses):
    rng = np.random.default_rng(0)
    suspect, heldout = rng.normal(2, 0.5, (31, 2)), rng.normal(2, 0.5, (21, 2))
    found = change_deciles(series_of_losses({"suspect": suspect, "heldout": heldout}))
    drift = (heldout[:, 1] - heldout[:, 0]).mean()
    assert found.suspect[0] == found.heldout[0] == (0.0,) * 9
    for deciles, losses in ((found.suspect[1], suspect), (found.heldout[1], heldout)):
        moved = losses[:, 1] - losses[:, 0] - drift
        np.testing.assert_allclose(deciles, np.percentile(moved, range(10, 100, 10)), atol=1e-6)
