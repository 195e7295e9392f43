"""Class-embedding drift: angle between the output-layer rows of the labels and those of the origin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auditor.forgetting.weights.contents import open_weights
from auditor.forgetting.weights.tensors import NotComparedError, is_head
from auditor.models.backend import ModelSpec


def head_rows(spec: ModelSpec, tokens: Sequence[int]) -> npt.NDArray[np.float64]:
    """Output-layer rows [tokens, width] of the given tokens, read from the files; a tied head from the embeddings.

    Raises:
        NotComparedError: The rows cannot be read; the message is the reason, as the end of a sentence.
        UsageError: A file is incomplete.
        RunError: A file cannot be read.
    """
    weights = open_weights(spec)
    head = weights.of(next((name for name in weights.parameters if is_head(name)), "lm_head.weight"))
    if head is None:
        raise NotComparedError("its output layer has a name that auditor does not know")
    if len(head.stored.shape) != 2 or max(tokens) >= head.stored.shape[0]:
        raise NotComparedError("its output layer has no row for each token")
    rows = np.concatenate([head.stored.values((slice(token, token + 1),)) for token in tokens]).astype(np.float64)
    if head.added is not None:
        rows += head.added.left[list(tokens)] @ head.added.right
    return rows


def angles(then: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Angles [rows] in degrees between the rows of two matrices, accurate also for tiny angles."""
    first = then / np.maximum(np.linalg.norm(then, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    second = now / np.maximum(np.linalg.norm(now, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    apart, together = np.linalg.norm(first - second, axis=1), np.linalg.norm(first + second, axis=1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, together)), dtype=np.float64)


class ClassDrift:
    """Class-embedding drift of checkpoints; the embedding of a class is the output-layer rows of its label's tokens.

    Args:
        origin: The first checkpoint of the series.
    """

    def __init__(self, origin: ModelSpec) -> None:
        self._origin = origin
        self._unreadable: dict[str, str] = {}

    def __call__(self, spec: ModelSpec, tokens: Sequence[Sequence[int]]) -> float | None:
        """Mean angle (degrees) over the labels; the angle of a label is the mean over its tokens.

        Args:
            spec: A checkpoint.
            tokens: Token ids of each label, at least one.

        Returns:
            None where the rows of the checkpoint or of the origin cannot be read.
        """
        order = list(dict.fromkeys(token for label in tokens for token in label))
        then, now = self._rows(self._origin, order), self._rows(spec, order)
        if then is None or now is None or then.shape != now.shape:
            return None
        turned = dict(zip(order, angles(then, now).tolist(), strict=True))
        return float(np.mean([np.mean([turned[token] for token in label]) for label in tokens]))

    def _rows(self, spec: ModelSpec, tokens: Sequence[int]) -> npt.NDArray[np.float64] | None:
        try:
            return head_rows(spec, tokens)
        except NotComparedError as reason:
            self._unreadable[spec.identity.source] = str(reason)
            return None

    @property
    def notes(self) -> list[str]:
        """A sentence for each model whose rows cannot be read."""
        return [f"No class-embedding drift for {source}: {reason}." for source, reason in self._unreadable.items()]
