"""Labelled corpora: the class of each document from a column, refused where no probe could learn it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.core.errors import UsageError
from auditor.core.text import did_you_mean
from auditor.corpora.document import Corpus
from auditor.forgetting.tasks.probe import FOLDS

FEWEST_CLASSES = 2
MOST_CLASSES = 50
FEWEST_DOCUMENTS = 5
"""Fewest documents in each class: with five folds, about one a fold."""
FEWEST_GROUPS = FOLDS


UNTRAINED = "untrained"
"""Name of the model with random weights in tables of checkpoints."""


@dataclass(frozen=True, slots=True)
class Task:
    """A labelled corpus.

    Attributes:
        name: Name given by the user.
        corpus: The documents.
        classes: The labels, sorted.
        labels: [documents] index into `classes`.
        unit: [documents] index of the group, 0 to units - 1.
        units: Number of groups.
    """

    name: str
    corpus: Corpus
    classes: tuple[str, ...]
    labels: npt.NDArray[np.intp]
    unit: npt.NDArray[np.intp]
    units: int


def read_tasks(
    sources: Sequence[tuple[str, str]], *, label_column: str, read: Callable[[str], Corpus]
) -> tuple[Task, ...]:
    """Read every task.

    Args:
        sources: Name and source of each task.
        label_column: Column of the label; white space around a label is dropped.
        read: Reads a corpus from its source, as `auditor.corpora.read.read_corpus` with its options.

    Raises:
        UsageError: As `read_corpus`; or the column is missing in a document or in all; or there are fewer than two
            classes, more than 50, fewer than five groups, or a class with fewer than five documents or with all its
            documents in one group, which no probe trained on the other groups could predict.
    """
    return tuple(_task(name, read(source), label_column) for name, source in sources)


def _task(name: str, corpus: Corpus, column: str) -> Task:
    what = f"task {name!r} ({corpus.source})"
    names = _labels(what, corpus, column)
    counts = Counter(names)
    hint = f"The labels are read from column {column!r}; choose another with --label-column."
    if len(counts) < FEWEST_CLASSES:
        raise UsageError(f"{what}: all {len(names)} documents have the label {names[0]!r}", hint=hint)
    if len(counts) > MOST_CLASSES:
        raise UsageError(
            f"{what}: {len(counts)} different labels among {len(names)} documents, more than {MOST_CLASSES}",
            hint=f"{hint} Labels have to be classes that many documents share.",
        )
    rare = [f"{label!r} ({count})" for label, count in sorted(counts.items()) if count < FEWEST_DOCUMENTS]
    if rare:
        raise UsageError(
            f"{what}: fewer than {FEWEST_DOCUMENTS} documents with the label {', '.join(rare[:5])}"
            + (f" and {len(rare) - 5} more" if len(rare) > 5 else ""),
            hint="Add documents, leave these classes out of the file, or raise --limit where it cut them off.",
        )
    groups = [document.group for document in corpus.documents]
    if len(corpus.groups) < FEWEST_GROUPS:
        raise UsageError(
            f"{what}: its documents are of {len(corpus.groups)} groups; the probe needs at least {FEWEST_GROUPS}",
            hint="Check --group-column and --group-by, or add documents of other groups.",
        )
    for label in sorted(counts):
        spread = {group for group, own in zip(groups, names, strict=True) if own == label}
        if len(spread) == 1:
            raise UsageError(
                f"{what}: all documents with the label {label!r} are of the group {spread.pop()!r}",
                hint="A class has to appear in two groups or more; check --group-column and --group-by.",
            )
    classes = tuple(sorted(counts))
    class_index = {label: index for index, label in enumerate(classes)}
    units = {group: index for index, group in enumerate(corpus.groups)}
    return Task(
        name=name,
        corpus=corpus,
        classes=classes,
        labels=np.array([class_index[label] for label in names], dtype=np.intp),
        unit=np.array([units[group] for group in groups], dtype=np.intp),
        units=len(units),
    )


def _labels(what: str, corpus: Corpus, column: str) -> list[str]:
    columns = dict.fromkeys(name for document in corpus.documents for name in document.metadata)
    if column not in columns:
        raise UsageError(
            f"{what}: no column {column!r} with a label in it",
            hint=f"{did_you_mean(column, columns)} Choose one with --label-column; it cannot be that of the text or of"
            " the group."
            if columns
            else "Nothing stands beside the texts: give each its label in a column of a JSONL, CSV or Parquet file.",
        )
    names = [document.metadata.get(column, "").strip() for document in corpus.documents]
    missing = [document.id for document, label in zip(corpus.documents, names, strict=True) if not label]
    if missing:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        raise UsageError(
            f"{what}: no label in column {column!r} of {missing[0]}{more}",
            hint="Give every document one label, a single value, or take those without one out of the file.",
        )
    return names
