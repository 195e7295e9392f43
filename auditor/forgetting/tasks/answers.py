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
    """The prompt of a text followed by one label; the label is what is scored.

    White space between text and label is scored with the label: most tokenizers join a space to the word after it, and
    no model was trained on a label split from its space. A line break that is a token of its own adds the same to every
    label of a text, so it decides nothing.

    Args:
        template: Contains `{text}` once and ends with `{label}`.
        text: Replaces `{text}`; of a text too long for the context the end is read, the part next to the label.
        label: Replaces `{label}`; all its tokens are scored.
    """
    before, _, between = template.removesuffix("{label}").partition("{text}")
    after = between.rstrip()
    return Prompt(text=between[len(after) :] + label, prefix=before + text + after, answer=True)


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers of one model on one task.

    Attributes:
        correct: [documents] whether the true label is strictly the likeliest.
        states: [documents, layers + 1, width] mean hidden states; rows of NaN for documents without a scored token.
        tokens: Token ids of the label of each class.
        cut: Number of documents that fill the context; of a longer text only the end is read before the label.
        shortened: Number of documents whose hidden states do not cover the end of the text.
    """

    correct: npt.NDArray[np.bool_]
    states: npt.NDArray[np.float32]
    tokens: tuple[tuple[int, ...], ...]
    cut: int
    shortened: int


def score_answers(
    models: Sequence[NamedCheckpoint],
    tasks: Sequence[Task],
    *,
    template: str,
    store: Store,
    max_tokens: int | None,
    progress: Progress | None,
) -> list[list[Answers]]:
    """Score the labels and hidden states of every document under every model; each model is loaded once.

    The score of a label is the sum of the log-probabilities of its tokens after the text, white space before it
    included: the log-probability the model gives this label. It is not divided by the length of the label, since a mean
    over tokens is no probability, favours labels whose last tokens follow from their first, and depends on the
    tokenizer. The cost is a bias towards short labels, which is alike at all checkpoints and cancels in their
    differences. A tie for the highest score counts as wrong.

    Cost: for each model and document one pass for each label and one for the hidden states.

    Args:
        models: The models, not in memory.
        tasks: The labelled corpora.
        template: Template that joins a text and a label.
        store: Store of scores.
        max_tokens: Most tokens of a text read for its hidden states. The text before a label is read as far as the
            context reaches.
        progress: Receives the scoring progress of each model.

    Returns:
        Answers by model, then by task.

    Raises:
        UsageError: A label has no token, or more than the context or `max_tokens` allow.
        RunError: As `score_requests`; or a model does not expose its hidden states.
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
    scores = iter(zip(scored.signals, scored.outputs, strict=True))
    blank = len(label_prompt(template, "", "").text)
    answers = []
    for model in models:
        of_model = []
        for task in tasks:
            rows = [[next(scores) for _ in range(len(task.classes) + 1)] for _ in task.corpus.documents]
            of_model.append(_answers(model, task, rows, blank))
        answers.append(of_model)
    return answers


def _answers(
    model: NamedCheckpoint, task: Task, rows: list[list[tuple[TokenSignals, ModelOutputs | None]]], blank: int
) -> Answers:
    """The answers of one model on one task.

    Args:
        model: The model.
        task: The task.
        rows: [documents][1 + classes] scores of the text itself, then of each label.
        blank: Number of white-space characters in front of each label.
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
    layers = [None if trace is None else trace.layers for trace in traces]
    first = next((states for states in layers if states is not None), None)
    if first is None:
        raise RunError(
            f"{model.spec.identity.source} does not expose its hidden states, which the probe of a task needs",
            hint="Leave --task out for this series.",
        )
    missing = np.full(first.shape, np.nan, dtype=np.float32)
    return np.stack([missing if states is None else states for states in layers])
