"""Measure every layer of every checkpoint: probe it, and compare it with the origin's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

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
"""Groups of general text below which no layer is compared with the origin's."""
_NEIGHBOURS = 10
_MATCHINGS = 3


def measure_layers(
    series: Series, *, seed: int, alpha: float, permutations: int
) -> dict[str, tuple[LayerFinding, ...]]:
    """Probe every layer of every checkpoint, and compare it with the origin's on general text.

    The probe is the one engine on principal components of the states, with the folds of the membership test. A probe
    that finds nothing does not speak against a trace: averaged states need not show linearly what the loss shows.

    Null of a probe: groups are exchangeable between the sides. Unit: the group. Assumption: as for the engine, none
    beyond exchangeability. The comparisons with the origin are descriptions without a test.

    Args:
        series: Readings with traces; a checkpoint without them, or whose depth differs from document to document, has
            no findings.
        seed: The seed of the audit: the folds are those the membership test draws from it.
        alpha: Level the adjusted p-values can reach.
        permutations: Relabellings a probe; raised where Holm over the layers could not reach alpha otherwise.

    Returns:
        For every checkpoint its layers, the embeddings first; empty where it does not show them.

    Raises:
        UsageError: A side has fewer than two groups.
    """
    sides: tuple[Role, Role] = ("suspect", "heldout")
    documents = [document for role in sides for document in series.corpora[role].documents]
    groups = [document.group for document in documents]
    suspect = [True] * len(series.corpora["suspect"].documents) + [False] * len(series.corpora["heldout"].documents)
    found = {}
    with one_blas_thread():
        comparison = _Comparison(series, seed)
        for checkpoint in series.checkpoints:
            both = [trace for role in sides for trace in series.readings[checkpoint.name, role].traces]
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
            found[checkpoint.name] = _findings(probes, comparison, checkpoint.name)
    return found


def _findings(probes: Sequence[Separability], comparison: _Comparison, name: str) -> tuple[LayerFinding, ...]:
    findings = []
    for layer, probe in enumerate(probes):
        moved = comparison.of(name, layer, len(probes))
        findings.append(
            LayerFinding(
                layer=layer,
                probe_auc=probe.auc,
                probe_interval=probe.auc_interval,
                probe_p_value=probe.p_value,
                probe_p_adjusted=probe.p_value,
                procrustes=moved.procrustes,
                procrustes_chance=moved.procrustes_chance,
                neighbours=moved.neighbours,
                neighbours_chance=moved.neighbours_chance,
                cka=moved.cka,
            )
        )
    return with_holm(findings)


@dataclass(frozen=True, slots=True)
class _Moved:
    """How far a layer moved; nothing where that cannot be said."""

    procrustes: float | None = None
    procrustes_chance: float | None = None
    neighbours: float | None = None
    neighbours_chance: float | None = None
    cka: float | None = None


class _Comparison:
    """Layers of later checkpoints beside the origin's, on the groups of general text."""

    def __init__(self, series: Series, seed: int) -> None:
        self._series = series
        self._seed = seed
        self._origin = self._traces(series.origin.name)
        general = series.corpora.get("general")
        self._groups = [document.group for document in general.documents] if general else []

    def _traces(self, name: str) -> Sequence[ModelOutputs]:
        reading = self._series.readings.get((name, "general"))
        return reading.traces if reading else ()

    def of(self, name: str, layer: int, layers: int) -> _Moved:
        """One layer of a checkpoint; a network of another depth has no layer that is the same one."""
        theirs = self._traces(name)
        if name == self._series.origin.name or not len(self._origin) == len(theirs) == len(self._groups) > 0:
            return _Moved()
        if not depth(self._origin) == depth(theirs) == layers:
            return _Moved()
        before, after = (group_means(states(traces, layer), self._groups) for traces in (self._origin, theirs))
        there = ~np.isnan(before).any(axis=1) & ~np.isnan(after).any(axis=1)
        before, after = before[there], after[there]
        if len(before) < FEWEST or not vary(before) or not vary(after):
            return _Moved()
        return _moved(before, after, self._matchings(len(before)))

    def _matchings(self, count: int) -> list[Ints]:
        """Random cyclic orders, in which no group stands at its own place."""
        rng = stream(self._seed, "layers chance")
        orders = []
        for _ in range(_MATCHINGS):
            cycle = rng.permutation(count)
            order = np.empty(count, dtype=np.intp)
            order[cycle] = np.roll(cycle, 1)
            orders.append(order)
        return orders


def _moved(before: Floats, after: Floats, orders: Sequence[Ints]) -> _Moved:
    first, second = shape(before), shape(after)
    neighbours = min(_NEIGHBOURS, len(before) // 4)
    return _Moved(
        procrustes=procrustes(first, second),
        procrustes_chance=procrustes_chance(first, second, orders),
        neighbours=overlap(nearest(before, neighbours), nearest(after, neighbours)),
        neighbours_chance=neighbours / (len(before) - 1),
        cka=cka(u_centred(before), u_centred(after)),
    )


def with_holm(findings: Sequence[LayerFinding]) -> tuple[LayerFinding, ...]:
    """The layers of one checkpoint with their probes' p-values adjusted over them."""
    adjusted = holm([finding.probe_p_value for finding in findings])
    return tuple(
        finding.model_copy(update={"probe_p_adjusted": p}) for finding, p in zip(findings, adjusted, strict=True)
    )
