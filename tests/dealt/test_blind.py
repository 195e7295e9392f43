"""Two parties: candidates without coins go out, sealed scores come back, and the owner opens."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.dealt import fake_scores, make_plan

from auditor.core.errors import UsageError
from auditor.dealt.blind import export_candidates, read_candidates, read_scores
from auditor.dealt.open import open_plan
from auditor.dealt.run import run_plan_test
from auditor.dealt.settings import make_plan_test_settings
from auditor.report.json_ import write_json
from auditor.results.dealt.result import DealtResult


def test_what_goes_out_holds_no_coin_no_key_and_no_unit(tmp_path: Path) -> None:
    keys = [bytes([number]) * 32 for number in (1, 2)]
    texts = []
    for number, key in enumerate(keys):
        plan = make_plan(tmp_path / str(number), key=key)
        exported = tmp_path / f"{number}.zip"
        exported.write_bytes(export_candidates(str(plan.path), 1))
        with zipfile.ZipFile(io.BytesIO(exported.read_bytes())) as archive:
            written = archive.read("candidates.json")
        assert key.hex().encode() not in written
        assert b"canaries-1-" not in written
        candidates = read_candidates(exported)
        texts.append(candidates.texts)
        assert len(candidates.texts) == 300
    assert texts[0] == texts[1]


def blind_test(tmp_path: Path, **settings: Any) -> DealtResult:
    """A test by scores that another party sealed."""
    plan = make_plan(tmp_path / "plan", units=60)
    scores = tmp_path / "scores.json"
    scores.write_text(write_json(fake_scores(open_plan(str(plan.path), 1), effect=100.0)))
    return run_plan_test(make_plan_test_settings(plan=str(plan.path), scores=str(scores), **settings))


def test_the_owner_makes_the_p_value_of_sealed_scores(tmp_path: Path) -> None:
    made = blind_test(tmp_path)
    sealed = json.loads((tmp_path / "scores.json").read_text())["content_sha256"]
    assert made.verdict.outcome == "EVIDENCE"
    assert made.measurements.sealed_sha256 == sealed
    assert next(check for check in made.checks if check.name == "blind").status == "warning"
    assert made.manifest.models[0].source == "./target"


@pytest.mark.parametrize("name", ["logprob", "tokens", "token_ids", "models"])
def test_scores_that_were_changed_after_they_were_sealed_are_refused(name: str, tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan")
    opened = open_plan(str(plan.path), 1)
    tree = json.loads(write_json(fake_scores(opened)))
    if name in ("logprob", "tokens"):
        tree["scores"]["target"][name][0] += 1
    elif name == "token_ids":
        tree[name][0] = "00" * 32
    else:
        tree[name][0]["source"] = "other"
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(UsageError, match="changed after it was sealed"):
        read_scores(path, opened)


def test_scores_of_another_batch_or_plan_are_refused(tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", batches=2)
    path = tmp_path / "scores.json"
    path.write_text(write_json(fake_scores(open_plan(str(plan.path), 1))))
    with pytest.raises(UsageError, match="opened is batch 2"):
        read_scores(path, open_plan(str(plan.path), 2))
    other = make_plan(tmp_path / "other", batches=2, key=b"k" * 32)
    with pytest.raises(UsageError, match="scores of batch 1 of the commitment"):
        read_scores(path, open_plan(str(other.path), 1))


def zipped(name: str, content: bytes) -> bytes:
    """A zip with one entry."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(name, content)
    return stream.getvalue()


@pytest.mark.parametrize("written", [b"", b"{}", zipped("other.json", b"{}"), zipped("candidates.json", b"[1]")])
def test_a_file_that_holds_no_candidates_is_refused(written: bytes, tmp_path: Path) -> None:
    path = tmp_path / "c.zip"
    path.write_bytes(written)
    with pytest.raises(UsageError, match="does not hold candidates"):
        read_candidates(path)


def test_candidates_in_another_order_are_refused(tmp_path: Path) -> None:
    """An order could tell which were published."""
    plan = make_plan(tmp_path / "plan")
    path = tmp_path / "c.zip"
    path.write_bytes(export_candidates(str(plan.path), 1))
    candidates = read_candidates(path)
    turned = candidates.model_copy(update={"texts": candidates.texts[::-1]})
    path.write_bytes(zipped("candidates.json", turned.model_dump_json().encode()))
    with pytest.raises(UsageError, match="order of their digests"):
        read_candidates(path)


