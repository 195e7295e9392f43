"""TokenSignals: the record of one text under one model, from which every feature is computed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int32]
Floats = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class TokenSignals:
    """Per-token records of the scored tokens of one text, all arrays of length n (the number of scored tokens).

    Write p_t for the model's next-token distribution at token t, x_t for the token at that position. Where only parts
    of a text are scored, as the answers of a conversation, characters are counted in these parts joined, so that every
    feature reads the record as it would read that of a text of its own.

    Attributes:
        token_ids: x_t.
        starts: First character of the token in the text.
        ends: One past its last character.
        positions: Number of tokens the model read before x_t in its window (BOS and prefix included).
        logprob: log p_t(x_t), natural logarithm.
        mean: E over v~p_t of log p_t(v); minus the entropy.
        std: Standard deviation over v~p_t of log p_t(v).
        max_logprob: Largest log p_t(v) over the vocabulary, that of the top choice.
        rank: Number of vocabulary entries that are strictly more probable than x_t; 0 is the top choice.
        n_bytes: UTF-8 bytes of the characters scored.
        zlib_bytes: Length of the zlib-compressed UTF-8 bytes of the characters scored.
        truncated: Whether a limit on tokens left some of the text unscored.
    """

    token_ids: Ints
    starts: Ints
    ends: Ints
    positions: Ints
    logprob: Floats
    mean: Floats
    std: Floats
    max_logprob: Floats
    rank: Ints
    n_bytes: int
    zlib_bytes: int
    truncated: bool

    def __len__(self) -> int:
        return int(self.token_ids.shape[0])
