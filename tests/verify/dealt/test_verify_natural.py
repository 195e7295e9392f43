"""A test without a plan is checked by a second party from its files alone."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.natural import natural_result, shuffled_rows, write_identifiers, write_rows

from auditor.core.errors import UsageError
from auditor.report.json_ import write_json
from auditor.results.dealt.result import DealtResult
from auditor.results.io import with_content_digest
from auditor.verify.bundle.archive import unpack
from auditor.verify.bundle.dealt import make_dealt_bundle
from auditor.verify.check import CheckAnswer
from auditor.verify.dealt.checks import verify_dealt
from auditor.verify.dealt.open import open_dealt
from auditor.verify.dealt.subject import DealtSubject
from auditor.verify.dealt.text import render_dealt_text

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def order(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "rows.jsonl", shuffled_rows())


def answers_of(made: DealtResult, **data: Path) -> dict[str, CheckAnswer]:
    given = {role: str(path) for role, path in data.items()}
    return verify_dealt(DealtSubject(made, write_json(made).encode(), data=given))


def failed(answers: dict[str, CheckAnswer]) -> set[str]:
    return {name for name, answer in answers.items() if answer.status == "failed"}


def test_a_result_is_verified_alone_and_with_its_files(order: Path, tmp_path: Path) -> None:
    identifiers = write_identifiers(tmp_path / "src")
    for role, path in (("order", order), ("identifiers", identifiers)):
        made = natural_result(**{role: str(path)}, effect=5.0, references=1, reveal=True)
        alone, derived = answers_of(made), answers_of(made, **{role: path})
        assert not failed(alone) | failed(derived)
        assert (alone["derived"].status, derived["derived"].status) == ("not asked", "passed")
        assert not {"commitment", "beacon", "stamp", "opening"} & set(derived)
        assert "to the last bit" in derived["figures"].detail


def change(path: str, value: Any) -> Edit:
    """Set a leaf of the tree."""

    def edit(tree: dict[str, Any]) -> None:
        at: Any = tree
        *parts, last = [int(part) if part.isdigit() else part for part in path.split(".")]
        for part in parts:
            at = at[part]
        at[last] = value(at[last]) if callable(value) else value

    return edit


@pytest.mark.parametrize(
    ("edit", "question"),
    [
        (change("p_value", 1e-9), "figures"),
        (change("verdict.validity_class", "A"), "verdict"),
        (change("coins.class_a", True), "figures"),
        (change("measurements.units.0.published", lambda index: (index + 1) % 5), "derived"),
        (change("measurements.units.0.tie_order", lambda order: order[::-1]), "derived"),
        (change("measurements.units.0.leaf", "00" * 32), "derived"),
        (change("measurements.natural.checks.1.status", "failed"), "derived"),
        (change("measurements.natural.checks.1.reason", "It is sorted."), "derived"),
        (change("measurements.natural.sha256", "00" * 32), "derived"),
        (change("measurements.natural", None), "figures"),
        (change("commitment.test.alpha", 0.5), "derived"),
        (change("commitment.design", "order"), "figures"),
        (change("units.0.candidates", lambda texts: texts[::-1]), "derived"),
    ],
)
def test_what_was_changed_is_found_with_the_file(edit: Edit, question: str, order: Path) -> None:
    tree = json.loads(write_json(natural_result(order=str(order), reveal=True)))
    edit(tree)
    forged = with_content_digest(DealtResult.model_validate(tree))
    assert question in failed(answers_of(forged, order=order))


def test_another_file_is_not_that_of_the_result(order: Path, tmp_path: Path) -> None:
    made = natural_result(order=str(order))
    other = write_rows(tmp_path / "other.jsonl", shuffled_rows(seed=1))
    assert failed(answers_of(made, order=other)) == {"derived"}
    moved = tmp_path / "moved.jsonl"
    moved.write_bytes(order.read_bytes())
    assert not failed(answers_of(made, order=moved))


def test_a_bundle_holds_no_file_and_says_so(order: Path, tmp_path: Path) -> None:
    made = natural_result(order=str(order))
    raw, path = write_json(made).encode(), tmp_path / "b.zip"
    path.write_bytes(make_dealt_bundle(made, raw, Path("r.json"), reveal=False, sources={}))
    assert sorted(unpack(path)) == ["manifest.json", "report.html", "result.json"]
    subject = open_dealt(path, plan=None, data={"order": str(order)})
    assert subject is not None
    assert not failed(verify_dealt(subject))
    for wrong in ({"reveal": True}, {"plan": tmp_path, "reveal": False}):
        with pytest.raises(UsageError):
            make_dealt_bundle(made, raw, Path("r.json"), sources={}, **wrong)  # type: ignore[arg-type]


def test_the_output_says_what_it_does_not_show(order: Path) -> None:
    made = natural_result(order=str(order))
    alone = DealtSubject(made, write_json(made).encode())
    text = " ".join(render_dealt_text(alone, verify_dealt(alone)).split())
    assert "Nothing was committed to before publication" in text
    assert "what was read, and what its checks found" in text
    assert "published copy" not in text
    given = DealtSubject(made, write_json(made).encode(), data={"order": str(order)})
    text = render_dealt_text(given, verify_dealt(given))
    assert "what was read" not in text
    assert "VERIFIED: consistent with itself and with its files" in text
