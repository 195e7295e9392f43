"""Self-test of the statistical engine: random halves of simulated data must not differ."""

from __future__ import annotations

import numpy as np

from auditor.core.seeds import stream
from auditor.doctor.checkup import EngineTest
from auditor.features.catalogue import select_features
from auditor.inference.null_splits import null_split_pvalues
from auditor.results.rows import Column, Rows

LEVEL = 0.001
"""The seed is fixed, so a sound engine passes always; with another seed it would fail in one of a thousand cases."""
_SEED = 0
_GROUPS = 120
_SHARED = 0.5


def inspect_engine() -> EngineTest:
    """Run the engine on random halves of data without any effect, whose features share half their variance."""
    rng = stream(_SEED, "doctor engine")
    splits = null_split_pvalues(_rows(rng), rng=rng)
    passed = splits.uniformity_p > LEVEL
    observed = f"{splits.share_below:.0%} of {len(splits.p_values)} random halves have a p-value of 0.05 or less"
    return EngineTest(
        passed=passed,
        reason=f"{observed}, as chance has it." if passed else f"The membership test is not calibrated: {observed}.",
        remediation=""
        if passed
        else "Install the versions of numpy and scipy that the package asks for, or report it.",
        uniformity_p=splits.uniformity_p,
        level=LEVEL,
        halves=len(splits.p_values),
        share_below=splits.share_below,
    )


def _rows(rng: np.random.Generator) -> Rows:
    """Simulated groups: a column for each feature of a plain audit."""
    features = select_features("default")
    columns = tuple(Column(feature.name, feature.family, feature.direction) for feature in features)
    signs = np.array([column.direction or 1 for column in columns])
    common, own = rng.standard_normal((_GROUPS, 1)), rng.standard_normal((_GROUPS, len(columns)))
    values = signs * (np.sqrt(_SHARED) * common + np.sqrt(1 - _SHARED) * own)
    groups = tuple(f"group-{number}" for number in range(_GROUPS))
    return Rows(values, np.zeros(_GROUPS, dtype=bool), groups, columns)
