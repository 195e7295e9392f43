"""`auditor plant` end to end: one command for a newcomer, two steps with a beacon, and everything that is refused."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from support.paths import SAMPLES
from support.plantable import article, write_rows

from auditor.cli.main import run
from auditor.provenance.beacon import round_after


@pytest.fixture
def corpus(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return write_rows(tmp_path / "corpus/rows.jsonl", [article(seed) for seed in range(80)])


def _plant(*words: str) -> int:
    return run(["plant", *words])


HOLDOUT = "corpus --design holdout --share 0.4 --to published --plan plan --no-beacon".split()


def test_one_command_plants_the_samples_and_says_what_to_keep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["--design", "holdout", "--to", "published", "--plan", "plan", "--no-beacon"]
    assert _plant(str(SAMPLES / "innocent"), *words) == 0
    shown = capsys.readouterr().out
    for part in ("200 units", "40 documents withheld", "2^40", "lose sleep over", "80% power"):
        assert part in shown
    read_me = (tmp_path / "plan/READ-ME.txt").read_text()
    assert "What to publish" in read_me
    assert "What to keep" in read_me
    assert len(list((tmp_path / "published").iterdir())) == 160
    assert stat.S_IMODE((tmp_path / "plan/secret.json").stat().st_mode) == 0o600
    assert _plant("plan", "--check", "published") == 0
    assert "160 of 160 published texts" in capsys.readouterr().out
    assert _plant("plan", "--clean", "published", "--to", "clean") == 0
    assert "byte for byte" in capsys.readouterr().out
    original = {path.name: path.read_bytes() for path in (SAMPLES / "innocent").iterdir()}
    assert {path.name: path.read_bytes() for path in (tmp_path / "clean").iterdir()} == original


def test_two_steps_with_a_beacon(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _plant(*[word for word in HOLDOUT if word != "--no-beacon"]) == 0
    round_number = json.loads(Path("plan/commitment.json").read_text())["beacon"]["round"]
    shown = capsys.readouterr().out
    assert f"public/{round_number}" in shown
    assert not Path("published").exists()
    assert _plant("plan", "--review") == 0
    assert "document-80" in capsys.readouterr().out
    assert _plant("plan", "--coins") == 2
    assert f"round {round_number:,} of drand" in capsys.readouterr().err
    Path("drand.json").write_text('{"round": 1000, "randomness": "x", "signature": "y"}')
    assert _plant("plan", "--coins", "--beacon", "drand.json") == 2
    assert "not a round of drand" in capsys.readouterr().err
    assert not Path("published").exists()


def test_a_copy_that_lost_plants_and_shows_decoys_is_noticed(corpus: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _plant(*HOLDOUT) == 0
    lines = Path("published/rows.jsonl").read_text().splitlines()
    withheld = next(line for line in corpus.read_text().splitlines() if line not in lines)
    Path("published/rows.jsonl").write_text("\n".join([*lines[10:], withheld]) + "\n")
    capsys.readouterr()
    assert _plant("plan", "--check", "published") == 0
    shown = capsys.readouterr().out
    assert "38 of 48 published texts" in shown
    assert "1 of 32 withheld texts are in it" in shown
    assert "less power" in shown
    assert "take them out" in shown
    assert _plant("plan", "--clean", "published", "--to", "clean") == 0
    assert "not the corpus as it was" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("", "Missing argument"),
        ("corpus", "a plan needs --design and --to and --plan"),
        ("corpus --design holdout --to published", "a plan needs --plan"),
        ("nowhere --design holdout --to published --plan plan", "nowhere"),
        ("corpus --design houldout --to published --plan plan", "houldout"),
        ("corpus --design holdout --to published --plan published/plan", "lie in one another"),
        ("corpus --design holdout --to corpus/x --plan plan --no-beacon --share .4", "corpus"),
        ("corpus --design holdout --copies 3 --to published --plan plan", "copies is of the design canaries"),
        ("corpus --design twins --share 0.3 --to published --plan plan", "share is of the design holdout"),
        ("corpus --design canaries --model m --to published --plan plan", "the kind of canaries is words"),
        ("corpus --design holdout --share 1.5 --to published --plan plan", "--share"),
        ("corpus --coins", "holds no commitment.json"),
        ("plan --coins --check published", "--coins and --check are different steps"),
        ("plan --beacon drand.json", "--beacon goes with --coins"),
        ("plan --pipeline", "--pipeline goes with --check"),
        ("plan --stamp-root root.pem", "--stamp-root goes with --stamp"),
        ("plan --coins", "its copy was written already"),
        ("plan --check nowhere", "nowhere"),
        ("plan --check published --share 0.5", "--share was fixed when the plan was committed to"),
        ("plan --check published --pipeline", "--pipeline is about canaries"),
        ("plan --clean published", "--clean needs --to"),
        ("plan --clean published --to published/x", "published"),
        ("plan --stamp corpus/rows.jsonl", "not the answer of a time-stamping authority"),
    ],
)
def test_what_cannot_be_done_is_refused_in_words(
    corpus: Path, words: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    if words.startswith("plan"):
        assert _plant(*HOLDOUT) == 0
    capsys.readouterr()
    assert _plant(*words.split()) == 2
    shown = " ".join(capsys.readouterr().err.split())
    assert message in shown
    assert "defect" not in shown


def test_the_round_lies_a_day_ahead(corpus: Path) -> None:
    from datetime import UTC, datetime, timedelta

    before = round_after(datetime.now(UTC) + timedelta(hours=24))
    assert _plant("corpus", "--design", "holdout", "--to", "published", "--plan", "plan", "--share", "0.4") == 0
    after = round_after(datetime.now(UTC) + timedelta(hours=24))
    assert before <= json.loads(Path("plan/commitment.json").read_text())["beacon"]["round"] <= after
