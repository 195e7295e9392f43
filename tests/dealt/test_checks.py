"""Every refusal of a test has its own reason and message."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.dealt import fake_scores, inputs, make_plan

from auditor.dealt.check import all_conditions
from auditor.dealt.conclude import DealtInputs, conclude_dealt
from auditor.results.dealt.checks import PlanCheck
from auditor.results.dealt.coins import StampFacts
from auditor.results.dealt.measurements import CopyFacts
from auditor.results.dealt.result import DealtResult

Change = Callable[[DealtInputs], DealtInputs]
STAMP = StampFacts(time="2023-01-01T00:00:00+00:00", authority="CN=TSA", checked="verified")


def measured(**changes: Any) -> Change:
    """Change measurements."""
    return lambda given: replace(given, measurements=given.measurements.model_copy(update=changes))


def asked(**changes: Any) -> Change:
    """Change settings."""
    return lambda given: replace(given, settings=given.settings.model_copy(update=changes))


def stamped(time: str = STAMP.time) -> Change:
    """Add a verified time stamp."""

    def change(given: DealtInputs) -> DealtInputs:
        coins = given.measurements.coins.model_copy(update={"stamp": STAMP.model_copy(update={"time": time})})
        return measured(coins=coins)(given)

    return change


def concluded(tmp_path: Path, *changes: Change, scores: dict[str, Any] | None = None, **plan: Any) -> DealtResult:
    """A test that finds something, changed."""
    made = make_plan(tmp_path / "plan", **{"units": 60, **plan})
    given = inputs(made, lambda opened: fake_scores(opened, **{"effect": 100.0, **(scores or {})}))
    for change in changes:
        given = change(given)
    return conclude_dealt(given)


def finding(result: DealtResult, name: str) -> PlanCheck:
    """What a check found."""
    return next(check for check in result.checks if check.name == name)


def swap_leaves(given: DealtInputs) -> DealtInputs:
    """Two units in each other's position."""
    first, second, *rest = given.measurements.units
    return measured(units=(second, first, *rest))(given)


def change_a_leaf(given: DealtInputs) -> DealtInputs:
    """One bit of one leaf."""
    first, *rest = given.measurements.units
    leaf = f"{int(first.leaf[0], 16) ^ 1:x}{first.leaf[1:]}"
    return measured(units=(first.model_copy(update={"leaf": leaf}), *rest))(given)


def leave_a_unit_out(given: DealtInputs) -> DealtInputs:
    """The last unit."""
    left = given.measurements
    n = len(left.units) - 1
    order = tuple(number for number in left.unit_order if number < n) if left.unit_order[-1] == n else None
    kept = tuple(sorted(range(n), key=lambda index: left.unit_order[index])) if order is None else order
    return measured(
        units=left.units[:n], unit_order=kept, scores={label: table[:n] for label, table in left.scores.items()}
    )(given)


def other_statistic(given: DealtInputs) -> DealtInputs:
    """A statistic of another design."""
    test = given.commitment.test.model_copy(update={"statistic": "signed-rank"})
    return replace(given, commitment=given.commitment.model_copy(update={"test": test}))


def noisy(given: DealtInputs) -> DealtInputs:
    """Scores that depend on the batch."""
    (label, probe), *_ = given.measurements.numerics.items()
    return measured(numerics={label: replace(probe, batch_difference=0.5)})(given)


REFUSED: list[tuple[str, str, tuple[Change, ...], dict[str, Any], dict[str, Any]]] = [
    ("opening", "root of the Merkle tree differs", (swap_leaves,), {}, {}),
    ("opening", "root of the Merkle tree differs", (change_a_leaf,), {}, {}),
    ("opening", "59 units here, and 60 were committed to", (leave_a_unit_out,), {}, {}),
    ("beacon", "may have known it", (stamped("2024-01-01T00:00:00+00:00"),), {"beacon": True}, {}),
    ("release", "coins that were made after it", (stamped(), asked(released="2022-05-01")), {}, {}),
    ("release", "coins that were made after it", (asked(released="2022-05-01"),), {"beacon": True}, {}),
    ("opened", "opened for 1 other model", (measured(other_models=1),), {}, {}),
    ("opened", "opened for 3 other models", (measured(other_models=3), asked(look=3)), {}, {}),
    ("rule", "the statistic signed-rank", (other_statistic,), {}, {}),
    ("rule", "no reference is given", (), {"reference": True}, {}),
    ("reach", "no model could give EVIDENCE", (), {"units": 8}, {}),
    ("scored", "more than 5%", (), {}, {"missing": 4}),
    ("alike", "its tokenizer removes what was planted", (), {}, {"alike": 7}),
    ("copy", "2 withheld candidates stand", (measured(copy_found=CopyFacts(published=60, withheld=2)),), {}, {}),
    ("numerics", "differently alone and in a batch", (noisy,), {}, {}),
]


@pytest.mark.parametrize(
    ("name", "says", "changes", "plan", "scores"),
    REFUSED,
    ids=[f"{row[0]}-{index}" for index, row in enumerate(REFUSED)],
)
def test_what_a_test_rests_on_is_refused_where_it_does_not_hold(
    name: str,
    says: str,
    changes: tuple[Change, ...],
    plan: dict[str, Any],
    scores: dict[str, Any],
    tmp_path: Path,
    unsigned: None,
) -> None:
    made = concluded(tmp_path, *changes, scores=scores, **plan)
    found = finding(made, name)
    assert found.status == "failed"
    assert says in found.reason
    assert found.remediation
    assert (made.verdict.outcome, made.verdict.reason) == ("INCONCLUSIVE", f"check:{name}")
    assert made.verdict.validity_class == "C"
    assert found.remediation in made.verdict.remediation


