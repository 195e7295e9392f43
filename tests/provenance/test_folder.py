"""A plan folder keeps its secrets to its owner, and says what is wrong with a file of it."""

from __future__ import annotations

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from support.plans import commitment_of, secret_of, units_of

from auditor.core.errors import UsageError
from auditor.provenance.folder import Opening, Origin, PlanFolder
from auditor.provenance.grade import coin_grade
from auditor.provenance.records import Secret


def _plan(folder: Path) -> PlanFolder:
    batches = [(units_of("canaries", 5, 3), secret_of(3, number)) for number in (1, 2)]
    plan = PlanFolder(folder / "plan")
    plan.make(
        commitment_of("canaries", batches),
        [units for units, _ in batches],
        Secret(batches=tuple(secret for _, secret in batches)),
        Origin(corpus="c", to="t", text_column="text", created="now"),
        "read me",
    )
    return plan


def test_a_plan_is_read_back(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    assert plan.units(2) == units_of("canaries", 5, 3)
    assert plan.secret(2) == secret_of(3, 2)
    assert plan.commitment.batches[1].id == 2
    assert plan.beacon is None
    assert not plan.is_dealt
    plan.note_opening(Opening(batch=1, model="m", time="t"))
    plan.note_opening(Opening(batch=2, model="m", time="t"))
    assert [opening.batch for opening in plan.openings.opened] == [1, 2]


def test_nobody_else_reads_its_secrets(tmp_path: Path) -> None:
    plan = _plan(tmp_path)
    private = {"secret.json", "units-1.jsonl", "units-2.jsonl"}
    for path in plan.path.iterdir():
        open_to_others = stat.S_IMODE(path.stat().st_mode) & 0o077
        assert bool(open_to_others) != (path.name in private), path.name
        for secret in (secret_of(3, 1), secret_of(3, 2)):
            assert path.name in private or secret.key.encode() not in path.read_bytes()


@pytest.mark.parametrize(
    ("name", "written"),
    [("commitment.json", "{}"), ("commitment.json", "x"), ("secret.json", "{}"), ("units-1.jsonl", '{"id": 1}\n')],
)
def test_a_damaged_file_is_named(tmp_path: Path, name: str, written: str) -> None:
    plan = _plan(tmp_path)
    (plan.path / name).write_text(written)
    with pytest.raises(UsageError, match=name):
        _ = plan.commitment, plan.secret(1), plan.units(1)


def test_a_folder_without_a_commitment_is_no_plan(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no plan"):
        _ = PlanFolder(tmp_path).commitment
    with pytest.raises(UsageError, match="no key of batch 3"):
        _plan(tmp_path).secret(3)


def test_coins_are_worth_what_is_shown_of_them() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    early, late = moment - timedelta(hours=1), moment - timedelta(minutes=59)
    cases = {
        (moment, early, True): ("beacon-public", 0),
        (moment, early, False): ("beacon-stamped", 20),
        # Stamped too late for the beacon: its randomness could have been known.
        (moment, late, True): ("owner-stamped", 40),
        (moment, None, True): ("owner-alone", 40),
        (None, early, False): ("owner-stamped", 40),
        (None, None, False): ("owner-alone", 40),
    }
    for (beacon, stamped, public), (name, bits) in cases.items():
        grade = coin_grade(beacon=beacon, stamped=stamped, public=public)
        assert (grade.name, grade.bits, grade.class_a) == (name, bits, name != "owner-alone")