def test_a_batch_is_noted_as_open_once_a_model(tmp_path: Path) -> None:
    first = blind_test(tmp_path)
    plan = first.manifest.configuration["plan"]
    again = run_plan_test(make_plan_test_settings(plan=plan, scores=str(tmp_path / "scores.json")))
    assert again.measurements.other_models == 0
    other = fake_scores(open_plan(plan, 1), effect=100.0)
    target = other.models[0].model_copy(update={"weights_sha256": "dd" * 32})
    from auditor.dealt.score import with_digest

    (tmp_path / "other.json").write_text(
        write_json(with_digest(other.model_copy(update={"models": (target, *other.models[1:])})))
    )
    refused = run_plan_test(make_plan_test_settings(plan=plan, scores=str(tmp_path / "other.json")))
    assert refused.verdict.reason == "check:opened"
    allowed = run_plan_test(make_plan_test_settings(plan=plan, scores=str(tmp_path / "other.json"), look=2))
    assert allowed.verdict.outcome == "EVIDENCE"
    once_more = run_plan_test(make_plan_test_settings(plan=plan, scores=str(tmp_path / "scores.json")))
    assert once_more.measurements.other_models == 0
    assert allowed.level < first.level


HOSTILE: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
    ("no model is named", lambda tree: tree.update(models=[])),
    ("no model is named", lambda tree: tree["models"][0].update(role="reference")),
    ("not scores of the tested model", lambda tree: tree["scores"].update(other=tree["scores"].pop("target"))),
    ("not scores of the tested model", lambda tree: tree["scores"].pop("base-0")),
    ("not of the same models", lambda tree: tree.update(numerics={})),
    ("in the order of their digests", lambda tree: tree["texts"].reverse()),
    ("in the order of their digests", lambda tree: tree["texts"].__setitem__(1, tree["texts"][0])),
    ("not as many", lambda tree: tree["scores"]["target"]["logprob"].pop()),
    ("not as many", lambda tree: tree["scores"]["base-0"]["tokens"].pop()),
    ("not as many", lambda tree: tree["token_ids"].pop()),
    ("there is none", lambda tree: tree.update(scores={}, texts=[], models=[])),
    ("scores.target.logprob.0", lambda tree: tree["scores"]["target"]["logprob"].__setitem__(0, 1e308)),
]


@pytest.mark.parametrize(("says", "edit"), HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_scores_that_do_not_fit_together_are_refused_in_words(
    says: str, edit: Callable[[dict[str, Any]], Any], tmp_path: Path
) -> None:
    opened = open_plan(str(make_plan(tmp_path / "plan", units=3, decoys=2).path), 1)
    tree = json.loads(write_json(fake_scores(opened, references=1)))
    edit(tree)
    path = tmp_path / "scores.json"
    path.write_text(json.dumps(tree))
    with pytest.raises(UsageError, match=f"scores.json does not hold scores .*{says}"):
        read_scores(path, opened)


def test_a_plan_in_which_no_opening_can_be_noted_is_refused_before_scoring(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("auditor.dealt.run.measure_dealt", lambda *_, **__: pytest.fail("it was measured"))

    def refuse(**_: Any) -> None:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as denied:
        denied.setattr("auditor.provenance.folder.tempfile.TemporaryFile", refuse)
        with pytest.raises(UsageError, match=r"opened.json cannot be written \(.*ermission denied"):
            blind_test(tmp_path / "a")
    plan = make_plan(tmp_path / "b")
    (plan.path / "opened.json").mkdir()
    with pytest.raises(UsageError, match="is no file"):
        plan.require_notable()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "no plan"),
        ({"plan": "p"}, "nothing to test"),
        ({"plan": "p", "scores": "s", "model": "m"}, "a model already"),
        ({"plan": "p", "model": "m", "released": "May"}, "is no day"),
        ({"plan": "p", "model": "m", "device": "tpu"}, "device"),
        ({"plan": "p", "model": "m", "batch": 0}, "batch"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError, match=says):
        make_plan_test_settings(**settings)


@pytest.mark.parametrize(("design", "units", "says"), [("holdout", 60, "depend on each other"), ("twins", 19, "19")])
def test_a_sequential_test_without_sense_is_refused(design: str, units: int, says: str, tmp_path: Path) -> None:
    plan = make_plan(tmp_path / "plan", design, units=units)
    with pytest.raises(UsageError, match=says):
        run_plan_test(make_plan_test_settings(plan=str(plan.path), model="m", sequential=True))
