"""Class-embedding drift: how far the head's rows of the labels have turned since the origin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auditor.forgetting.weights.contents import open_weights
from auditor.forgetting.weights.tensors import NotComparedError, is_head
from auditor.models.backend import ModelSpec


def head_rows(spec: ModelSpec, tokens: Sequence[int]) -> npt.NDArray[np.float64]:
    """The unembedding rows [tokens, width] of some tokens, read from the files alone, a tied head from the embeddings.

    Raises:
        NotComparedError: They cannot be read so; the message says why, as the end of a sentence.
        UsageError: A file is not whole.
        RunError: A file cannot be read.
    """
    weights = open_weights(spec)
    head = weights.of(next((name for name in weights.parameters if is_head(name)), "lm_head.weight"))
    if head is None:
        raise NotComparedError("its head is under a name that is not known here")
    if len(head.stored.shape) != 2 or max(tokens) >= head.stored.shape[0]:
        raise NotComparedError("its head has no row for each token")
    rows = np.concatenate([head.stored.values((slice(token, token + 1),)) for token in tokens]).astype(np.float64)
    if head.added is not None:
        rows += head.added.left[list(tokens)] @ head.added.right
    return rows


def angles(then: npt.NDArray[np.float64], now: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Angle in degrees between each row of one matrix and that of another, exact also where it is tiny."""
    first = then / np.maximum(np.linalg.norm(then, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    second = now / np.maximum(np.linalg.norm(now, axis=1, keepdims=True), np.finfo(np.float64).tiny)
    apart, together = np.linalg.norm(first - second, axis=1), np.linalg.norm(first + second, axis=1)
    return np.asarray(np.degrees(2 * np.arctan2(apart, together)), dtype=np.float64)


class Drift:
    """Measures checkpoints against their origin; a language model's class embeddings are the rows of its label tokens.

    Args:
        origin: The series' first checkpoint.
    """

    def __init__(self, origin: ModelSpec) -> None:
        self._origin = origin
        self._unread: dict[str, str] = {}

    def __call__(self, spec: ModelSpec, tokens: Sequence[Sequence[int]]) -> float | None:
        """Mean angle (degrees) over the labels, a label's being the mean over its tokens.

        Args:
            spec: A checkpoint.
            tokens: Of each label, its tokens, at least one.

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
            self._unread[spec.identity.source] = str(reason)
            return None

    @property
    def notes(self) -> list[str]:
        """What could not be read."""
        return [f"No class-embedding drift for {source}: {reason}." for source, reason in self._unread.items()]
