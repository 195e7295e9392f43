"""LLM Dataset Inference as published, for comparison; it never makes the verdict."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from auditor.core.errors import UsageError
from auditor.inference.design import Bools, Floats

THRESHOLD = 0.1
_TAIL = 0.025
_LIMIT = 1000
_STEPS = 1000
_RATE = 0.01
_FEWEST = 4


@dataclass(frozen=True, slots=True)
class LlmDatasetInference:
    """Result of the published procedure.

    Attributes:
        p_value: 1 - prod(1 - p) over the seeds.
        seed_p_values: The t-test's p-value with each random split.
        threshold: Below it the published procedure calls the suspect set trained on.
        detects: Whether the p-value is below the threshold.
    """

    p_value: float
    seed_p_values: tuple[float, ...]
    threshold: float
    detects: bool


def llm_dataset_inference(
    values: Floats, suspect: Bools, *, rng: np.random.Generator, seeds: int = 10
) -> LlmDatasetInference:
    """Run the procedure of Maini et al., NeurIPS 2024, section 5.1, on chunks.

    For each seed: chunks of each side are split at random in A and B (at most 1,000 each); a linear classifier
    (logistic loss, 1,000 full-batch steps of Adam at rate 0.01, suspect 0 and held-out 1) is fitted on A; the scores
    of B lose their largest and smallest 2.5 % on each side; Student's t-test asks whether suspects score lower.
    Features are first clipped to their 2.5 and 97.5 percentiles and scaled by mean and deviation of the suspect side.
    Where paper and released code differ this follows the code: values are clipped, not replaced by the mean; the
    limits are taken on each side alone and on all of its rows, B included; the t-test pools the variances.

    Null: chunks of both sides are independent draws of one law. Unit: the chunk, as published, though chunks of one
    document resemble each other. Known faults, reproduced as published: correlated chunks, limits fitted on one side
    and trimming before the t-test make single p-values too small, and the combination makes them too large.

    Args:
        values: [chunks, features]; missing values take the feature's median over both sides.
        suspect: [chunks] bool.
        rng: Draws splits and starting weights.
        seeds: Random splits.

    Raises:
        UsageError: A side has fewer than four chunks.
        ValueError: A feature has no value at all.
    """
    suspect = np.asarray(suspect, dtype=bool)
    if min(suspect.sum(), (~suspect).sum()) < _FEWEST:
        raise UsageError(f"LLM Dataset Inference needs {_FEWEST} chunks a side", hint="Add documents.")
    if np.isnan(values).all(axis=0).any():
        raise ValueError("a feature without any value cannot enter LLM Dataset Inference")
    filled = np.where(np.isnan(values), np.nanmedian(values, axis=0), values)
    sides = [_clip(filled[suspect]), _clip(filled[~suspect])]
    centre, spread = sides[0].mean(axis=0), sides[0].std(axis=0)
    sides = [(side - centre) / np.where(spread > 0, spread, 1.0) for side in sides]
    p_values = _splits(sides, rng.spawn(seeds))
    combined = float(-np.expm1(np.log1p(-np.minimum(p_values, 1 - 1e-16)).sum()))
    return LlmDatasetInference(combined, p_values, THRESHOLD, combined < THRESHOLD)


def _clip(side: Floats) -> Floats:
    low, high = np.quantile(side, [_TAIL, 1 - _TAIL], axis=0)
    return np.clip(side, low, high)


def _splits(sides: list[Floats], streams: list[np.random.Generator]) -> tuple[float, ...]:
    """The t-test's p-value for one random split a stream."""
    fitting, testing = [], []
    for stream in streams:
        shuffled = [side[stream.permutation(len(side))] for side in sides]
        fitting.append(np.vstack([side[: min(len(side) // 2, _LIMIT)] for side in shuffled]))
        testing.append([side[len(side) // 2 :][:_LIMIT] for side in shuffled])
    targets = np.repeat([0.0, 1.0], [min(len(side) // 2, _LIMIT) for side in sides])
    from scipy.stats import ttest_ind  # takes a second to import: only where it is computed

    fits = _fit(np.stack(fitting), targets, streams)
    p_values = []
    for weights, (suspects, heldout) in zip(fits, testing, strict=True):
        test = ttest_ind(_trim(suspects @ weights), _trim(heldout @ weights), alternative="less")
        p_values.append(float(test.pvalue) if np.isfinite(test.pvalue) else 1.0)
    return tuple(p_values)


def _fit(inputs: Floats, targets: Floats, streams: list[np.random.Generator]) -> Floats:
    """Weights [splits, features] of logistic classifiers after Adam (Kingma and Ba 2015, its default moments).

    All splits [splits, rows, features] are fitted side by side; none sees another.
    """
    design = np.concatenate([inputs, np.ones((*inputs.shape[:2], 1))], axis=2)
    bound = 1 / np.sqrt(inputs.shape[2])
    weights = np.stack([stream.uniform(-bound, bound, design.shape[2]) for stream in streams])
    slow, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, _STEPS + 1):
        errors = expit((design @ weights[:, :, None])[:, :, 0]) - targets
        gradient = (errors[:, None, :] @ design)[:, 0, :] / len(targets)
        slow = 0.9 * slow + 0.1 * gradient
        square = 0.999 * square + 0.001 * gradient**2
        weights = weights - _RATE * (slow / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.999**step)) + 1e-8)
    return np.asarray(weights[:, :-1], dtype=np.float64)


def _trim(scores: Floats) -> Floats:
    cut = int(_TAIL * len(scores))
    return np.sort(scores)[cut : len(scores) - cut]
