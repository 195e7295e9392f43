"""Tasks end to end on tiny random models."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from auditor.core.errors import UsageError
from auditor.corpora.document import Corpus, Document
from auditor.corpora.read import read_corpus
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.answers import score_answers
from auditor.forgetting.tasks.conclude import conclude_tasks
from auditor.forgetting.tasks.corpora import read_tasks
from auditor.forgetting.tasks.measure import measure_tasks
from auditor.models.loading import open_model
from auditor.results.forgetting.tasks import TaskFindings, TaskPoint
from auditor.scoring.store import Store
from auditor.settings import SeriesSettings

ANIMALS = ("fox jumps over the lazy dog", "dog and quick brown fox", "lazy fox and brown dog jumps")
RAILWAYS = ("map of rivers, roads and railways", "railways in the old harbour", "roads, rivers and town railways")


def measured(
    series: list[NamedCheckpoint], asked: SeriesSettings, *, read: Callable[[str], Corpus], **given: Any
) -> tuple[TaskFindings, tuple[str, ...]]:
    """The tasks that are asked for, read and measured."""
    tasks = read_tasks(asked.tasks, label_column=asked.label_column, read=read)
    resamples = {"bootstraps": given.pop("bootstraps")} if "bootstraps" in given else {}
    found = measure_tasks(series, tasks, template=asked.label_template, **given)
    seed = given.get("seed", 0)
    findings = conclude_tasks(found.measurements, found.geometry, checkpoints=len(series), seed=seed, **resamples)
    assert findings is not None
    return findings, found.notes


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with Store.open(tmp_path_factory.mktemp("scores")) as opened:
        yield opened


@pytest.fixture(scope="module")
def task_file(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Thirty texts of two kinds that differ by their words."""
    rng = np.random.default_rng(0)
    rows = [
        {"text": f"{number} {kinds[rng.integers(3)]} {kinds[rng.integers(3)]}", "topic": topic, "number": number % 2}
        for number in range(30)
        for topic, kinds in ((("fox", ANIMALS), ("map", RAILWAYS))[number % 2],)
    ]
    path = tmp_path_factory.mktemp("tasks") / "topics.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


@pytest.fixture(scope="module")
def series(tmp_path_factory: pytest.TempPathFactory, make_tiny_model: Callable[..., Path]) -> list[NamedCheckpoint]:
    """An origin, the same again under another name, and a model of other random weights."""
    folder = tmp_path_factory.mktemp("series")
    places = [make_tiny_model(folder / "a"), make_tiny_model(folder / "b"), make_tiny_model(folder / "c", seed=3)]
    return [
        NamedCheckpoint(name, open_model(str(place)))
        for name, place in zip(("origin", "same", "other"), places, strict=True)
    ]


def _asked(task_file: str, tasks: Sequence[str] = ("topics",), column: str = "topic") -> SeriesSettings:
    return SeriesSettings(
        checkpoints=(("a", "x"), ("b", "y")), tasks=tuple((name, task_file) for name in tasks), label_column=column
    )


@pytest.fixture(scope="module")
def found(series: list[NamedCheckpoint], task_file: str, store: Store) -> TaskFindings:
    findings, _ = measured(
        series, _asked(task_file, ("first", "second")), read=read_corpus, store=store, bootstraps=200, shuffles=3
    )
    return findings


def _points(found: TaskFindings, task: str) -> dict[str, TaskPoint]:
    return {point.model: point for point in found.points if point.task == task}


def test_every_task_under_every_model_the_untrained_one_first(found: TaskFindings) -> None:
    models = ["untrained", "origin", "same", "other"]
    assert [(point.model, point.task) for point in found.points] == [
        (model, task) for model in models for task in ("first", "second")
    ]
    assert found.tasks == ("first", "second")
    assert found.labels == (("fox", "map"),) * 2
    assert found.documents == (30, 30)


def test_words_can_be_read_off_random_weights_which_is_why_the_untrained_row_is_there(found: TaskFindings) -> None:
    for point in _points(found, "first").values():
        assert len(point.probe_layers) == 3
        assert point.probe_layers[0] > 0.9
        assert point.probe.low <= point.probe.value <= point.probe.high
        assert point.overlap_shuffled is not None


def test_the_same_weights_have_forgotten_nothing(found: TaskFindings) -> None:
    points = _points(found, "first")
    origin, same, other = points["origin"], points["same"], points["other"]
    assert origin.observed == same.observed
    assert origin.probe == same.probe
    assert origin.neighbour_angles is points["untrained"].neighbour_angles is points["untrained"].class_drift is None
    assert same.neighbour_angles is not None
    assert (origin.class_drift, same.class_drift) == (0.0, 0.0)
    assert other.class_drift is not None
    # Independent random rows of width 32 stand about 90 degrees apart.
    assert 60 < other.class_drift < 120
    by_pair = {(test.task, test.earlier, test.later): test for test in found.tests}
    assert (by_pair["first", "origin", "same"].lost, by_pair["first", "origin", "same"].gained) == (0, 0)
    assert by_pair["first", "origin", "same"].p_value == 1


def test_one_checkpoint_a_task_makes_a_matrix(found: TaskFindings) -> None:
    points = _points(found, "first")
    own, last = points["same"], points["other"]
    (split,) = found.splits
    assert split.task == "first"
    assert split.observed == pytest.approx(own.observed.value - last.observed.value)
    assert split.head == pytest.approx(split.observed - split.representation)
    assert found.measures.backward_transfer == pytest.approx(-split.observed)
    assert found.measures.accuracy == pytest.approx(last.observed.value)
    # Two tasks, two steps each; the own checkpoint of both is in the last step already.
    assert len(found.tests) == 4
    lost = next(test for test in found.tests if (test.task, test.later) == ("first", "other"))
    assert (lost.lost - lost.gained) / 30 == pytest.approx(split.observed)