WARNED: list[tuple[str, str, tuple[Change, ...], dict[str, Any], dict[str, Any]]] = [
    ("beacon", "could have tried many", (), {}, {}),
    ("beacon", "no verified time stamp", (), {"beacon": True}, {}),
    ("beacon", "the owner's account", (stamped(),), {"beacon": True, "public": True}, {}),
    ("rule", "above 0.05", (), {"alpha": 0.2}, {}),
    ("release", "is not given", (), {}, {}),
    ("release", "the owner's word", (asked(released="2026-01-01"),), {}, {}),
    ("opened", "is the owner's word", (measured(other_models=1), asked(look=2)), {}, {}),
    ("rule", "by betting", (asked(sequential=True),), {}, {}),
    ("copy", "fewer than 90%", (measured(copy_found=CopyFacts(published=50, withheld=0)),), {}, {}),
    ("reference-date", "may have seen", (stamped(), asked(reference_released="2023-05-01")), {}, {"references": 1}),
    ("reference-date", "Nothing shows", (), {}, {"references": 1}),
    ("blind", f"Sealed scores SHA-256 {'ab' * 32}: compare", (measured(sealed_sha256="ab" * 32),), {}, {}),
    ("blind", "NO EVIDENCE says nothing against", (measured(sealed_sha256="ab" * 32),), {}, {}),
]


@pytest.mark.parametrize(
    ("name", "says", "changes", "plan", "scores"), WARNED, ids=[f"{row[0]}-{index}" for index, row in enumerate(WARNED)]
)
def test_what_costs_power_or_rests_on_a_word_is_a_warning(
    name: str,
    says: str,
    changes: tuple[Change, ...],
    plan: dict[str, Any],
    scores: dict[str, Any],
    tmp_path: Path,
    unsigned: None,
) -> None:
    made = concluded(tmp_path, *changes, scores=scores, **plan)
    found = finding(made, name)
    assert found.status == "warning"
    assert says in found.reason
    assert made.verdict.outcome == "EVIDENCE"


@pytest.mark.parametrize(
    ("name", "changes", "plan", "scores"),
    [
        ("beacon", (stamped(),), {"beacon": True}, {}),
        ("release", (stamped(), asked(released="2024-01-01")), {"beacon": True}, {}),
        ("copy", (measured(copy_found=CopyFacts(published=60, withheld=0)),), {}, {}),
        ("reference-date", (stamped(), asked(reference_released="2022-01-01")), {}, {"references": 1}),
        ("control", (), {}, {"references": 1}),
        *(
            (name, (), {}, {})
            for name in ("opening", "opened", "rule", "reach", "scored", "alike", "numerics", "blind")
        ),
    ],
)
def test_what_holds_passes(
    name: str, changes: tuple[Change, ...], plan: dict[str, Any], scores: dict[str, Any], tmp_path: Path, unsigned: None
) -> None:
    assert finding(concluded(tmp_path, *changes, scores=scores, **plan), name).status == "passed"


def test_a_reference_that_prefers_what_was_published_takes_the_verdict_away(tmp_path: Path) -> None:
    def leaked(given: DealtInputs) -> DealtInputs:
        scores = dict(given.measurements.scores)
        return measured(scores={**scores, "base-0": scores["target"]})(given)

    made = concluded(tmp_path, leaked, scores={"references": 1})
    found = finding(made, "control")
    assert found.status == "failed"
    assert "prefers what was published as well" in found.reason
    assert made.verdict.reason == "check:control"


def test_a_reference_that_knows_what_was_withheld_takes_the_verdict_away(tmp_path: Path) -> None:
    def taught(given: DealtInputs) -> DealtInputs:
        scores = dict(given.measurements.scores)
        taught = scores["base-0"].copy()
        for index, unit in enumerate(given.measurements.units):
            taught[index] += 100.0
            taught[index, unit.published] -= 100.0
        return measured(scores={**scores, "base-0": taught})(given)

    made = concluded(tmp_path, taught, scores={"effect": 0.0, "references": 1}, reference=True)
    found = finding(made, "control")
    assert made.p_value < 1e-9
    assert (found.status, made.verdict.reason) == ("failed", "check:control")
    assert "it knows the withheld side" in found.reason


def test_a_round_that_nobody_verified_counts_as_the_owners(tmp_path: Path, unsigned: None) -> None:
    def unverified(given: DealtInputs) -> DealtInputs:
        coins = given.measurements.coins
        assert coins.beacon is not None
        return measured(
            coins=coins.model_copy(update={"beacon": coins.beacon.model_copy(update={"checked": "not verified here"})})
        )(given)

    made = concluded(tmp_path, stamped(), unverified, beacon=True, public=True)
    assert (made.coins.grade, made.coins.bits) == ("owner-stamped", 40)
    assert finding(made, "beacon").status == "warning"


def test_shuffled_words_matter_for_prose_alone(tmp_path: Path) -> None:
    def disordered(given: DealtInputs) -> DealtInputs:
        (label, probe), *_ = given.measurements.numerics.items()
        return measured(numerics={label: replace(probe, disordered=16)})(given)

    assert finding(concluded(tmp_path / "a", disordered), "numerics").status == "passed"
    twins = concluded(tmp_path / "b", disordered, design="twins")
    assert finding(twins, "numerics").status == "failed"


def test_every_condition_is_tested_here() -> None:
    tested = {row[0] for row in (*REFUSED, *WARNED)} | {"control"}
    # `structure` is none of a plan; test_natural.py has it.
    assert tested | {"structure"} == {one.name for one in all_conditions()}


def test_hold_outs_have_no_versions_to_compare(tmp_path: Path) -> None:
    assert finding(concluded(tmp_path, design="holdout"), "alike").status == "not run"
