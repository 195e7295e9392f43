"""A batch from its plan to its folder: one scoring for all, what breaks, what is taken over, and who may write."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.children import hold_folder
from support.texts import WORDS

from auditor.audit.open import open_audit
from auditor.audit.run import run_audit
from auditor.batch import folder as folder_module
from auditor.batch import kinds
from auditor.batch import run as running
from auditor.batch.conclude import error_text
from auditor.batch.folder import OWN
from auditor.batch.plan import BatchPlan, PlannedAudit
from auditor.batch.run import run_batch
from auditor.cli.main import run
from auditor.core.errors import FaultsError, RunError, UsageError
from auditor.corpora.read import read_corpus
from auditor.membership.cache import CorpusCache
from auditor.models.backend import Backend, LoadOptions, ModelSpec
from auditor.models.digests import NoMemo
from auditor.models.loading import open_model
from auditor.report.renderer import render
from auditor.results.gate import Gate
from auditor.results.io import content_digest, load_result, with_content_digest
from auditor.results.result import AuditResult
from auditor.scoring.store import Store
from auditor.settings import AuditSettings, RunOptions, make_options, make_series_settings, make_settings

FILES = {"index.html", "junit.xml", "summary.md", "batch.json"}

COMMAND = "auditor batch audits.yaml"


def write_texts(folder: Path, count: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    for number in range(count):
        text = " ".join(rng.choice(WORDS, size=25)).capitalize() + "."
        (folder / f"{number:03}.txt").write_text(text, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for seed, name in enumerate(("one", "two", "three", "heldout", "general")):
        write_texts(folder / name, 24, seed)
    return folder


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores that later tests find."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def save_adapter(tmp_path_factory: pytest.TempPathFactory, tiny_model_dir: Path) -> Callable[[int], Path]:
    def save(seed: int) -> Path:
        import torch
        from peft import LoraConfig, get_peft_model
        from transformers import AutoModelForCausalLM

        folder = tmp_path_factory.mktemp("adapters") / f"adapter-{seed}"
        with torch.random.fork_rng():
            torch.manual_seed(seed)
            model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
            worn = get_peft_model(
                model, LoraConfig(target_modules=["q_proj"], task_type="CAUSAL_LM", init_lora_weights=False)
            )
            worn.save_pretrained(folder)
        return folder

    return save


def planned(name: str, data: Path, suspect: str, model: object, gate: Gate | None = None, **asked: Any) -> PlannedAudit:
    settings = make_settings(
        suspect=str(data / suspect),
        heldout=str(data / "heldout"),
        model=str(model),
        **{"permutations": 999, "features": "single-pass", **asked},
    )
    return PlannedAudit(name, name, settings, gate or Gate())


def plan_of(*audits: PlannedAudit, correction: Any = "holm") -> BatchPlan:
    return BatchPlan("release", correction, "audits.yaml", "ab" * 32, audits)


_KNOWN: dict[str, AuditResult] = {}


def cheaply(settings: AuditSettings, options: RunOptions, **more: Any) -> AuditResult:
    """`run_audit`, which for the same question gives the answer it gave before, as it always would."""
    key = settings.model_dump_json()
    if key not in _KNOWN or "/own/" in settings.suspect:
        _KNOWN[key] = run_audit(settings, options, **more)
    manifest = _KNOWN[key].manifest.model_copy(update={"command": options.command})
    return with_content_digest(
        _KNOWN[key].model_copy(update={"name": options.name, "gate": options.gate, "manifest": manifest})
    )


@pytest.fixture
def short_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of one word, but for those of a series."""

    def short(result: AuditResult, how: str) -> str:
        return "page" if how == "html" and result.forgetting is None else render(result, how)

    monkeypatch.setattr(folder_module, "render", short)


