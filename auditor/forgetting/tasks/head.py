"""Rows of the unembedding: what the head holds against a hidden state to give a token its score."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from auditor.forgetting.weights.contents import open_weights
from auditor.forgetting.weights.names import is_head
from auditor.forgetting.weights.stored import NotComparedError
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
