"""A series is made again from what is kept of it: no figure, threshold or state can be edited unnoticed."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from support.kinds import kinds_of
from support.texts import OLD_TOWN

from auditor.audit.conclude import conclude
from auditor.audit.inputs import inputs_of_result
from auditor.audit.run import run_audit
from auditor.core.marks import Unverifiable
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.verdict import decide_series
from auditor.report.json_ import JSON
from auditor.results.forgetting.measurements import MEASURES, RelearningMeasurements
from auditor.results.forgetting.policy import ForgettingPolicy
from auditor.results.forgetting.series import Forgetting
from auditor.results.forgetting.states import STATES
from auditor.results.io import with_content_digest
from auditor.results.policy import Policy
from auditor.results.result import AuditResult
from auditor.settings import RunOptions, make_series_settings
from auditor.verify.check import verify
from auditor.verify.subject import Subject
from auditor.verify.unproven import is_unproven

GIVEN = (
    # Weights: whole files of the checkpoints would have to be kept.
    r"checkpoints\[\]\.weights.*",
    # Hidden states: thousands of numbers a document and layer. Of the probes' p-values the correction is made again.
    r"checkpoints\[\]\.layers(\[\]\.(layer|probe_auc|probe_p_value|cka))?",
    r"checkpoints\[\]\.layers\[\]\.probe_interval\..*",
    r"checkpoints\[\]\.layers\[\]\.(procrustes|neighbours)(_chance)?",
    # The same of labelled texts: accuracies, splits, measures and tests are made again, the lie of the classes is not.
    r"tasks\.points\[\]\.(probe_layers(\[\])?|overlap|overlap_shuffled|neighbour_angles|class_drift)",
)
"""What the figures of a series are not made again from: it describes, and no state rests on it."""
CLOSED = ("A", "H", "met", "not met", "passed", "failed", "heldout", "general", "reminder", "quantise", *MEASURES[2:])
"""Two members of every closed list of words in a series."""
ESTIMATE = {"value": 0.0, "low": 0.0, "high": 0.0, "level": 0.95}
SPLIT = {"task": "words", "observed": 0.0, "representation": 0.0, "head": 0.0}
SMALL = Policy(
    alpha=0.02,
    minimum_groups=6,
    ordered_share=0.501,
    blind_alpha=0.02,
    clusters_alpha=0.02,
    controls_alpha=0.02,
)
"""Levels that 119 permutations reach, and guards that let a dozen documents under random weights pass."""


def _write(path: Path, seed: int, count: int = 14) -> str:
    rng = np.random.default_rng(seed)
    rows = [
        {"id": f"{path.stem}-{i}", "text": " ".join(rng.choice(OLD_TOWN, 12)), "label": OLD_TOWN[i % 2]}
        for i in range(count)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def checkpoints(
    tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]
) -> tuple[tuple[str, str], ...]:
    """Two models of random weights that find shuffled words a little less probable."""
    folder = tmp_path_factory.mktemp("series")
    return tuple((name, str(make_tiny_model(folder / name, seed=seed))) for name, seed in (("origin", 0), ("later", 5)))


@pytest.fixture(scope="module", params=["alone", "with everything"])
def result(request: pytest.FixtureRequest, checkpoints: tuple[tuple[str, str], ...]) -> AuditResult:
    """A series of two checkpoints; once with all that there can be beside it."""
    folder = Path(checkpoints[0][1]).parent
    series: dict[str, Any] = {
        "checkpoints": checkpoints,
        "policy": ForgettingPolicy(placebo_alpha=0.02, relearn_alpha=0.05),
    }
    if request.param == "alone":
        series["layers"] = False
    else:
        series |= {
            "general": _write(folder / "general.jsonl", 3, 24),
            "placebo": _write(folder / "placebo.jsonl", 4),
            "tasks": [("words", _write(folder / "words.jsonl", 5, 20))],
            "relearn": True,
        }
    settings = make_series_settings(
        suspect=_write(folder / "suspect.jsonl", 1),
        heldout=_write(folder / "heldout.jsonl", 2),
        series=series,
        policy=SMALL,
        permutations=149,
        device="cpu",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.forgetting.measure.Budget", lambda: Budget(half_steps=(1, 2), reminder_steps=(2,)))
        return run_audit(settings, RunOptions(cache_dir=str(folder / "store")))


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every figure, word and empty place of a tree, by its path."""
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _leaves(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value:
        for place, item in enumerate(value):
            yield from _leaves(item, f"{path}[{place}]")
    else:
        yield path, value


def _with(tree: Any, path: str, value: Any) -> Any:
    """The tree with another value at a path, all else shared."""
    key, rest = re.fullmatch(r"\.?([^.\[\]]+|\[\d+\])(.*)", path).groups()  # type: ignore[union-attr]
    at = int(key[1:-1]) if key.startswith("[") else key
    changed = copy.copy(tree)
    changed[at] = _with(tree[at], rest, value) if rest else value
    return changed


def _others(tree: Any, path: str, value: Any) -> list[Any]:
    """Values that might stand in the place of another, of which the first that the schema allows is taken."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    if isinstance(value, float):
        return [value * (1 - 1e-6) if value else 1e-6]
    if isinstance(value, str):
        return [f"{value}.", *(word for word in CLOSED if word != value)]
    # What has no value here may have one at the last checkpoint.
    later = _at(tree, path.replace("checkpoints[0]", "checkpoints[-1]"))
    return [0.5, "later", ESTIMATE, later] if value is None else [[], ["."], [SPLIT]]


def _at(tree: Any, path: str) -> Any:
    for key in re.findall(r"[^.\[\]]+|\[-?\d+\]", path):
        tree = tree[int(key[1:-1]) if key.startswith("[") else key]
    return tree


def _kind(path: str) -> str:
    """A path without its places."""
    return re.sub(r"\[\d+\]", "[]", path)


def _allowed(tree: Any) -> bool:
    try:
        Forgetting.model_validate_json(json.dumps(tree))
    except ValidationError:
        return False
    return True


def _is_given(path: str) -> bool:
    return any(re.fullmatch(pattern, _kind(path)) for pattern in GIVEN)


def _is_name(path: str) -> bool:
    """Whether what is given is found by it."""
    return _kind(path) in ("checkpoints[].name", "tasks.points[].task", "tasks.points[].model")


def _edited(tree: Any, wanted: Callable[[str], bool]) -> tuple[Any, dict[str, str]]:
    """A tree with another value at every leaf that is wanted, and the path of each beside that of its difference."""
    edited, paths = tree, {}
    for path, value in _leaves(tree):
        for other in _others(tree, path, value) if wanted(path) else ():
            plain = isinstance(value, int | float)
            if other != value and (plain or _allowed(_with(tree, path, other))):
                edited = _with(edited, path, other)
                paths[path] = f"{path}[0]" if isinstance(value, list) else path
                break
    return edited, paths


def _found(result: AuditResult, tree: Any) -> set[str]:
    """Paths of a series that `auditor verify` names, once the result with this series has a new seal."""
    forged = with_content_digest(
        result.model_copy(update={"forgetting": Forgetting.model_validate_json(json.dumps(tree))})
    )
    answer = verify(Subject(forged, forged.model_dump_json().encode()))
    assert answer["digest"].status == "passed"
    places = [difference.path for difference in answer["figures"].differences]
    assert bool(places) == (answer["figures"].status == "failed")
    return {place.removeprefix("forgetting.") for place in places if place.startswith("forgetting.")}


def test_a_series_is_made_again_to_the_last_bit(result: AuditResult) -> None:
    answers = verify(Subject(result, result.model_dump_json().encode()))
    assert {answer.status for answer in answers.values()} == {"passed", "not asked"}
    assert answers["figures"].detail.endswith("equal to the last bit")
    assert result.forgetting is not None
    relearned = result.forgetting.checkpoints[-1].relearning
    assert (relearned is None) == (result.forgetting.tasks is None)
    assert relearned is None or [probe.name for probe in relearned.probes] == ["relearn-half", "reminder", "quantise"]


def test_every_leaf_is_found_where_it_was_edited(result: AuditResult) -> None:
    """All at once, and each is named: what is made again does not depend on what is written, but for what is given."""
    assert result.forgetting is not None
    tree = result.forgetting.model_dump(mode="json")
    edited, paths = _edited(tree, lambda path: not _is_given(path) and not _is_name(path))
    renamed, names = _edited(tree, _is_name)
    left = {_kind(path) for path, _ in _leaves(tree) if not _is_given(path) and path not in paths | names}
    # What is nowhere in the series has nothing to be edited to.
    absent = {"checkpoints[].general", "checkpoints[].placebo", "checkpoints[].relearning", "tasks"}
    assert left == (absent if result.forgetting.tasks is None else set())
    assert len(paths) > 600
    assert _found(result, edited) == set(paths.values())
    assert _found(result, renamed) >= set(names)


def test_what_is_given_is_listed_and_nothing_else_is(result: AuditResult) -> None:
    assert result.forgetting is not None
    tree = result.forgetting.model_dump(mode="json")
    edited, paths = _edited(tree, _is_given)
    found = {_kind(path) for path in _found(result, edited)}
    whole = result.forgetting.tasks is not None
    assert found == ({"checkpoints[].layers[].probe_p_adjusted"} if whole else set())
    if whole:
        assert all(any(re.fullmatch(pattern, _kind(path)) for path in paths) for pattern in GIVEN)


def test_every_leaf_that_a_series_can_have_is_edited_above(result: AuditResult) -> None:
    """A new field of a series is in the one with everything beside it, and so it is edited there."""
    if result.forgetting is None or result.forgetting.tasks is None:
        return
    leaves = dict(_leaves(result.model_dump(mode="json")))
    # Where there is no value or an empty list or table, one is put there.
    empty = [path for path, value in leaves.items() if value in (None, [], {})]
    kinds = [kind for kind in set(kinds_of(AuditResult)) if kind.startswith(("forgetting", "placebo", "general"))]
    assert len(kinds) > 300
    assert [kind for kind in sorted(kinds) if not _covers(kind, leaves) and not _covers(kind, empty, above=True)] == []


def _covers(kind: str, paths: Iterable[str], *, above: bool = False) -> bool:
    """Whether one of the paths is of a kind; of what is above it."""
    parts = [kind[: match.start()] for match in re.finditer(r"\.|\[\*\]", kind)] if above else [f"{kind}**"]
    return any(Unverifiable("", parts=tuple(parts)).covers(path) for path in paths)


@pytest.mark.parametrize("role", ["placebo", "general"])
def test_what_was_read_of_another_set_is_found_or_listed(role: str, result: AuditResult) -> None:
    summary = getattr(result, role)
    if summary is None:
        return
    for name, value in summary:
        other = value + 1 if isinstance(value, int) else f"{value}."
        changed = result.model_copy(update={role: summary.model_copy(update={name: other})})
        answers = verify(Subject(with_content_digest(changed), b"{}"))
        found = any(answers[check].status == "failed" for check in ("figures", "corpora", "verdict"))
        assert found is not is_unproven(f"{role}.{name}"), name


def test_a_shorter_list_is_found(result: AuditResult, monkeypatch: pytest.MonkeyPatch) -> None:
    assert result.forgetting is not None
    tree = result.forgetting.model_dump(mode="json")
    # That it is the same whatever the list holds is what the tests above show.
    monkeypatch.setattr("auditor.verify.subject.conclude", lambda _: result)
    lists = {path[: match.start()] for path, _ in _leaves(tree) for match in re.finditer(r"\[\d+\]", path)}
    for path in {_kind(path): path for path in sorted(lists) if not _is_given(path)}.values():
        shorter = _with(tree, path, _at(tree, path)[:-1])
        assert not _allowed(shorter) or _found(result, shorter), path


@pytest.mark.parametrize("forged", ["A", "F"])
def test_a_better_state_is_not_believed(result: AuditResult, forged: str) -> None:
    """With its words, its verdict and a new seal."""
    assert result.forgetting is not None
    *before, last = result.forgetting.checkpoints
    state = last.state.model_copy(update={"code": forged, "name": STATES[forged].name, "reason": "equivalent"})
    series = result.forgetting.model_copy(update={"checkpoints": (*before, last.model_copy(update={"state": state}))})
    lie = with_content_digest(result.model_copy(update={"forgetting": series, "verdict": decide_series(series)}))
    answers = verify(Subject(lie, lie.model_dump_json().encode()))
    assert answers["figures"].status == "failed"
    assert any(difference.path.endswith("state.code") for difference in answers["figures"].differences)


def test_interventions_cannot_be_dropped_or_added(result: AuditResult) -> None:
    assert result.measurements is not None
    assert result.measurements.series is not None
    points = result.measurements.series.checkpoints
    nothing = RelearningMeasurements(probes=(), per_token=(), not_run=(), budget="nothing was trained")
    turned = points[-1].model_copy(update={"relearning": None if points[-1].relearning else nothing})
    series = result.measurements.series.model_copy(update={"checkpoints": (*points[:-1], turned)})
    forged = with_content_digest(
        result.model_copy(update={"measurements": result.measurements.model_copy(update={"series": series})})
    )
    answer = verify(Subject(forged, forged.model_dump_json().encode()))["figures"]
    assert answer.status == "failed"
    assert "interventions" in answer.detail


@pytest.mark.slow
def test_a_series_is_scored_again(result: AuditResult, checkpoints: tuple[tuple[str, str], ...]) -> None:
    """Also with what its short trainings bring back; and invented figures of a checkpoint do not pass."""
    folder = Path(checkpoints[0][1]).parent
    roles = [role for role in ("suspect", "heldout", "placebo", "general") if getattr(result, role) is not None]
    given: dict[str, Any] = {
        "data": {role: str(folder / f"{role}.jsonl") for role in roles},
        "models": dict(checkpoints),
        "rescoring": True,
    }
    assert result.measurements is not None
    assert result.measurements.series is not None
    sets = result.measurements.series.sets
    losses = sets["suspect"].measures["loss"].copy()
    losses[:, -1] *= 0.9
    some = sets["suspect"].model_copy(update={"measures": {**sets["suspect"].measures, "loss": losses}})
    series = result.measurements.series.model_copy(update={"sets": {**sets, "suspect": some}})
    kept = result.measurements.model_copy(update={"series": series})
    forged = conclude(inputs_of_result(result.model_copy(update={"measurements": kept})))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.forgetting.measure.Budget", lambda: Budget(half_steps=(1, 2), reminder_steps=(2,)))
        answers = verify(Subject(result, JSON.render(result).encode(), **given))
        assert answers["rescoring"].status == "passed", answers["rescoring"]
        assert "to the last bit" in answers["rescoring"].detail
        answers = verify(Subject(forged, JSON.render(forged).encode(), **given))
    assert [name for name, answer in answers.items() if answer.status == "failed"] == ["rescoring"]
    assert answers["rescoring"].differences[0].path == "measurements.series.sets.suspect.measures.loss[0][1]"
