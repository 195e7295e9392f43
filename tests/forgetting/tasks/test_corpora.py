"""Labelled corpora: what is read and what is refused."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.corpora.read import read_corpus
from auditor.forgetting.tasks.answers import label_prompt
from auditor.forgetting.tasks.corpora import Task, read_tasks


def _write(path: Path, rows: list[dict[str, object]]) -> str:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return str(path)


def _rows(*counts: int) -> list[dict[str, object]]:
    return [
        {"text": f"text {place} {number}", "label": f"class {place}", "source": f"s{number}"}
        for place, count in enumerate(counts)
        for number in range(count)
    ]


def _read(source: str, column: str = "label", **options: object) -> Task:
    (task,) = read_tasks([("topics", source)], label_column=column, read=partial(read_corpus, **options))
    return task


def test_classes_labels_and_groups(tmp_path: Path) -> None:
    rows = _rows(5, 6)
    rows[0]["label"] = " class 0 "
    task = _read(_write(tmp_path / "a.jsonl", rows), group_column="source")
    assert task.classes == ("class 0", "class 1")
    assert task.labels.tolist() == [0] * 5 + [1] * 6
    assert task.units == 6
    assert task.unit.tolist() == [0, 1, 2, 3, 4, 0, 1, 2, 3, 4, 5]


def test_numbers_are_labels_too(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", "label": i % 2} for i in range(10)]
    assert _read(_write(tmp_path / "a.jsonl", rows)).classes == ("0", "1")


@pytest.mark.parametrize(
    ("rows", "column", "said", "hint"),
    [
        (_rows(5, 5), "lable", "no column 'lable'", "Did you mean label"),
        ([*_rows(5, 5), {"text": "x", "label": None}], "label", "of a.jsonl:11", "Give every document one label"),
        ([*_rows(5, 5), {"text": "x", "label": ["a"]}], "label", "of a.jsonl:11", "single value"),
        ([*_rows(5, 5), {"text": "x", "label": " "}, {"text": "y"}], "label", "and 1 more", "take those without"),
        (_rows(12), "label", "all 12 documents have the label 'class 0'", "--label-column"),
        (_rows(5, 4), "label", "fewer than 5 documents with the label 'class 1' (4)", "--limit"),
        (_rows(*[5] * 51), "label", "51 different labels", "many documents share"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    tmp_path: Path, rows: list[dict[str, object]], column: str, said: str, hint: str
) -> None:
    with pytest.raises(UsageError) as error:
        _read(_write(tmp_path / "a.jsonl", rows), column)
    assert said in error.value.message
    assert "'topics'" in error.value.message
    assert hint in error.value.hint


def test_a_folder_of_texts_has_no_labels(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text")
    with pytest.raises(UsageError) as error:
        _read(str(tmp_path))
    assert "JSONL" in error.value.hint


def test_groups_that_are_classes_are_refused(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", "label": str(i % 2), "book": f"b{i}" if i % 2 else "one"} for i in range(24)]
    with pytest.raises(UsageError, match="of the group 'one'"):
        _read(_write(tmp_path / "a.jsonl", rows), group_column="book")


def test_few_groups_are_refused(tmp_path: Path) -> None:
    rows = [{"text": f"t{i}", "label": str(i % 2), "book": str(i % 3)} for i in range(24)]
    with pytest.raises(UsageError, match="of 3 groups"):
        _read(_write(tmp_path / "a.jsonl", rows), group_column="book")


@pytest.mark.parametrize(
    ("template", "prefix", "text"),
    [
        ("{text}\n{label}", "A {label} b", "\nsport"),
        ("{text} is about {label}", "A {label} b is about", " sport"),
        ("Text: {text}\nTopic:{label}", "Text: A {label} b\nTopic:", "sport"),
    ],
)
def test_white_space_before_a_label_is_scored_with_it(template: str, prefix: str, text: str) -> None:
    prompt = label_prompt(template, "A {label} b", "sport")
    assert (prompt.prefix, prompt.text, prompt.answer) == (prefix, text, True)
