"""Which references count as controls."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from auditor.audit.conclude import control_labels
from auditor.membership.assess import towards_training
from auditor.results.measurements import Measurements
from auditor.results.policy import Policy
from auditor.results.rows import Column, FeatureTable
from auditor.results.separability import Separability


def table(**columns: list[float]) -> FeatureTable:
    named = tuple(Column(name.replace("_", "-"), "loss", -1) for name in columns)
    return FeatureTable(columns=named, values=np.array(list(columns.values()), dtype=np.float64).T)


def labels(target: FeatureTable, **controls: FeatureTable) -> tuple[str, ...]:
    return control_labels(cast(Measurements, SimpleNamespace(features=target, controls=controls)), Policy())


def test_a_reference_that_reads_far_worse_is_no_control() -> None:
    target = table(bits_per_byte=[1.0, 2.0, np.nan])
    near, limit, far = table(bits_per_byte=[1.1, 2.1, 9.0]), table(bits_per_byte=[2.25]), table(bits_per_byte=[2.26])
    assert labels(target, limit=limit, far=far) == ("limit",)
    assert labels(table(bits_per_byte=[4.0]), near=near) == ("near",)


def test_bits_a_byte_decide_where_there_are_any_and_a_loss_a_token_otherwise() -> None:
    target = table(bits_per_byte=[1.0], loss=[1.0])
    assert labels(target, both=table(bits_per_byte=[1.0], loss=[9.0])) == ("both",)
    assert labels(table(loss=[1.0]), tokens=table(loss=[1.2])) == ("tokens",)


def test_without_a_feature_of_the_loss_no_reference_counts() -> None:
    assert labels(table(min_k=[1.0]), base=table(min_k=[1.0])) == ()
    assert labels(table(bits_per_byte=[1.0])) == ()


@pytest.mark.parametrize(("mean_z", "p_value"), [(2.0, 0.01), (None, 0.01), (0.0, 1.0), (-2.0, 1.0)])
def test_a_change_away_from_training_is_no_excess(mean_z: float | None, p_value: float) -> None:
    assert towards_training(cast(Separability, SimpleNamespace(p_value=0.01, mean_z=mean_z))) == p_value
