"""What was kept of a series and edited by hand is refused with what is wrong, before anything is computed from it."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from auditor.core.errors import UsageError
from auditor.forgetting.validate import require_consistent
from auditor.results.forgetting.measurements import MEASURES, SeriesMeasurements

DOCUMENTS, POINTS, STEPS = 4, 2, (1, 2)


def _cells(rows: int, columns: int) -> list[list[float]]:
    return [[1.0 + row + column / 10 for column in range(columns)] for row in range(rows)]


def _set(role: str) -> dict[str, Any]:
    compared = role != "general"
    table = {
        "columns": [{"name": "bits-per-byte", "family": "loss", "direction": -1}],
        "values": _cells(DOCUMENTS, 1),
    }
    return {
        "ids": [f"{role}-{place}" for place in range(DOCUMENTS)],
        "groups": [f"{role}-{place}" for place in range(DOCUMENTS)],
        "truncated": [0] * POINTS,
        "measures": {name: _cells(DOCUMENTS, POINTS) for name in (MEASURES if compared else MEASURES[:1])},
        "features": [table for _ in range(POINTS)] if compared else [],
    }


def _tree() -> dict[str, Any]:
    """A series that fits together, with all that there can be in it."""
    roles = ["suspect", "heldout", "placebo"]
    losses = _cells(3 * DOCUMENTS, len(STEPS))
    probe = {
        "name": "reminder",
        "method": "by hand",
        "roles": roles,
        "steps": list(STEPS),
        "copies": [{"sets": roles, "per_byte": losses, "per_token": losses}],
    }
    relearning = {"probes": [probe], "per_token": [1.0] * 3 * DOCUMENTS, "not_run": [], "budget": "none"}
    numerics = {"probed": 0, "batch_difference": 0.0, "token_difference": 0.0, "shuffled": 0, "disordered": 0}
    beside = _cells(DOCUMENTS, 3)
    tree = {
        "checkpoints": [
            {"name": name, "source": name, "numerics": numerics, "vs_origin": beside, "relearning": kept}
            for name, kept in (("origin", None), ("later", relearning))
        ],
        "sets": {role: _set(role) for role in (*roles, "general")},
        "tasks": [
            {
                "name": "words",
                "source": "words.csv",
                "sha256": "",
                "classes": ["a", "b"],
                "models": ["untrained", "origin", "later"],
                "ids": ["x", "y", "z"],
                "unit": [0, 1, 1],
                "observed": ["010", "011", "111"],
                "probed": ["010", "011", "111"],
            }
        ],
        "notes": [],
    }
    # Through JSON, so that no part is shared.
    unshared: dict[str, Any] = json.loads(json.dumps(tree))
    return unshared


def _at(tree: Any, *keys: Any) -> Any:
    for key in keys:
        tree = tree[key]
    return tree


def _drop(*keys: Any) -> Callable[[Any], None]:
    def edit(tree: Any) -> None:
        del _at(tree, *keys[:-1])[keys[-1]]

    return edit


def _put(value: Any, *keys: Any) -> Callable[[Any], None]:
    def edit(tree: Any) -> None:
        _at(tree, *keys[:-1])[keys[-1]] = value

    return edit


PROBE = ("checkpoints", 1, "relearning", "probes", 0)


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_drop("sets", "heldout"), "suspect or the held-out set is missing"),
        (_drop("checkpoints", 1), "two checkpoints"),
        (_put("origin", "checkpoints", 1, "name"), "a unique name for each"),
        (_drop("sets", "placebo", "groups", 0), "placebo: ids, groups and checkpoints"),
        (_drop("sets", "suspect", "truncated", 0), "suspect: ids, groups and checkpoints"),
        (_drop("sets", "suspect", "measures", "k-extractable"), "suspect: a measure is missing"),
        (_drop("sets", "general", "measures", "loss"), "general: a measure is missing"),
        (_drop("sets", "suspect", "measures", "loss", 0), "suspect: the measures do not match"),
        (_put([[None, 1.0]] * DOCUMENTS, "sets", "suspect", "measures", "loss"), "suspect: no document has a loss"),
        (_drop("sets", "heldout", "features", 1), "heldout: the features do not match the checkpoints"),
        (_put([], "sets", "heldout", "features"), "the features do not match the"),
        (_drop("sets", "placebo", "features", 1, "values", 0), "placebo: the features do not match the documents"),
        (_put("zlib", "sets", "placebo", "features", 1, "columns", 0, "name"), "placebo: the features do not match"),
        (_put([], "sets", "suspect", "features", 0, "columns"), "suspect: the features do not match the documents"),
        (_drop("checkpoints", 1, "vs_origin", 0), "later: divergence and agreement"),
        (_drop("sets", "general"), "origin: divergence and agreement"),
        (_put(["suspect"], *PROBE, "roles"), "later: the sets of reminder"),
        (_put(["heldout", "suspect"], *PROBE, "roles"), "later: the sets of reminder"),
        (_drop("checkpoints", 1, "relearning", "per_token", 0), "later: losses of the unchanged checkpoint"),
        (_drop(*PROBE, "copies", 0), "later: copies or steps of reminder"),
        (_drop(*PROBE, "steps", 0), "later: the losses of reminder"),
        (_drop(*PROBE, "copies", 0, "per_token", 0), "later: the losses of reminder"),
        (_drop("tasks", 0, "unit", 0), "task words"),
        (_put([0, 2, 2], "tasks", 0, "unit"), "task words"),
        (_put("01", "tasks", 0, "observed", 0), "task words"),
        (_drop("tasks", 0, "probed", 0), "task words"),
        (_put("else", "tasks", 0, "models", 2), "task words"),
        (_put("x", "tasks", 0, "ids", 1), "task words"),
    ],
)
def test_inconsistent_measurements_are_refused(edit: Callable[[Any], None], message: str) -> None:
    tree = _tree()
    require_consistent(SeriesMeasurements.model_validate(tree))
    edit(tree)
    with pytest.raises(UsageError, match=message):
        require_consistent(SeriesMeasurements.model_validate(tree))


def test_cells_come_back_to_the_last_bit() -> None:
    rng = np.random.default_rng(0)
    values = rng.standard_normal((50, 3)) * 10.0 ** rng.integers(-300, 300, (50, 3))
    values[0, 0], values[1, 1], values[2, 2] = math.nan, 5e-324, -0.0
    tree = _tree()
    tree["sets"]["suspect"]["features"][0]["values"] = np.where(np.isnan(values), None, values).tolist()
    kept = SeriesMeasurements.model_validate_json(SeriesMeasurements.model_validate(tree).model_dump_json())
    assert kept.sets["suspect"].features[0].values.tobytes() == values.tobytes()


def test_a_series_is_concluded_without_torch() -> None:
    code = "import auditor.forgetting.conclude, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
