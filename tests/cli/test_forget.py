"""`auditor forget` end to end on tiny models: outputs, exit codes, the store, and what bad input is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.texts import WORDS

from auditor.cli.main import run
from auditor.results.io import load_result


def write(path: Path, documents: int, seed: int) -> Path:
    rng = np.random.default_rng(seed)
    texts = [" ".join(rng.choice(WORDS, size=40)).capitalize() + "." for _ in range(documents)]
    rows = [json.dumps({"id": f"{seed}-{number}", "text": text}) for number, text in enumerate(texts)]
    path.write_text("\n".join(rows), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("texts")
    return {
        name: write(folder / f"{name}.jsonl", 40, seed)
        for seed, name in enumerate(("suspect", "heldout", "placebo", "general"))
    }


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [make_tiny_model(folder / str(seed), seed=seed) for seed in range(3)]


def forget(*arguments: object, cache: Path) -> int:
    return run(["forget", *map(str, arguments), "--cache-dir", str(cache), "--permutations", "2499"])


def series(models: list[Path]) -> list[str]:
    return [word for number, path in enumerate(models) for word in ("--checkpoint", f"step{number}={path}")]


def test_a_series_costs_one_pass_a_checkpoint_and_is_told_in_every_format(
    texts: dict[str, Path], models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cache = tmp_path / "cache"
    outputs = [tmp_path / name for name in ("r.html", "r.json", "r.md")]
    asked = ["--general", str(texts["general"]), "--placebo", str(texts["placebo"]), *series(models)]
    written = [word for path in outputs for word in ("-o", str(path))]
    code = forget(texts["suspect"], texts["heldout"], *asked, *written, cache=cache)
    printed = capsys.readouterr()
    result = load_result(outputs[1])
    assert result.kind == "forget"
    assert code == result.exit_code
    assert result.forgetting is not None
    assert [point.name for point in result.forgetting.checkpoints] == ["step0", "step1", "step2"]
    for point in result.forgetting.checkpoints:
        assert point.state.name in printed.out
        assert point.state.name in outputs[2].read_text(encoding="utf-8")
        assert point.state.name in outputs[0].read_text(encoding="utf-8")
        assert point.layers
        assert point.placebo is not None
        assert point.general is not None
    assert result.forgetting.checkpoints[2].weights is not None
    assert "--checkpoint step0=" in result.manifest.command

    with sqlite3.connect(next(cache.glob("*.sqlite"))) as store:
        records = store.execute("SELECT count(*) FROM scores").fetchone()[0]
    documents, probes = 4 * 40, 8 + 16
    assert records == 3 * (documents + probes)

    forget(texts["suspect"], texts["heldout"], *asked, "-o", tmp_path / "again.json", cache=cache)
    again = load_result(tmp_path / "again.json")
    assert again.manifest.texts_scored == 0
    assert again.model_dump(exclude={"manifest", "content_sha256"}) == result.model_dump(
        exclude={"manifest", "content_sha256"}
    )


def test_check_puts_the_series_beside_its_evidence(
    texts: dict[str, Path], models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(texts["suspect"]), str(texts["heldout"]), "--model", str(models[1]), "-o", str(tmp_path / "r.json")]
    asked += ["--cache-dir", str(tmp_path / "cache"), "--permutations", "2499", "-o", str(tmp_path / "r.html")]
    run(["check", *asked, *series(models[:2])])
    capsys.readouterr()
    result = load_result(tmp_path / "r.json")
    assert result.kind == "check"
    assert not result.verdict.reason.startswith("state:")
    assert result.forgetting is not None
    assert len(result.forgetting.checkpoints) == 2
    assert "step1" in (tmp_path / "r.html").read_text(encoding="utf-8")


def test_states_may_decide_the_exit_code(
    texts: dict[str, Path], models: list[Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "r.json"
    asked = [texts["suspect"], texts["heldout"], *series(models[:2]), "-o", path]
    forget(*asked, "--exit-zero", cache=tmp_path)
    result = load_result(path)
    assert result.forgetting is not None
    state = result.forgetting.checkpoints[-1].state
    other = "fading" if state.code != "D" else "persistent"
    assert forget(*asked, "--fail-on", state.name.replace(" ", "-"), cache=tmp_path) in (1, 3)
    assert forget(*asked, "--fail-on", state.code, cache=tmp_path) in (1, 3)
    assert forget(*asked, "--fail-on", other, cache=tmp_path) == 0


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--checkpoint", "a={0}"], "at least two"),
        (["--checkpoint", "a={0}", "--checkpoint", "a={1}"], "called 'a'"),
        (["--checkpoint", "{0}", "--checkpoint", "b={1}"], "NAME=PATH"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--fail-on", "fadin"], "fading"),
        (["--checkpoint", "a={0}", "--checkpoint", "b=nowhere/at/all"], "does not exist"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--general", "{heldout}"], "general"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--placebo", "{suspect}"], "placebo"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "-o", "{suspect}/r.json"], "which is read"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--label-template", "{{label}}"], "template"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--task", "t=nowhere.jsonl"], "nowhere.jsonl"),
        (["--checkpoint", "a={0}", "--checkpoint", "b={1}", "--task", "t={general}"], "label"),
        (["--checkpoint", "a={0}", "--checkpoint", "untrained={1}", "--task", "t={general}"], "untrained"),
    ],
)
def test_bad_input_is_told(
    arguments: list[str],
    says: str,
    texts: dict[str, Path],
    models: list[Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    asked = [argument.format(*models, **texts) for argument in arguments]
    assert forget(texts["suspect"], texts["heldout"], *asked, cache=tmp_path) == 2
    told = capsys.readouterr().err
    assert says in told
    assert "scoring" not in told


def test_tokenizers_that_differ_are_an_error_that_names_both(
    texts: dict[str, Path],
    models: list[Path],
    make_tiny_model: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = make_tiny_model(tmp_path / "other", bos=False)
    asked = ["--checkpoint", f"first={models[0]}", "--checkpoint", f"second={other}"]
    assert forget(texts["suspect"], texts["heldout"], *asked, cache=tmp_path) == 2
    said = capsys.readouterr().err
    assert "first" in said
    assert "second" in said
    assert "tokenizer" in said


@pytest.mark.parametrize("option", [["--relearn"], ["--general", "x"], ["--task", "a=b"], ["--fail-on", "fading"]])
def test_check_refuses_what_needs_a_series(
    option: list[str], texts: dict[str, Path], models: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    asked = [str(texts["suspect"]), str(texts["heldout"]), "--model", str(models[0])]
    assert run(["check", *asked, *option]) == 2
    assert "needs a series" in capsys.readouterr().err