@pytest.fixture
def quick(short_pages: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Audits that were run before, and short pages."""
    monkeypatch.setattr(kinds, "run_audit", cheaply)


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The sources of all models whose weights are read from now on."""
    loads: list[str] = []
    load = ModelSpec.load

    def count(self: ModelSpec) -> Backend:
        loads.append(Path(self.identity.source).name)
        return load(self)

    monkeypatch.setattr(ModelSpec, "load", count)
    return loads


def watched(monkeypatch: pytest.MonkeyPatch, before: Callable[[str], None] = lambda name: None) -> list[str]:
    """The names of all audits that are run from now on."""
    audits: list[str] = []

    def watch(settings: AuditSettings, options: RunOptions, **more: Any) -> AuditResult:
        before(options.name)
        audits.append(options.name)
        return cheaply(settings, options, **more)

    monkeypatch.setattr(kinds, "run_audit", watch)
    return audits


@pytest.mark.usefixtures("short_pages")
def test_every_model_is_loaded_once_and_every_text_scored_once(
    data: Path,
    tiny_model_dir: Path,
    make_tiny_model: Callable[..., Path],
    save_adapter: Callable[[int], Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    other = make_tiny_model(tmp_path / "other", seed=9)
    adapters = [save_adapter(seed) for seed in (1, 2)]
    forget = make_series_settings(
        series={
            "checkpoints": (("base", str(tiny_model_dir)), ("tuned", str(adapters[0]))),
            "general": str(data / "general"),
        },
        suspect=str(data / "one"),
        heldout=str(data / "heldout"),
        permutations=3599,
    )
    plan = plan_of(
        planned("plain", data, "one", tiny_model_dir),
        planned("again", data, "two", tiny_model_dir, seed=3, features="default"),
        planned("tuned", data, "one", adapters[0]),
        planned("other tuned", data, "three", adapters[1], references=(str(other),)),
        planned("other", data, "two", other, max_tokens=20),
        PlannedAudit("forget", "forget", forget, Gate()),
    )
    loads = counted(monkeypatch)
    said: list[str] = []
    batch = run_batch(plan, tmp_path / "out", cache_dir=str(tmp_path / "cache"), say=said.append)
    # The base plays itself under the adapters' load.
    assert sorted(loads) == ["adapter-1", "other"]
    assert [outcome.error for outcome in batch.audits] == [""] * 6
    for outcome in batch.audits:
        assert outcome.finding is not None
        result = load_result(tmp_path / "out" / outcome.finding.result)
        assert result.manifest.texts_scored == 0
        assert result.manifest.texts_from_store > 40
    assert any("with 2 loads" in line for line in said)
    assert [line for line in said if "audit 6 of 6" in line] == ["audit 6 of 6: forget"]

    # By itself an audit gives the same figures.
    alone = run_audit(plan.audits[0].settings, make_options(cache_dir=str(tmp_path / "cache")))
    within = load_result(tmp_path / "out" / "plain" / "result.json")
    assert alone.membership == within.membership
    assert alone.guards == within.guards
    assert alone.measurements == within.measurements
    assert len(loads) == 2


def test_the_folder_shows_one_outcome(data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path) -> None:
    gate = Gate(expect="any", fail_on=())
    plan = plan_of(planned("a", data, "one", tiny_model_dir), planned("b", data, "two", tiny_model_dir, gate))
    batch = run_batch(plan, tmp_path / "out", cache_dir=str(cache), command=COMMAND)
    assert {path.name for path in (tmp_path / "out").iterdir() if path.is_file()} == FILES
    assert json.loads((tmp_path / "out" / "batch.json").read_text())["audits"][1]["name"] == "b"
    assert (batch.name, batch.correction, batch.exit_code) == ("release", "holm", 3)
    for outcome, expected in zip(batch.audits, plan.audits, strict=True):
        assert outcome.finding is not None
        data_file = tmp_path / "out" / outcome.finding.result
        result = load_result(data_file)
        assert outcome.finding.result_sha256 == hashlib.sha256(data_file.read_bytes()).hexdigest()
        assert (result.name, result.gate, result.multiplicity) == (
            expected.name,
            expected.gate,
            outcome.finding.multiplicity,
        )
        assert result.content_sha256 == content_digest(result)
        assert result.manifest.command == "auditor batch audits.yaml"
        assert (outcome.finding.verdict, outcome.finding.auc) == (result.verdict, result.membership.auc)
        assert (tmp_path / "out" / outcome.finding.report).stat().st_size > 5000
        assert result.multiplicity is not None
        assert (result.multiplicity.audits, result.multiplicity.broken) == (2, 0)
        assert load_result(tmp_path / "out" / OWN / f"{expected.folder}.json").multiplicity is None
    assert not list((tmp_path / "out").rglob("*.tmp"))


@pytest.mark.usefixtures("quick")
def test_an_audit_that_breaks_does_not_stop_the_others(
    data: Path,
    tiny_model_dir: Path,
    make_tiny_model: Callable[..., Path],
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    cut = make_tiny_model(tmp_path / "cut", seed=4)
    load = ModelSpec.load
    tried: list[str] = []

    def refuse(self: ModelSpec) -> Backend:
        if self.identity.source == str(cut):
            tried.append(self.identity.source)
            raise RunError("cut cannot be loaded: it ends early", hint="Copy it again.")
        return load(self)

    def defect(name: str) -> None:
        if name == "defect":
            raise KeyError("a\x1b[31mb")

    monkeypatch.setattr(ModelSpec, "load", refuse)
    watched(monkeypatch, defect)
    plan = plan_of(
        planned("no data", data, "nothing", tiny_model_dir),
        planned("cut", data, "one", cut),
        planned("cut too", data, "two", tiny_model_dir, references=(str(cut),)),
        planned("good", data, "one", tiny_model_dir),
        planned("defect", data, "two", tiny_model_dir),
        planned("no model", data, "one", tmp_path / "absent"),
    )
    batch = run_batch(plan, tmp_path / "out", cache_dir=str(cache), command=COMMAND)
    outcomes = {outcome.name: outcome for outcome in batch.audits}
    assert [outcome.status for outcome in batch.audits] == ["broken"] * 3 + ["failed"] + ["broken"] * 2
    assert list(outcomes) == [audit.name for audit in plan.audits]
    assert "no such file or folder" in outcomes["no data"].error
    assert outcomes["cut"].error == "cut cannot be loaded: it ends early\n  Copy it again."
    assert outcomes["cut too"].error == outcomes["cut"].error
    assert len(tried) == 1
    assert "KeyError" in outcomes["defect"].error
    assert "\x1b" not in outcomes["defect"].error
    assert "absent does not exist" in outcomes["no model"].error
    assert batch.exit_code == 4
    # What broke counts with p = 1 in the correction, and has no report.
    assert outcomes["good"].finding is not None
    assert outcomes["good"].finding.multiplicity is not None
    assert (outcomes["good"].finding.multiplicity.audits, outcomes["good"].finding.multiplicity.broken) == (6, 5)
    assert not (tmp_path / "out" / "cut").exists()
    assert run(["verify", str(tmp_path / "out" / "good" / "result.json")]) == 0
    assert "the 5 that broke" in capsys.readouterr().out


@pytest.mark.usefixtures("quick")
def test_a_second_run_takes_over_what_has_not_changed(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = write_texts(tmp_path / "own" / "mine", 24, seed=40).parent
    write_texts(own / "heldout", 24, seed=41)
    plan = plan_of(planned("a", data, "one", tiny_model_dir), planned("mine", own, "mine", tiny_model_dir))
    out = tmp_path / "out"
    first = run_batch(plan, out, cache_dir=str(cache))
    before = {path: path.read_bytes() for path in out.rglob("result.json")}

    audits, loads = watched(monkeypatch), counted(monkeypatch)
    again = run_batch(plan, out, cache_dir=str(cache))
    assert audits == loads == []
    assert again.model_copy(update={"created": first.created}) == first
    assert {path: path.read_bytes() for path in out.rglob("result.json")} == before

    # A gate, a name and another audit beside it change what is said, and no figure.
    renamed = replace(plan.audits[0], name="A", gate=Gate(expect="any", fail_on=()))
    third = run_batch(
        plan_of(renamed, plan.audits[1], planned("c", data, "two", tiny_model_dir)), out, cache_dir=str(cache)
    )
    assert audits == ["c"]
    assert third.audits[0].status == "passed"
    result = load_result(out / "a" / "result.json")
    assert (result.name, result.gate.expect, result.multiplicity and result.multiplicity.audits) == ("A", "any", 3)
    assert result.content_sha256 == content_digest(result)

    (own / "mine" / "000.txt").write_text("The quick brown fox remembers seven other wizards.", encoding="utf-8")
    del audits[:]
    run_batch(plan, out, cache_dir=str(cache))
    assert audits == ["mine"]
    (own / "heldout" / "a.pdf").write_bytes(b"skipped, which the result says")
    run_batch(plan, out, cache_dir=str(cache))
    assert audits == ["mine", "mine"]
    changed = replace(plan.audits[1], settings=plan.audits[1].settings.model_copy(update={"seed": 8}))
    run_batch(plan_of(plan.audits[0], changed), out, cache_dir=str(cache))
    assert audits == ["mine"] * 3
    monkeypatch.setattr("auditor.audit.open.VERSION", "99")
    run_batch(plan_of(plan.audits[0], changed), out, cache_dir=str(cache))
    assert audits == ["mine"] * 3 + ["a", "mine"]


@pytest.mark.parametrize(
    "damage", [lambda _: b"", lambda whole: whole[:-9], lambda whole: whole.replace(b"0.", b"0.1")]
)
@pytest.mark.usefixtures("quick")
def test_a_damaged_result_of_an_earlier_run_is_made_again(
    damage: Callable[[bytes], bytes],
    data: Path,
    tiny_model_dir: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of(planned("a", data, "one", tiny_model_dir))
    out = tmp_path / "out"
    first = run_batch(plan, out, cache_dir=str(cache))
    kept = out / OWN / "a.json"
    kept.write_bytes(damage(kept.read_bytes()))
    audits = watched(monkeypatch)
    again = run_batch(plan, out, cache_dir=str(cache))
    assert audits == ["a"]
    assert again.audits[0].finding is not None
    assert first.audits[0].finding is not None
    assert again.audits[0].finding.auc == first.audits[0].finding.auc


@pytest.mark.usefixtures("quick")
def test_a_result_that_was_put_into_the_folder_is_not_believed(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not even a sealed one under the right fingerprint: only what the store knows to have been found."""
    plan, out = plan_of(planned("a", data, "one", tiny_model_dir)), tmp_path / "out"
    run_batch(plan, out, cache_dir=str(cache))
    kept = out / OWN / "a.json"
    found = load_result(kept)
    verdict = found.verdict.model_copy(update={"outcome": "NO EVIDENCE"})
    forged = with_content_digest(found.model_copy(update={"verdict": verdict}))
    kept.write_text(forged.model_dump_json(), encoding="utf-8")
    audits = watched(monkeypatch)
    batch = run_batch(plan, out, cache_dir=str(cache))
    assert audits == ["a"]
    assert batch.audits[0].finding is not None
    assert batch.audits[0].finding.verdict.outcome == found.verdict.outcome


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("place", ["audits", "audits/a", "index.html", f"{OWN}/audits", f"{OWN}/audits/a.json"])
def test_links_do_not_lead_out_of_the_folder(
    place: str, data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path
) -> None:
    out, elsewhere = tmp_path / "out", tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "file").write_text("mine")
    link = out / place
    link.parent.mkdir(parents=True)
    link.symlink_to(elsewhere / "file" if link.suffix else elsewhere)
    plan = plan_of(replace(planned("a", data, "one", tiny_model_dir), folder="audits/a"))
    with pytest.raises(UsageError, match="is a link"):
        run_batch(plan, out, cache_dir=str(cache))
    assert [path.read_text() for path in elsewhere.iterdir()] == ["mine"]


@pytest.mark.usefixtures("quick")
def test_an_interrupted_batch_leaves_no_report_and_goes_on(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    audits = (planned(name, data, name, tiny_model_dir) for name in ("one", "two", "three"))
    plan, out = plan_of(*audits), tmp_path / "out"
    run_batch(plan_of(plan.audits[0]), out, cache_dir=str(cache))

    def stop(name: str) -> None:
        if name == "three":
            raise KeyboardInterrupt

    watched(monkeypatch, stop)
    with pytest.raises(KeyboardInterrupt):
        run_batch(plan, out, cache_dir=str(cache))
    # Of the earlier batch nothing is left that could be taken for this one.
    assert {path.name for path in out.rglob("*") if path.is_file()} == {"lock", "configuration", "one.json", "two.json"}
    rest = watched(monkeypatch)
    batch = run_batch(plan, out, cache_dir=str(cache))
    assert rest == ["three"]
    assert [outcome.status for outcome in batch.audits] == ["failed"] * 3


@pytest.mark.usefixtures("quick")
def test_what_is_left_of_other_batches_is_neither_listed_nor_removed(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    first = replace(planned("a", data, "one", tiny_model_dir), folder="audits/a")
    plan = plan_of(first, planned("b", data, "two", tiny_model_dir))
    run_batch(plan, out, cache_dir=str(cache))
    said: list[str] = []
    run_batch(plan_of(plan.audits[1]), out, cache_dir=str(cache), say=said.append)
    assert (out / "audits" / "a" / "result.json").is_file()
    assert [line for line in said if line.startswith("audits/a: ")]
    assert [audit["name"] for audit in json.loads((out / "batch.json").read_text())["audits"]] == ["b"]
    assert 'href="audits/a' not in (out / "index.html").read_text(encoding="utf-8")


@pytest.mark.usefixtures("quick")
def test_an_audit_that_broke_later_has_no_report_of_before(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path
) -> None:
    own = write_texts(tmp_path / "own" / "mine", 24, seed=50).parent
    write_texts(own / "heldout", 24, seed=51)
    plan, out = plan_of(planned("mine", own, "mine", tiny_model_dir)), tmp_path / "out"
    run_batch(plan, out, cache_dir=str(cache))
    (own / "mine").rename(own / "moved")
    batch = run_batch(plan, out, cache_dir=str(cache))
    assert batch.audits[0].status == "broken"
    assert not list((out / "mine").iterdir())


@pytest.mark.usefixtures("quick")
def test_a_report_that_cannot_be_made_breaks_its_audit(
    data: Path,
    tiny_model_dir: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The others, written already, are corrected again: no result may say of the batch what batch.json does not."""
    plan = plan_of(planned("a", data, "one", tiny_model_dir), planned("b", data, "two", tiny_model_dir))
    draw = folder_module.render

    def defect(result: AuditResult, how: str) -> str:
        if (result.name, how) == ("b", "html"):
            raise ZeroDivisionError("no figure")
        return draw(result, how)

    monkeypatch.setattr(folder_module, "render", defect)
    out = tmp_path / "out"
    batch = run_batch(plan, out, cache_dir=str(cache), command=COMMAND)
    assert [outcome.status for outcome in batch.audits] == ["failed", "broken"]
    assert "ZeroDivisionError: no figure" in batch.audits[1].error
    assert not list((out / "b").glob("*"))
    looks = load_result(out / "a" / "result.json").multiplicity
    assert looks is not None
    assert (looks.audits, looks.broken) == (2, 1)
    assert run(["verify", str(out / "a" / "result.json")]) == 0
    assert "the 1 that broke" in capsys.readouterr().out


@pytest.mark.parametrize("full_at", [("b", "report.html"), ("out", "summary.md")])
@pytest.mark.usefixtures("quick")
def test_a_folder_that_cannot_be_written_ends_the_batch_and_holds_no_report(
    full_at: tuple[str, str],
    data: Path,
    tiny_model_dir: Path,
    cache: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    plan = plan_of(planned("a", data, "one", tiny_model_dir), planned("b", data, "two", tiny_model_dir))
    write, out = folder_module.write_files, tmp_path / "out"

    def full(contents: Mapping[Path, bytes]) -> None:
        if full_at in {path.parts[-2:] for path in contents}:
            raise RunError("no space left")
        write(contents)

    with monkeypatch.context() as patch:
        patch.setattr(folder_module, "write_files", full)
        with pytest.raises(RunError, match="no space left"):
            run_batch(plan, out, cache_dir=str(cache))
    assert not [path for path in out.rglob("*") if path.is_file() and OWN not in path.parts]
    audits = watched(monkeypatch)
    assert run_batch(plan, out, cache_dir=str(cache)).exit_code == 3
    assert audits == []


@pytest.mark.usefixtures("quick")
def test_two_batches_do_not_write_one_folder(data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path) -> None:
    plan, out = plan_of(planned("a", data, "one", tiny_model_dir)), tmp_path / "out"
    context = multiprocessing.get_context("spawn")
    ready, go = context.Event(), context.Event()
    other = context.Process(target=hold_folder, args=(str(out), ready, go))
    other.start()
    try:
        assert ready.wait(30)
        with pytest.raises(UsageError, match="another batch is writing"):
            run_batch(plan, out, cache_dir=str(cache))
        # A process that is killed holds nothing any more, though its file is still there.
        other.kill()
        other.join()
        assert (out / OWN / "lock").exists()
        assert run_batch(plan, out, cache_dir=str(cache)).audits[0].status == "failed"
    finally:
        other.kill()
        other.join()


@pytest.mark.usefixtures("quick")
def test_folders_that_cannot_be_written_to(data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path) -> None:
    plan = plan_of(planned("a", data, "one", tiny_model_dir))
    (tmp_path / "file").write_text("x")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("mine")
    for out, says in (
        (tmp_path / "file", "no folder"),
        (tmp_path / "mine", "was not written by a batch"),
        (data / "one", "which is read"),
        (data / "one" / "deep" / "out", "which is read"),
        (tiny_model_dir / "out", "which is read"),
    ):
        with pytest.raises(UsageError, match=says):
            run_batch(plan, out, cache_dir=str(cache))
    assert (tmp_path / "mine" / "index.html").read_text() == "mine"
    within = plan_of(replace(plan.audits[0], folder="one"))
    with pytest.raises(UsageError, match="which is read"):
        run_batch(within, data, cache_dir=str(cache))
    assert not (data / OWN).exists()


@pytest.mark.usefixtures("quick")
def test_other_files_beside_a_batch_are_left_alone(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    (out / "a").mkdir(parents=True)
    (out / "a" / "notes.md").write_text("mine")
    (out / "log.txt").write_text("mine")
    for _ in range(2):
        run_batch(plan_of(planned("a", data, "one", tiny_model_dir)), out, cache_dir=str(cache))
    assert (out / "a" / "notes.md").read_text() == (out / "log.txt").read_text() == "mine"


def test_too_few_permutations_for_the_correction_are_refused(data: Path, tiny_model_dir: Path, tmp_path: Path) -> None:
    audits = [planned(f"a{number}", data, "one", tiny_model_dir, permutations=199) for number in range(3)]
    with pytest.raises(UsageError, match=r"audit .a0.*use at least 299.*3 audits") as caught:
        run_batch(plan_of(*audits), tmp_path / "out")
    assert "permutations" in caught.value.hint
    assert not (tmp_path / "out").exists()
    forget = make_series_settings(
        series={"checkpoints": (("a", "x"), ("b", "y")), "relearn": True},
        suspect="s",
        heldout="h",
        permutations=1000,
    )
    with pytest.raises(UsageError, match=r"use at least 1799.* over 1 audit and the 18 tests that this one may make"):
        run_batch(plan_of(PlannedAudit("f", "f", forget, Gate())), tmp_path / "out")


@pytest.mark.usefixtures("quick")
def test_evidence_of_one_is_weighed_against_the_others(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A verdict that does not survive is the same word in the result, the outcome, the gate and the exit code."""

    def lucky(settings: AuditSettings, options: RunOptions, **more: Any) -> AuditResult:
        result = cheaply(settings, options, **more)
        verdict = result.verdict.model_copy(update={"outcome": "EVIDENCE", "reason": "separated"})
        membership = result.membership.model_copy(update={"p_value": 0.006 if options.name == "a" else 0.9})
        return result.model_copy(
            update={"membership": membership, "verdict": verdict if options.name == "a" else result.verdict}
        )

    monkeypatch.setattr(kinds, "run_audit", lucky)
    gate = Gate(fail_on=("evidence",))
    plan = plan_of(*(planned(name, data, "one", tiny_model_dir, gate) for name in ("a", "b")))
    batch = run_batch(plan, tmp_path / "out", cache_dir=str(cache))
    first = batch.audits[0].finding
    assert first is not None
    assert first.multiplicity is not None
    assert (first.verdict.outcome, first.verdict.reason) == ("INCONCLUSIVE", "multiplicity")
    assert (first.multiplicity.p_value, first.multiplicity.p_adjusted) == (0.006, 0.012)
    assert (batch.audits[0].status, batch.exit_code) == ("passed", 0)
    assert load_result(tmp_path / "out" / "a" / "result.json").verdict == first.verdict
    alone = run_batch(plan_of(plan.audits[0]), tmp_path / "other", cache_dir=str(cache))
    assert alone.audits[0].finding is not None
    assert alone.audits[0].finding.verdict.outcome == "EVIDENCE"
    assert alone.exit_code == 1


@pytest.fixture(scope="module")
def others(make_tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of other weights."""
    return make_tiny_model(tmp_path_factory.mktemp("others"), seed=7)


@pytest.mark.parametrize("what", ["model", "reference", "suspect", "heldout"])
@pytest.mark.usefixtures("quick")
def test_what_changes_between_scoring_and_auditing_is_not_kept_as_what_it_was(
    what: str,
    data: Path,
    others: Path,
    make_tiny_model: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = tmp_path / "own"
    for seed, side in enumerate(("suspect", "heldout")):
        write_texts(own / side, 24, seed=60 + seed)
    model, reference = (make_tiny_model(own / name, seed=seed) for seed, name in enumerate(("model", "reference")))
    plan = plan_of(
        planned("a", own, "suspect", model, features="loss", references=(str(reference),)),
        planned("b", data, "one", others, features="loss"),
    )
    out, cache = tmp_path / "out", str(tmp_path / "cache")
    audit = running._Batch.audit

    def later(batch: Any) -> None:
        if what in ("model", "reference"):
            shutil.copy(others / "model.safetensors", own / what / "model.safetensors")
        else:
            (own / what / "000.txt").write_text("Seven wizards mix boxes of liquid jugs over the dog.", "utf-8")
        audit(batch)

    with monkeypatch.context() as patched:
        # A batch of more text than it holds reads it again.
        patched.setattr(running, "CorpusCache", lambda: CorpusCache(most_characters=1))
        patched.setattr(running._Batch, "audit", later)
        batch = run_batch(plan, out, cache_dir=cache)
    assert [outcome.status for outcome in batch.audits] == ["broken", "failed"]
    assert f"{own / what} changed while" in batch.audits[0].error
    assert not (out / OWN / "a.json").exists()
    again = run_batch(plan, out, cache_dir=cache)
    assert [outcome.status for outcome in again.audits] == ["failed", "failed"]
    result = load_result(out / "a" / "result.json")
    spec = open_model(str(model), LoadOptions())
    assert result.manifest.models[0].key == spec.identity.key
    assert result.suspect.sha256 == read_corpus(str(own / "suspect")).sha256


@pytest.mark.usefixtures("quick")
def test_a_result_of_an_earlier_run_that_was_made_from_something_else_is_not_taken_over(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan, out = plan_of(planned("a", data, "one", tiny_model_dir)), tmp_path / "out"
    run_batch(plan, out, cache_dir=str(cache))
    inputs = open_audit(plan.audits[0].settings, NoMemo(), CorpusCache()).inputs
    found = load_result(out / OWN / "a.json")
    assert inputs.changed_inputs(found) == []
    other = found.heldout.model_copy(update={"sha256": "0" * 64})
    with Store.open(cache) as store:
        stranger = with_content_digest(found.model_copy(update={"heldout": other}))
        folder_module.BatchFolder(out, plan).keep(plan.audits[0], inputs.fingerprint, stranger, store)
    audits = watched(monkeypatch)
    run_batch(plan, out, cache_dir=str(cache))
    assert audits == ["a"]


@pytest.mark.usefixtures("quick")
def test_a_folder_is_of_one_configuration(data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path) -> None:
    """Two files of one name in two folders have one default folder; the second must not take the first's reports."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    plan = replace(
        plan_of(planned("a", data, "one", tiny_model_dir)), configuration=str(tmp_path / "one" / "audits.yaml")
    )
    out = tmp_path / "reports" / "audits"
    run_batch(plan, out, cache_dir=str(cache))
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    other = replace(plan, configuration=str(tmp_path / "two" / "audits.yaml"))
    with pytest.raises(UsageError, match=r"holds the batch of '.*one/audits\.yaml'") as caught:
        run_batch(other, out, cache_dir=str(cache))
    assert "-o" in caught.value.hint
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    # By another path, or moved with its folder, it is still the same.
    (tmp_path / "link").symlink_to(tmp_path / "one")
    run_batch(replace(plan, configuration=str(tmp_path / "link" / "audits.yaml")), out, cache_dir=str(cache))
    (tmp_path / "moved").mkdir()
    for name in ("one", "reports"):
        (tmp_path / name).rename(tmp_path / "moved" / name)
    plan = replace(plan, configuration=str(tmp_path / "moved" / "one" / "audits.yaml"))
    run_batch(plan, tmp_path / "moved" / "reports" / "audits", cache_dir=str(cache))


def test_an_empty_name_is_no_folder(
    data: Path, tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError, match="empty name"):
        run_batch(plan_of(planned("a", data, "one", tiny_model_dir)), "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("quick")
def test_results_are_read_again_as_they_were_kept(
    data: Path, tiny_model_dir: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """None is held until the end, and none is believed that somebody changed meanwhile."""
    plan = plan_of(*(planned(name, data, name, tiny_model_dir) for name in ("one", "two")))
    out = tmp_path / "out"
    kept = out / OWN / "one.json"

    def forge(name: str) -> None:
        if name == "two":
            kept.write_bytes(kept.read_bytes().replace(b"INCONCLUSIVE", b"NO EVIDENCE"))

    watched(monkeypatch, forge)
    with pytest.raises(RunError, match=r"one\.json' changed while the batch ran"):
        run_batch(plan, out, cache_dir=str(cache))
    assert not list(out.rglob("*.html"))
    audits = watched(monkeypatch)
    assert [outcome.status for outcome in run_batch(plan, out, cache_dir=str(cache)).audits] == ["failed"] * 2
    assert audits == ["one"]


def test_errors_in_words_name_keys_and_not_the_options_of_another_command() -> None:
    hints = {
        "Choose one with --text-column.": "Choose one with text-column:.",
        "Give --context 512, or --dtype float32.": "Give context: 512, or dtype: float32.",
        "Name it with --reference or --checkpoint A=B.": "Name it with references: or checkpoints: A=B.",
        "Name another with --cache-dir; run `x --list`, not a--seed or ---seed.": None,
    }
    for hint, expected in hints.items():
        assert error_text(UsageError("what", hint=hint)) == f"what\n  {expected or hint}"


def test_errors_in_words() -> None:
    assert error_text(UsageError("what\x07", hint="do")) == "what[U+0007]\n  do"
    assert error_text(ValueError("")).startswith("ValueError")
    assert len(error_text(RunError("x" * 9000))) == 2000
    assert len(error_text(FaultsError("\n".join("abc" * 9))).splitlines()) == 12
