"""`auditor doctor`: what it says of machine, cache and model; its estimate is arithmetic on what it measured."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from support.backend import CPU
from support.paths import SAMPLES

from auditor.cli.main import run
from auditor.core.errors import UsageError
from auditor.core.progress import Silent
from auditor.core.seeds import stream
from auditor.doctor import engine as engine_room
from auditor.doctor import model as model_room
from auditor.doctor.checkup import CacheFolder, Checkup, EngineTest, Machine, ModelCheckup, Parity, Speed
from auditor.doctor.model import ModelOnly, documents, inspect_model, passages
from auditor.doctor.run import container_memory, inspect_cache, inspect_machine
from auditor.doctor.text import checkup_text, duration, size
from auditor.inference.null_splits import NullSplits
from auditor.scoring.store import Store


def doctor(*arguments: object, cache: Path) -> int:
    return run(["doctor", "--device", "cpu", "--cache-dir", str(cache), *map(str, arguments)])


@pytest.mark.model
def test_without_a_model_it_looks_at_the_machine_and_the_cache(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(cache=tmp_path) == 0
    told = capsys.readouterr()
    assert told.err == ""
    for word in (
        "torch",
        "transformers",
        "core",
        "memory",
        "Runs on",
        str(tmp_path),
        "0 texts",
        "no model was checked",
    ):
        assert word in told.out
    assert max(map(len, told.out.splitlines())) <= max(100, len(str(tmp_path)) + 60)


@pytest.mark.model
def test_json_is_one_document_that_reads_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert doctor("--json", cache=tmp_path) == 0
    checkup = Checkup.model_validate_json(capsys.readouterr().out)
    assert checkup.model is None
    assert checkup.machine.cores >= 1
    assert checkup.machine.memory_bytes >= checkup.machine.free_bytes > 0
    assert checkup.cache.records == 0


def test_the_engine_is_tested_and_a_defect_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    sound = engine_room.inspect_engine()
    assert sound.passed
    assert 0 < sound.share_below < 0.12
    assert sound == engine_room.inspect_engine()
    monkeypatch.setattr(engine_room, "null_split_pvalues", lambda *_, **__: NullSplits((0.01, 0.02), 0.0005, 1.0))
    broken = engine_room.inspect_engine()
    assert not broken.passed
    found = checkup().model_copy(update={"engine": broken})
    assert "not calibrated" in found.problems[0]
    assert "PROBLEM" in checkup_text(found)


@pytest.fixture(scope="module")
def sound() -> ModelCheckup:
    """The bundled model, which has learned to write English."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_room, "SECONDS", 0.2)
        return inspect_model(ModelOnly(str(SAMPLES / "model"), CPU, documents=1000, tokens=100), Silent())


@pytest.mark.model
def test_a_sound_model_passes_and_is_timed(sound: ModelCheckup) -> None:
    assert sound.parity.passed
    assert sound.parity.text == "built-in"
    gap = next(figure for figure in sound.parity.figures if "alone" in figure.name)
    assert gap.limit is not None
    assert 0 <= gap.value < gap.limit
    speed = sound.speed
    assert speed is not None
    assert speed.documents == 1000
    assert speed.views == 4
    assert speed.tokens_each == pytest.approx(100, rel=0.25)
    # Each view reads the document once, one of them twice, and dropping words takes some away.
    assert 3.5 < speed.sampled_tokens / (speed.sampled * speed.tokens_each) < 6
    assert speed.sampled_seconds > 0
    assert speed.audit_seconds == pytest.approx(
        speed.load_seconds + speed.sampled_seconds * 1000 / speed.sampled, rel=1e-9
    )
    assert sound.peak_memory_bytes is not None
    assert sound.peak_memory_bytes > 50e6


