"""Measure every layer of every checkpoint: probe it, and compare it with the origin's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from auditor.core.seeds import stream
from auditor.forgetting.layers.alignment import cka, nearest, overlap, procrustes, procrustes_chance, shape, u_centred
from auditor.forgetting.layers.states import depth, group_means, probe_rows, states, vary
from auditor.forgetting.series import Series
from auditor.inference.design import Floats, Ints
from auditor.inference.multiplicity import holm
from auditor.inference.separability import separability
from auditor.inference.threads import one_blas_thread
from auditor.results.forgetting.layers import LayerFinding
from auditor.results.forgetting.measurements import Role
from auditor.results.separability import Separability
from auditor.signals.outputs import ModelOutputs

FEWEST = 20
"""Fewest groups of general text for a comparison with the origin."""
_NEIGHBOURS = 10
_MATCHINGS = 3


def measure_layers(
    series: Series, *, seed: int, alpha: float, permutations: int
) -> dict[str, tuple[LayerFinding, ...]]:
    """Probe every layer of every checkpoint, and compare it with the same layer of the origin on general text.

    The probe is the separability engine on principal components of the states, with the folds of the membership test.
    A probe without an effect is no evidence of forgetting: averaged states need not show linearly what the loss shows.

    Null of a probe: groups are exchangeable between the sides. Unit: the group. Assumption: none beyond
    exchangeability. The comparisons with the origin are descriptive, without a test.

    Args:
        series: Scores with model outputs; a checkpoint without them, or whose depth differs between documents, has no
            findings.
        seed: Seed of the audit; the membership test draws the same folds from it.
        alpha: Level that the adjusted p-values must be able to reach.
        permutations: Permuted labels of each probe; raised where Holm over the layers could not reach alpha otherwise.

    Returns:
        Findings of the layers by checkpoint, the embeddings first; empty where the model does not expose its states.

    Raises:
        UsageError: A side has fewer than two groups.
    """
    sides: tuple[Role, Role] = ("suspect", "heldout")
    documents = [document for role in sides for document in series.corpora[role].documents]
    groups = [document.group for document in documents]
    suspect = [True] * len(series.corpora["suspect"].documents) + [False] * len(series.corpora["heldout"].documents)
    findings = {}
    with one_blas_thread():
        comparison = _Comparison(series, seed)
        for checkpoint in series.checkpoints:
            both = [output for role in sides for output in series.readings[checkpoint.name, role].traces]
            layers = depth(both) if len(both) == len(documents) else 0
            enough = max(permutations, math.ceil(layers / alpha) - 1)
            probes = [
                separability(
                    probe_rows(states(both, layer), groups, suspect),
                    rng=stream(seed, "membership"),
                    alpha=alpha,
                    permutations=enough,
                )
                for layer in range(layers)
            ]
            findings[checkpoint.name] = _findings(probes, comparison, checkpoint.name)
    return findings


def _findings(probes: Sequence[Separability], comparison: _Comparison, name: str) -> tuple[LayerFinding, ...]:
    return with_holm(
        [
            LayerFinding(
                layer=layer,
                probe_auc=probe.auc,
                probe_interval=probe.auc_interval,
                probe_p_value=probe.p_value,
                probe_p_adjusted=probe.p_value,
                **asdict(comparison.of(name, layer, len(probes))),
            )
            for layer, probe in enumerate(probes)
        ]
    )


@dataclass(frozen=True, slots=True)
class _LayerChange:
    """Change of a layer since the origin; None where there is no comparison."""

    procrustes: float | None = None
    procrustes_chance: float | None = None
    neighbours: float | None = None
    neighbours_chance: float | None = None
    cka: float | None = None


class _Comparison:
    """Comparison of layers with those of the origin, on the groups of general text."""

    def __init__(self, series: Series, seed: int) -> None:
        self._series = series
        self._seed = seed
        self._origin = self._outputs(series.origin.name)
        general = series.corpora.get("general")
        self._groups = [document.group for document in general.documents] if general else []

    def _outputs(self, name: str) -> Sequence[ModelOutputs]:
        reading = self._series.readings.get((name, "general"))
        return reading.traces if reading else ()

    def of(self, name: str, layer: int, layers: int) -> _LayerChange:
        """The change of one layer of a checkpoint; networks of different depth have no corresponding layers."""
        theirs = self._outputs(name)
        if name == self._series.origin.name or not len(self._origin) == len(theirs) == len(self._groups) > 0:
            return _LayerChange()
        if not depth(self._origin) == depth(theirs) == layers:
            return _LayerChange()
        before, after = (group_means(states(outputs, layer), self._groups) for outputs in (self._origin, theirs))
        has_value = ~np.isnan(before).any(axis=1) & ~np.isnan(after).any(axis=1)
        before, after = before[has_value], after[has_value]
        if len(before) < FEWEST or not vary(before) or not vary(after):
            return _LayerChange()
        return _layer_change(before, after, self._matchings(len(before)))

    def _matchings(self, count: int) -> list[Ints]:
        """Random cyclic permutations, which leave no group at its own index."""
        rng = stream(self._seed, "layers chance")
        orders = []
        for _ in range(_MATCHINGS):
            cycle = rng.permutation(count)
            order = np.empty(count, dtype=np.intp)
            order[cycle] = np.roll(cycle, 1)
            orders.append(order)
        return orders


def _layer_change(before: Floats, after: Floats, orders: Sequence[Ints]) -> _LayerChange:
    first, second = shape(before), shape(after)
    neighbours = min(_NEIGHBOURS, len(before) // 4)
    return _LayerChange(
        procrustes=procrustes(first, second),
        procrustes_chance=procrustes_chance(first, second, orders),
        neighbours=overlap(nearest(before, neighbours), nearest(after, neighbours)),
        neighbours_chance=neighbours / (len(before) - 1),
        cka=cka(u_centred(before), u_centred(after)),
    )


def with_holm(findings: Sequence[LayerFinding]) -> tuple[LayerFinding, ...]:
    """The layers of one checkpoint with the p-values of their probes adjusted over the layers (Holm)."""
    adjusted = holm([finding.probe_p_value for finding in findings])
    return tuple(
        finding.model_copy(update={"probe_p_adjusted": p}) for finding, p in zip(findings, adjusted, strict=True)
    )
