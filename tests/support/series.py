"""Series of checkpoints with every finding there can be, or none that may be absent."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any

from auditor.results.forgetting.contrast import Contrast, Equivalence, Events, Memorisation
from auditor.results.forgetting.drift import GeneralText, LayerWeights, UtilityLoss, WeightChange
from auditor.results.forgetting.estimate import Estimate
from auditor.results.forgetting.layers import LayerFinding
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.relearning import Probe, ProbePoint, Relearning
from auditor.results.forgetting.series import (
    ChangeDeciles,
    ChangeTest,
    Checkpoint,
    Condition,
    Detection,
    DocumentChange,
    Forgetting,
    State,
)
from auditor.results.forgetting.states import STATES, Code
from auditor.results.forgetting.tasks import ForgettingSplit, MatrixMeasures, PairedTest, TaskFindings, TaskPoint
from auditor.results.guards import GuardFigure, GuardResult
from auditor.results.result import AuditResult, Verdict
from auditor.results.separability import Interval
from support.results import build

ORDER: tuple[Code, ...] = ("H", "W", "A", "B", "C", "D", "E", "F", "G")
GAPS: dict[Code, float] = {
    "A": 0.004,
    "B": 0.412,
    "C": 0.377,
    "D": 0.151,
    "E": 0.031,
    "F": 0.006,
    "G": -0.243,
    "H": 0.052,
    "W": 0.012,
}


def around(value: float, half: float) -> Estimate:
    """An estimate with a symmetric interval."""
    return Estimate(value=value, low=value - half, high=value + half)


def share(value: float, half: float = 0.07) -> Estimate:
    """An estimate that lies between 0 and 1 with its interval."""
    return Estimate(value=value, low=max(0.0, value - half), high=min(1.0, value + half))


def contrast(gap: float, place: int, loss: float) -> Contrast:
    """One set against held-out; `place` 0 is the origin."""
    auc = min(0.99, max(0.01, 0.5 + 1.1 * gap))
    later = place > 0
    return Contrast(
        documents=120,
        groups=60,
        loss=around(loss - gap, 0.061),
        change=around(-gap, 0.042) if later else None,
        gap=around(gap, 0.049),
        gap_p_value=0.0001 if abs(gap) > 0.1 else 0.3127,
        gap_p_adjusted=0.0005 if abs(gap) > 0.1 else 0.9381,
        effect_size=around(3.2 * gap, 0.352),
        auc=share(auc),
        trace=share(abs(2 * auc - 1), 0.11),
        retained=around(gap / 0.412, 0.083) if place > 1 else None,
        difference_in_differences=around(-gap, 0.047) if later else None,
        did_p_value=(0.0002 if abs(gap) > 0.1 else 0.6117) if later else None,
        did_p_adjusted=(0.0008 if abs(gap) > 0.1 else 1.0) if later else None,
        memorisation=(
            *(
                Memorisation(
                    name=name,
                    value=share(0.41 + gap / 2),
                    heldout=share(0.38),
                    difference=around(gap / 2, 0.021),
                    documents=117,
                )
                for name in ("exact-memorisation", "extraction-strength")
            ),
            Memorisation(name="k-extractable", value=None, heldout=None, difference=None, documents=0),
        ),
        equivalence=Equivalence(
            p_value=0.0123 if abs(gap) < 0.05 else 0.8765,
            p_adjusted=0.0246 if abs(gap) < 0.05 else 0.9321,
            margin=0.0941,
            margin_d=0.3,
            equivalent=abs(gap) < 0.05,
            detectable_gap=0.1617,
            detectable_d=0.5173,
        ),
        events=Events(memorised=31 + place, forgotten=7 * place, learned=5 * place, events=9 * place, expected=6.1),
    )


def guards(failed: bool) -> tuple[GuardResult, ...]:
    """Three guards, the last of which fails where asked."""
    return (
        GuardResult(
            name="blind",
            question="Do the texts differ?",
            status="passed",
            reason="AUC 0.521.",
            blind_spots="Much.",
            auc=0.521,
            p_value=0.312,
        ),
        GuardResult(
            name="numerics",
            question="Do scores hold?",
            status="not run",
            reason="No probe.",
            remediation="Give one.",
            blind_spots="A lot.",
        ),
        GuardResult(
            name="direction",
            question="Does it point the way training points?",
            status="failed" if failed else "passed",
            reason="The features point away." if failed else "They do.",
            remediation="Look at the sets." if failed else "",
            blind_spots="A shift.",
            figures=(GuardFigure(name="mean z", value=-3.217, limit=1.645),) if failed else (),
        ),
    )


def state(code: Code, name: str) -> State:
    """A state with its figures and all conditions tried before it."""
    return State(
        code=code,
        name=STATES[code].name,
        sentence=f"At {name} the suspect set is {STATES[code].name} with a gap of {GAPS[code]:.3f} bits per byte.",
        reason=f"because-{code.lower()}",
        figures=(
            GuardFigure(name="adjusted p-value", value=0.0049, limit=0.01),
            GuardFigure(name="documents", value=120),
        ),
        conditions=tuple(
            Condition(
                code=tried,
                status="met" if tried == code else "not tested" if tried in "EF" else "not met",
                reason=f"{tried} at {name} was held against {GAPS[tried]:.3f}.",
            )
            for tried in ORDER
        ),
        remediation=f"Give about 400 documents to {name}." if code == "H" else "",
    )


def layer(number: int, place: int, gap: float) -> LayerFinding:
    """One layer."""
    value = min(0.98, max(0.3, 0.5 + gap * (0.4 + number / 40)))
    later = place > 0
    return LayerFinding(
        layer=number,
        probe_auc=value,
        probe_interval=Interval(low=max(0.0, value - 0.08), high=min(1.0, value + 0.08)),
        probe_p_value=0.0003 if value > 0.6 else 0.4131,
        probe_p_adjusted=0.0029 if value > 0.6 else 1.0,
        procrustes=0.003 + 0.01 * number if later else None,
        procrustes_chance=1.4131 if later else None,
        neighbours=0.913 * 0.99**number if later else None,
        neighbours_chance=0.0503 if later else None,
        cka=0.998 if later else None,
    )


def relearning(gap: float, code: Code, placebo: bool) -> Relearning:
    """Three probes, one of them left out."""
    back = code == "E"
    return Relearning(
        probes=tuple(
            Probe(
                name=name,
                method=method,
                points=tuple(
                    ProbePoint(
                        steps=steps,
                        suspect=around(1.1 - gap - (0.02 * steps if back else 0), 0.05),
                        heldout=around(1.1, 0.05),
                        gap=around(gap + (0.02 * steps if back else 0.001 * steps), 0.041),
                        auc=share(0.5 + gap + (0.01 * steps if back else 0)),
                        placebo_gap=around(0.002, 0.031) if placebo else None,
                    )
                    for steps in ((0, 5, 10, 20) if name != "quantise" else (0, 1))
                ),
                after_p_value=0.0011 if back else 0.4113,
                rise_p_value=0.0017 if back else 0.5119,
                p_value=0.0017 if back else 0.5119,
                p_adjusted=0.0051 if back else 1.0,
                placebo_p_value=0.6127 if placebo else None,
                recovered=back,
            )
            for name, method in (("relearn-half", "lora, rank 8"), ("quantise", "rounding to 4 bits"))
        ),
        not_run=("reminder was left out: no general text was given",),
        budget="LoRA of rank 8, learning rate 0.0002, 8 stretches a step; seed 7",
    )


def weights(layers: int, code: Code) -> WeightChange:
    """The weights of a later checkpoint."""
    if code == "G":
        return WeightChange(kind="not compared", reason="Its weights are rounded.", relative_change=None, layers=())
    names = ["embeddings", *(f"layer {number}" for number in range(layers - 1)), "final norm", "head"]
    return WeightChange(
        kind="partial",
        reason="2 of the layers are frozen.",
        relative_change=0.0173,
        layers=tuple(
            LayerWeights(
                layer=name,
                parameters=1_000 * (place + 1),
                relative_change=0.0 if place < 2 else 0.0171 + place / 1000,
                frozen=place < 2,
                effective_rank=None if place < 2 else 11.3,
                full_rank=None if place < 2 else 64,
            )
            for place, name in enumerate(names)
        ),
    )


def checkpoint(code: Code, name: str, place: int, asked: dict[str, Any]) -> Checkpoint:
    """One checkpoint in the given state."""
    gap = GAPS[code]
    loss = 1.0 + 0.02 * place + (2.0 if code == "W" else 0.0)
    later = place > 0
    trace = code in "BCD"
    return Checkpoint(
        name=name,
        source=f"models/{name}",
        heldout=around(loss, 0.051),
        heldout_change=around(loss - 1.0, 0.032) if later else None,
        suspect=contrast(gap, place, loss),
        placebo=contrast(0.003, place, loss) if asked["placebo"] else None,
        detection=Detection(
            p_value=0.0001 if trace else 0.2113,
            p_adjusted=0.0005 if trace else 0.8452,
            auc=0.8313 if trace else 0.5117,
            auc_interval=Interval(low=0.771, high=0.883) if trace else Interval(low=0.431, high=0.593),
            mean_z=7.31 if trace else None,
            detectable_auc=0.6713 if later else None,
            change=ChangeTest(
                p_value=0.0002 if trace else 0.3417,
                p_adjusted=0.0018 if trace else 1.0,
                auc=0.7913 if trace else 0.5031,
                mean_z=6.13 if trace else 0.41,
                p_beyond=0.0003 if trace else 0.2917,
                detected=trace,
            )
            if later
            else None,
            detected=trace,
            guards=guards(failed=code == "H"),
        ),
        placebo_p_adjusted=0.7317 if asked["placebo"] else None,
        general=GeneralText(
            documents=80,
            loss=around(loss + 0.1, 0.03),
            change=around(loss - 1.0, 0.02) if later else None,
            divergence=around(0.0517, 0.0113) if later else None,
            covered=0.9713 if later else None,
            agreement=share(0.8917, 0.02) if later else None,
        )
        if asked["general"]
        else None,
        utility_loss=UtilityLoss(
            measured_on="general" if asked["general"] else "heldout",
            ratio=around(3.0 if code == "W" else 1.0 + 0.02 * place, 0.031),
            limit=1.25,
            collapsed=code == "W",
        )
        if later
        else None,
        weights=weights(max(2, asked["layers"]), code) if later else None,
        layers=tuple(layer(number, place, gap) for number in range(asked["layers"])),
        relearning=relearning(gap, code, asked["placebo"]) if asked["relearn"] and code in "EFH" else None,
        state=state(code, name),
    )


def labelled(names: list[str], count: int, layers: int) -> TaskFindings:
    """Labelled tasks under all checkpoints and the untrained model."""
    tasks = tuple(f"task-{number + 1}" for number in range(count))
    return TaskFindings(
        tasks=tasks,
        labels=tuple(("yes", "no") for _ in tasks),
        documents=tuple(90 + place for place, _ in enumerate(tasks)),
        sources=tuple(f"data/{task}.jsonl" for task in tasks),
        sha256=tuple(f"{place:x}" * 64 for place, _ in enumerate(tasks)),
        points=tuple(
            TaskPoint(
                model=model,
                task=task,
                observed=share(0.51 + 0.07 * ((place + row) % 6)),
                probe=share(0.61 + 0.04 * ((2 * place + row) % 8), 0.05),
                probe_layers=tuple(0.551 + number / 400 for number in range(layers)),
                overlap=0.3127,
                overlap_shuffled=0.9411,
                neighbour_angles=None if row < 2 else 0.8713,
                class_drift=None if row < 2 else 12.43,
            )
            for row, model in enumerate(("untrained", *names))
            for place, task in enumerate(tasks)
        ),
        splits=tuple(
            ForgettingSplit(task=task, observed=0.3117, representation=0.1213, head=0.1904) for task in tasks[:-1]
        ),
        measures=MatrixMeasures(
            accuracy=0.7117,
            learning_accuracy=0.8213,
            backward_transfer=-0.1013,
            forward_transfer=None,
            forgetting_chaudhry=0.1119,
            forgetting_clipped=0.1237,
            reason="Forward transfer needs the untrained model's accuracy on every task.",
        ),
        tests=tuple(
            PairedTest(task=task, earlier=earlier, later=later, lost=17, gained=3, p_value=0.0026, p_adjusted=0.0312)
            for task in tasks
            for earlier, later in pairwise(names)
        ),
    )


@cache
def build_series(
    codes: tuple[Code, ...] = ("A", "B", "C", "D", "E"),
    names: tuple[str, ...] = (),
    *,
    placebo: bool = True,
    general: bool = True,
    relearn: bool = True,
    layers: int = 5,
    tasks: int = 2,
) -> Forgetting:
    """A series in the given states; `base`, `step-1` and so on where no names are given."""
    named = list(names) or ["base", *(f"step-{number}" for number in range(1, len(codes)))]
    asked = {"placebo": placebo, "general": general, "relearn": relearn, "layers": layers}
    found = tuple(
        checkpoint(code, name, place, asked) for place, (code, name) in enumerate(zip(codes, named, strict=True))
    )
    deciles = [[(tenth - 5) / 10 * place / 3 for tenth in range(1, 10)] for place in range(len(named))]
    return Forgetting(
        checkpoints=found,
        reference=next((c.name for c in found if c.detection.detected), None),
        largest_changes=tuple(
            DocumentChange(
                id=f"document-{number}.txt",
                group=f"group-{number // 2}",
                moves=tuple(round((-1) ** number * 0.0317 * place * (number + 1), 4) for place in range(len(named))),
                memorised=tuple(place % 2 == number % 2 for place in range(len(named))),
            )
            for number in range(20)
        ),
        change_deciles=ChangeDeciles(
            suspect=tuple(tuple(0.2 * place + value for value in row) for place, row in enumerate(deciles)),
            heldout=tuple(tuple(row) for row in deciles),
        ),
        tasks=labelled(named, tasks, layers) if tasks else None,
        thresholds=ForgettingPolicy(),
        notes=() if placebo else ("No placebo set was given, so no unseen set stands beside the suspect one.",),
    )


def build_forget(codes: tuple[Code, ...] = ("A", "B", "C", "D", "E"), **asked: Any) -> AuditResult:
    """A result of `forget`, whose verdict is the state of the last checkpoint."""
    series = build_series(codes, **asked)
    last = series.checkpoints[-1].state
    word = "INCONCLUSIVE" if last.code in "HW" else "NO EVIDENCE" if last.code in "AF" else "EVIDENCE"
    whole = build("EVIDENCE", groups=12)
    verdict = Verdict(
        outcome=word,
        reason=f"state:{last.code}",
        sentence=last.sentence,
        not_meaning="It says nothing of other checkpoints.",
        remediation=last.remediation,
        validity_class="B",
        validity=whole.verdict.validity,
        grade="controlled",
    )
    target = whole.manifest.models[0]
    models = tuple(target.model_copy(update={"role": "checkpoint", "source": c.source}) for c in series.checkpoints)
    manifest = whole.manifest.model_copy(update={"models": models})
    return whole.model_copy(
        update={"kind": "forget", "verdict": verdict, "forgetting": series, "manifest": manifest, "excess": None}
    )


CLOSED = {*STATES, "met", "not met", "not tested", "general", "heldout", "identical", "adapter", "partial", "full"}
CLOSED |= {"not compared", "exact-memorisation", "extraction-strength", "k-extractable", "relearn-half", "reminder"}
CLOSED |= {"quantise", "passed", "failed", "not run"}
"""Words of closed vocabularies, which no edit of a file can change."""


def free_strings(value: Any, write: Callable[[str], str]) -> Any:
    """A dumped series with every free string written anew."""
    if isinstance(value, dict):
        return {key: free_strings(item, write) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [free_strings(item, write) for item in value]
    return write(value) if isinstance(value, str) and value not in CLOSED else value