def test_a_model_that_makes_no_sense_of_text_fails_and_is_not_timed(
    tiny_model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Random weights cannot tell words in order from the same words shuffled."""
    assert doctor("--model", tiny_model_dir, cache=tmp_path) == 4
    told = capsys.readouterr()
    assert "FAILED" in told.out
    assert "shuffled" in told.out
    assert "not measured" in told.out
    assert "PROBLEM" in told.out
    with Store.open(tmp_path) as store:
        assert store.count() == 0


def test_given_documents_are_probed_and_counted(
    tiny_model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in "ab":
        rows = [{"body": f"{side} {number} first words then some more"} for number in range(12)]
        (tmp_path / f"{side}.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    given = [tmp_path / "a.jsonl", tmp_path / "b.jsonl", "--text-column", "body", "--model", tiny_model_dir]
    doctor(*given, "--json", cache=tmp_path / "cache")
    checkup = Checkup.model_validate_json(capsys.readouterr().out)
    assert checkup.model is not None
    assert checkup.model.parity.text == "given documents"
    if checkup.model.speed is not None:
        assert checkup.model.speed.documents == 24


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--group-column", "author"], "author"),
        (["--group-by", "parent"], "gives it no group"),
        (["--reference", "{model}"], "is the audited model itself"),
    ],
)
def test_what_an_audit_refuses_is_refused(
    options: list[str], says: str, tiny_model_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for side in "ab":
        (tmp_path / side).mkdir()
        for number in range(12):
            (tmp_path / side / f"{number}.txt").write_text(f"{side} {number} first words then some more")
    named = [option.format(model=tiny_model_dir) for option in options]
    assert doctor(tmp_path / "a", tmp_path / "b", "--model", tiny_model_dir, *named, cache=tmp_path / "cache") == 2
    assert says in capsys.readouterr().err


@pytest.mark.model
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["a", "b"], "--model"),
        (["--documents", "5"], "--model"),
        (["--limit", "5"], "SUSPECT"),
        (["--reference", "r", "--model", "m"], "SUSPECT"),
        (["a", "--model", "m"], "HELDOUT"),
        (["a", "b", "--model", "m", "--tokens", "20"], "counts"),
        (["a", "b", "--model", "m"], "no such file"),
        (["--model", "./nowhere"], "does not exist"),
        (["--device", "tpu"], "tpu"),
        (["--documents", "0", "--model", "m"], "documents"),
    ],
)
def test_what_cannot_be_done_is_told(
    arguments: list[str], says: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert doctor(*arguments, cache=tmp_path) == 2
    told = capsys.readouterr()
    assert says in told.err
    assert told.out == ""


@pytest.mark.model
def test_a_cache_that_cannot_be_used_is_a_problem(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("no folder", encoding="utf-8")
    assert doctor(cache=tmp_path / "file") == 4
    told = capsys.readouterr().out
    assert "cannot be used" in " ".join(told.split())
    assert "U+000A" not in told
    assert re.search(r"^PROBLEM +cannot create the cache directory", told, flags=re.MULTILINE)


def test_a_damaged_store_is_a_problem_and_is_left_as_it_is(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        path = store.path
    path.write_bytes(b"not a database at all" * 100)
    before = path.read_bytes()
    assert "cannot be used" in inspect_cache(str(tmp_path)).problem
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("limit", "used", "found"),
    [
        ("1048576\n", "1024\n", (1048576, 1024)),
        ("max\n", "1024\n", (None, 0)),
        (None, None, (None, 0)),
        ("9", "", (None, 0)),
    ],
)
def test_the_limit_of_a_container_is_read(
    limit: str | None, used: str | None, found: tuple[int | None, int], tmp_path: Path
) -> None:
    for name, text in (("limit", limit), ("used", used)):
        if text is not None:
            (tmp_path / name).write_text(text, encoding="ascii")
    assert container_memory(((tmp_path / "limit", tmp_path / "used"),)) == found


@pytest.mark.model
def test_the_limit_of_a_container_is_the_memory_there_is(monkeypatch: pytest.MonkeyPatch) -> None:
    import auditor.doctor.run as room

    monkeypatch.setattr(room, "container_memory", lambda: (2**20, 2**18))
    machine = inspect_machine("cpu")
    assert (machine.memory_bytes, machine.free_bytes) == (2**20, 2**20 - 2**18)
    with pytest.raises(UsageError):
        inspect_machine("tpu")


def test_the_built_in_text_is_enough_for_the_probes() -> None:
    texts = passages()
    assert len(set(texts)) == len(texts) >= 16
    assert all(len(text.split()) >= 50 and text.isascii() for text in texts)


def test_documents_for_timing_have_the_size_asked_for_and_differ() -> None:
    made = documents(2000, stream(0, "x"))
    texts = [next(made) for _ in range(20)]
    assert len(set(texts)) == 20
    assert all(2000 <= len(text) < 2300 for text in texts)
    again = documents(2000, stream(0, "x"))
    assert [next(again) for _ in range(20)] == texts


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.01, "1 s"),
        (89.4, "89 s"),
        (90, "2 minutes"),
        (5000, "83 minutes"),
        (7200, "2.0 hours"),
        (864000, "10.0 days"),
    ],
)
def test_durations_are_no_finer_than_an_estimate(seconds: float, said: str) -> None:
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "0.977 KiB"), (2**34, "16 GiB"), (2**60, "1.05e+06 TiB")],
)
def test_sizes(count: int, said: str) -> None:
    assert size(count) == said


def checkup(*, passed: bool = True, problem: str = "") -> Checkup:
    speed = Speed(
        documents=2000,
        tokens_each=800,
        views=4,
        sampled=10,
        sampled_tokens=40_000,
        sampled_seconds=8.0,
        load_seconds=20.0,
        audit_seconds=1620.0,
    )
    parity = Parity(
        passed=passed, text="built-in", reason="As it is.", remediation="" if passed else "Mend it.", figures=()
    )
    return Checkup(
        auditor_version="1",
        python="3",
        packages={},
        machine=Machine(system="s", cores=2, threads=1, memory_bytes=2**33, free_bytes=2**32, devices=(), chosen="cpu"),
        cache=CacheFolder(
            path="/c", records=1, size_bytes=2**20, free_bytes=None if problem else 2**30, problem=problem
        ),
        engine=EngineTest(
            passed=True, reason="As is.", remediation="", uniformity_p=0.5, level=0.001, halves=200, share_below=0.05
        ),
        model=ModelCheckup(
            source="m\x1b[31m",
            kind="hf",
            dtype="float32",
            device="cpu",
            context=512,
            parity=parity,
            speed=speed if passed else None,
            peak_memory_bytes=2**30,
        ),
    )


def test_the_text_says_what_the_estimate_leaves_out() -> None:
    text = " ".join(checkup_text(checkup()).split())
    assert "about 27 minutes" in text
    assert "5,000 tokens/s" in text
    assert "estimate" in text
    for left_out in ("statistics", "reference models", "in the store"):
        assert left_out in text
    assert "No problem found" in text
    assert "\x1b" not in text


def test_every_problem_is_named_at_the_end() -> None:
    found = checkup(passed=False, problem="The disk is gone.")
    assert found.problems == ("The disk is gone.", "As it is.")
    ending = checkup_text(found).splitlines()[-2:]
    assert [line.split()[0] for line in ending] == ["PROBLEM", "PROBLEM"]
    assert "about" not in checkup_text(found)


def test_the_help_imports_nothing_heavy() -> None:
    program = (
        "import sys; from auditor.cli.main import run; assert run(['doctor', '--help']) == 0; "
        # The options are derived from the settings, which are pydantic models.
        "heavy = {'torch', 'numpy', 'psutil'} & set(sys.modules); assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", program], check=True, stdout=subprocess.DEVNULL)
