"""Answers of models on the documents of tasks: the label they would choose, and their hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from auditor.core.errors import RunError, UsageError
from auditor.core.progress import Progress
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.tasks.corpora import Task
from auditor.scoring.plan import Request
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.outputs import Capture, ModelOutputs
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import Prompt


def label_prompt(template: str, text: str, label: str) -> Prompt:
    """A text with one of its labels behind it.

    White space that the template puts in front of the label is scored with the label: most tokenizers join a space to
    the word behind it, and a label split from its space is not what any model was trained on. A break that is a token
    of its own adds the same to all labels of a text and so decides nothing.

    Args:
        template: Holds `{text}` once and ends with `{label}`.
        text: Put for `{text}`; where it is too long for the context its end is read, the part next to the label.
        label: Put for `{label}`; all its tokens are scored.
    """
    before, _, between = template.removesuffix("{label}").partition("{text}")
    measurements = between.rstrip()
    return Prompt(text=between[len(measurements) :] + label, prefix=before + text + measurements, answer=True)


@dataclass(frozen=True, slots=True)
class Answers:
    """One task under one model.

    Attributes:
        correct: [documents] whether the true label is the likeliest, strictly.
        states: [documents, layers + 1, width] mean hidden states; rows of NaN for documents of no scored token.
        tokens: Of each class, the tokens its label is made of.
        cut: Documents that fill the context, so that of a longer one only the end was read before the label.
        shortened: Documents of which the hidden states do not cover the end.
    """

    correct: npt.NDArray[np.bool_]
    states: npt.NDArray[np.float32]
    tokens: tuple[tuple[int, ...], ...]
    cut: int
    shortened: int


def ask(
    models: Sequence[NamedCheckpoint],
    tasks: Sequence[Task],
    *,
    template: str,
    store: Store,
    max_tokens: int | None,
    progress: Progress | None,
) -> list[list[Answers]]:
    """Ask every model about every document of every task, each model loaded once.

    A label's score is the summed log-probability of its tokens after the text, white space before it included: the
    probability that the model gives this label. It is not divided by the label's length. A mean over tokens is no
    probability, rewards labels whose last tokens follow from their first, and moves with the tokenizer. What is paid
    for it: a short label is likelier to a model that knows nothing, which is alike at all checkpoints and cancels in
    their differences. A tie for the first place counts as wrong.

    Cost: for each model and document one pass for each label and one for the hidden states.

    Args:
        models: Not in memory.
        tasks: Whose documents are asked about.
        template: How a text and a label are joined.
        store: Where scores are kept.
        max_tokens: Read at most this many tokens of a text for its hidden states. The text before a label is read as
            far as the context reaches.
        progress: Told of each model's scoring.

    Returns:
        By model, then by task.

    Raises:
        UsageError: A label has no token, or more than the context or `max_tokens` allow.
        RunError: As `score_requests`; or a model does not show its hidden states.
    """
    wanted = Capture(layers=True)
    requests = [
        request
        for model in models
        for task in tasks
        for document in task.corpus.documents
        for request in (
            Request(model.spec, Prompt(document.text), wanted=wanted),
            *(Request(model.spec, label_prompt(template, document.text, label)) for label in task.classes),
        )
    ]
    scored = score_requests(requests, store=store, max_tokens=max_tokens, progress=progress)
    found = iter(zip(scored.signals, scored.traces, strict=True))
    blank = len(label_prompt(template, "", "").text)
    answers = []
    for model in models:
        of_model = []
        for task in tasks:
            rows = [[next(found) for _ in range(len(task.classes) + 1)] for _ in task.corpus.documents]
            of_model.append(_answers(model, task, rows, blank))
        answers.append(of_model)
    return answers


def _answers(
    model: NamedCheckpoint, task: Task, rows: list[list[tuple[TokenSignals, ModelOutputs | None]]], blank: int
) -> Answers:
    """From each document's scores, its own first and then those of its labels.

    Args:
        model: Who was asked.
        task: About what.
        rows: [documents][1 + classes].
        blank: Characters of white space in front of each label.
    """
    labels = [[signals for signals, _ in row[1:]] for row in rows]
    for label, signals in zip(task.classes, labels[0], strict=True):
        if not len(signals) or signals.truncated:
            raise UsageError(
                f"task {task.name!r}: the label {label!r} has "
                + ("more tokens than are read" if signals.truncated else f"no token for {model.name!r}"),
                hint="Give the classes short names, or raise --max-tokens and --context.",
            )
    scores = np.array([[float(label.logprob.sum(dtype=np.float64)) for label in row] for row in labels])
    true = scores[np.arange(len(rows)), task.labels]
    others = np.where(np.arange(len(task.classes)) == task.labels[:, None], -np.inf, scores)
    context = model.spec.identity.context
    return Answers(
        correct=true > others.max(axis=1),
        states=_states(model, [traces for (_, traces), *_ in rows]),
        tokens=tuple(tuple(label.token_ids[label.ends > blank].tolist()) for label in labels[0]),
        cut=sum(any(int(label.positions[-1]) + 1 >= context for label in row) for row in labels),
        shortened=sum(signals.truncated for (signals, _), *_ in rows),
    )


def _states(model: NamedCheckpoint, traces: Sequence[ModelOutputs | None]) -> npt.NDArray[np.float32]:
    layers = [None if one is None else one.layers for one in traces]
    shown = next((one for one in layers if one is not None), None)
    if shown is None:
        raise RunError(
            f"{model.spec.identity.source} does not show its hidden states, so no probe can read them",
            hint="Leave --task out for this series.",
        )
    missing = np.full(shown.shape, np.nan, dtype=np.float32)
    return np.stack([missing if one is None else one for one in layers])