def test_without_a_checkpoint_a_task_and_none_better_than_the_origin_it_is_counted_from_there(
    series: list[NamedCheckpoint], task_file: str, store: Store
) -> None:
    found, _ = measured(series, _asked(task_file), read=read_corpus, store=store, bootstraps=50, shuffles=1)
    points = _points(found, "topics")
    assert found.measures.accuracy is None
    assert found.measures.reason.endswith("of 'topics' from 'origin'")
    assert found.splits[0].observed == pytest.approx(points["origin"].observed.value - points["other"].observed.value)
    assert [(test.earlier, test.later) for test in found.tests] == [
        ("origin", "same"),
        ("same", "other"),
        ("origin", "other"),
    ]


def test_nothing_is_scored_twice_and_the_seed_decides(
    series: list[NamedCheckpoint], task_file: str, store: Store
) -> None:
    again = partial(measured, series, _asked(task_file), read=read_corpus, store=store, bootstraps=50, shuffles=1)
    assert again() == again()
    assert again(seed=1) != again()


def test_random_labels_are_at_chance(series: list[NamedCheckpoint], task_file: str, store: Store) -> None:
    def shuffled(source: str) -> Corpus:
        corpus = read_corpus(source)
        mixed = np.random.default_rng(1).permutation([document.metadata["topic"] for document in corpus.documents])
        documents = tuple(
            Document(one.id, one.text, one.group, {"topic": label})
            for one, label in zip(corpus.documents, mixed.tolist(), strict=True)
        )
        return Corpus(source, documents, 0, 0, corpus.sha256)

    found, _ = measured(series, _asked(task_file), read=shuffled, store=store, bootstraps=50, shuffles=1)
    for point in found.points:
        assert 0.2 < point.probe.value < 0.8


def test_what_a_reader_has_to_know(series: list[NamedCheckpoint], tmp_path: Path, store: Store) -> None:
    words = " ".join(ANIMALS)
    rows = [
        {
            "text": f"{number} {words * (8 if number == 3 else 1)}",
            "label": ("fox", "fox dog")[number % 2],
            "book": number // 2,
        }
        for number in range(12)
    ]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in [*rows, rows[0]]))
    _, notes = measured(
        series[:2],
        _asked(str(path), column="label"),
        read=partial(read_corpus, group_column="book"),
        store=store,
        max_tokens=16,
        bootstraps=50,
        shuffles=1,
    )
    said = "\n".join(notes)
    assert "1 texts repeat" in said
    assert "12 documents in 6 groups" in said
    assert "'fox dog' start with those of 'fox'" in said
    assert "1 documents fill the context" in said
    assert "cover only their beginning" in said


@pytest.mark.parametrize("bos", [True, False])
def test_a_label_is_chosen_by_the_likelihood_of_all_its_tokens(
    tmp_path: Path, make_tiny_model: Callable[..., Path], store: Store, bos: bool
) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_tiny_model(tmp_path / "model", bos=bos)
    texts = [f"{number} {ANIMALS[number % 3]} {'again ' * (number * 20)}" for number in range(10)]
    rows = [{"text": text, "label": ("dog", "harbour town")[number % 2]} for number, text in enumerate(texts)]
    path = tmp_path / "a.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    tasks = read_tasks([("t", str(path))], label_column="label", read=read_corpus)
    ((answers,),) = score_answers(
        [NamedCheckpoint("m", open_model(str(folder)))],
        tasks,
        template="{text} is about {label}",
        store=store,
        max_tokens=None,
        progress=None,
    )
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder).eval(), AutoTokenizer.from_pretrained(folder)

    def score(text: str, label: str) -> float:
        asked = tokenizer(f"{text} is about", add_special_tokens=False)["input_ids"]
        answer = tokenizer(f" {label}", add_special_tokens=False)["input_ids"]
        front = [tokenizer.bos_token_id] if bos else []
        asked = front + asked[-(128 - len(answer) - len(front)) :]
        with torch.inference_mode():
            logprobs = model(torch.tensor([asked + answer])).logits[0].log_softmax(-1)
        return sum(float(logprobs[len(asked) - 1 + at, token]) for at, token in enumerate(answer))

    expected = [
        score(text, row["label"])
        > max(score(text, label) for label in ("dog", "harbour town") if label != row["label"])
        for text, row in zip(texts, rows, strict=True)
    ]
    assert answers.correct.tolist() == expected
    assert answers.cut > 0
    words = (tokenizer(" dog")["input_ids"], tokenizer(" harbour town")["input_ids"])
    assert [list(tokens) for tokens in answers.tokens] == [ids[1:] if bos else ids for ids in words]


def test_without_an_untrained_twin_its_row_is_left_out_and_that_is_said(
    series: list[NamedCheckpoint], task_file: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise UsageError("there is no untrained twin of this")

    monkeypatch.setattr("auditor.forgetting.tasks.measure.open_model", refuse)
    found, notes = measured(series[:2], _asked(task_file), read=read_corpus, store=store, bootstraps=50, shuffles=1)
    assert [point.model for point in found.points] == ["origin", "same"]
    assert found.points[0].neighbour_angles is None
    assert "No figures for an untrained model: there is no untrained twin of this." in notes
