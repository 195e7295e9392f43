"""Features of the total loss: how many bits the model needs for the text."""

from __future__ import annotations

import math

import numpy as np

from auditor.features._tokens import at_least, logprobs
from auditor.features.feature import Missing, feature
from auditor.signals.tokens import TokenSignals

MAINI = "Maini et al. 2024, LLM Dataset Inference (arXiv 2406.06443), feature list"


@feature(
    name="bits-per-byte",
    family="loss",
    direction=-1,
    sets=("default", "single-pass"),
    source="Yeom et al. 2018 (arXiv 1709.01604), loss threshold; per byte so that tokenizers compare",
)
@at_least(1)
def bits_per_byte(signals: TokenSignals) -> float:
    """Loss of the text, in bits per UTF-8 byte of the characters scored.

    -sum l / (n_bytes ln 2). Training lowers the loss of training documents, so lower is more member-like.
    """
    if signals.n_bytes <= 0:
        return Missing("no bytes scored")
    return -float(logprobs(signals).sum()) / (signals.n_bytes * math.log(2))


@feature(
    name="zlib-ratio",
    family="loss",
    direction=-1,
    sets=("default", "single-pass"),
    source="Carlini et al. 2021, Extracting Training Data (arXiv 2012.07805), section 5.2; both as totals of bits",
)
@at_least(1)
def zlib_ratio(signals: TokenSignals) -> float:
    """Bits under the model over bits under zlib, of the same characters.

    -sum l / (8 zlib_bytes ln 2). Total over total: the published mean loss over zlib length falls with the length of
    the text by itself. zlib counts only what was scored, and its fixed header weighs on very short texts.
    """
    if signals.zlib_bytes <= 0:
        return Missing("no bytes scored")
    return -float(logprobs(signals).sum()) / (8 * signals.zlib_bytes * math.log(2))


@feature(name="loss", family="loss", direction=-1, sets=("llm-di",), source=MAINI)
@at_least(1)
def loss(signals: TokenSignals) -> float:
    """Mean loss, in nats per token. Lower is more member-like."""
    return -float(logprobs(signals).mean())


@feature(name="perplexity", family="loss", direction=-1, sets=("llm-di",), source=MAINI)
@at_least(1)
def perplexity(signals: TokenSignals) -> float:
    """Exponential of the mean loss, per token; lower is more member-like.

    Orders documents as the loss does but with a heavy tail, hence only in the published set.
    """
    return float(np.exp(-logprobs(signals).mean()))


@feature(name="zlib-mean-loss", family="loss", direction=-1, sets=("llm-di",), source=MAINI)
@at_least(1)
def zlib_mean_loss(signals: TokenSignals) -> float:
    """Mean loss in nats per token over zlib length in bytes, as published; depends on the length of the text.

    The zlib length is of the characters scored; the published code took the untruncated text. Use `zlib-ratio`.
    """
    if signals.zlib_bytes <= 0:
        return Missing("no bytes scored")
    return -float(logprobs(signals).mean()) / signals.zlib_bytes
