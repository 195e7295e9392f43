"""The streaming kernel: per-token statistics of the next-token distribution without ever holding it whole."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass

import torch

from auditor.signals.top_k import TopK, TopTokens

LogitTransform = Callable[[torch.Tensor], torch.Tensor]
"""An elementwise function some models apply to their logits (soft capping, scaling)."""

Sums = tuple[torch.Tensor, torch.Tensor, torch.Tensor]
_LOWEST = -1e30


@dataclass(frozen=True, slots=True)
class Blocks:
    """Shape of the blocks of logits: [rows, columns] is the largest float32 tensor of the kernel."""

    rows: int = 256
    columns: int = 2048


@dataclass(frozen=True, slots=True)
class TokenStatistics:
    """Per-token statistics, float32 on the device of the input, all of shape [n].

    Attributes:
        logprob: log p(target), natural logarithm.
        mean: E over v~p of log p(v).
        std: Standard deviation over v~p of log p(v).
        max_logprob: Largest log p(v) over the vocabulary.
        rank: Entries strictly more probable than the target, int32.
        top_k: The most probable entries; None where not captured.
    """

    logprob: torch.Tensor
    mean: torch.Tensor
    std: torch.Tensor
    max_logprob: torch.Tensor
    rank: torch.Tensor
    top_k: TopTokens | None = None


@dataclass(frozen=True, slots=True)
class Head:
    """The last layer: logits = transform(hidden @ weight.T + bias).

    Attributes:
        weight: [vocabulary, width].
        bias: [vocabulary] or None.
        transform: Elementwise function of the logits, None for none.
    """

    weight: torch.Tensor
    bias: torch.Tensor | None = None
    transform: LogitTransform | None = None

    def logits(self, hidden: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
        """Float32 logits [rows, columns] of some rows and some columns, whatever format the weights have."""
        product = _product(hidden, weight)
        if bias is not None:
            product += bias.float()
        return product if self.transform is None else self.transform(product)


def _product(hidden: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Hidden @ weight.T in float32; on CUDA half-precision factors are summed in float32 and never rounded back."""
    if hidden.is_cuda and weight.dtype in (torch.bfloat16, torch.float16):
        with contextlib.suppress(TypeError, NotImplementedError):  # torch before 2.8 has no out_dtype
            return torch.mm(hidden, weight.t(), out_dtype=torch.float32)
    return torch.mm(hidden.float(), weight.float().t())


class Accumulator:
    """Running maximum, sum of exponentials and moments of the logits of some rows, block of columns by block.

    With z the logits, M their running maximum and u = z - M it accumulates S0 = sum exp(u), S1 = sum u exp(u) and
    S2 = sum u^2 exp(u). Then log p = u - log S0, E log p = S1/S0 - log S0 and Var log p = S2/S0 - (S1/S0)^2. Being
    taken about the maximum the moments do not cancel where the distribution is peaked. Sums within a block are float32,
    across blocks float64, so the error does not grow with the vocabulary.

    Args:
        target: [rows] logits of the targets.
        top: How many of the most probable entries to keep; 0 for none, which changes no other figure.
    """

    def __init__(self, target: torch.Tensor, top: int = 0) -> None:
        # Apple's devices have no float64.
        self.wide = torch.float32 if target.device.type == "mps" else torch.float64
        self.target = target.to(self.wide)
        self.threshold = target.unsqueeze(1)
        self.maximum = torch.full_like(self.target, _LOWEST)
        self.sums = (torch.zeros_like(self.target), torch.zeros_like(self.target), torch.zeros_like(self.target))
        self.greater = torch.zeros_like(self.target, dtype=torch.int64)
        self.top_k = TopK(len(target), top, target.device) if top else None

    def add(self, logits: torch.Tensor) -> None:
        """Add a block of logits [rows, columns]; the block is overwritten.

        The exponentials come out of softmax, and their sum out of its largest entry, which is one over it: on a CPU
        that is half the time of exp. A comparison written as float32 is a quarter of the time of one written as bool.
        """
        if self.top_k is not None:
            self.top_k.add(logits)
        above = torch.gt(logits, self.threshold, out=torch.empty_like(logits))
        self.greater += above.sum(dim=1).long()
        top = logits.amax(dim=1)
        weight = torch.softmax(logits, dim=1, out=above)
        u = logits.sub_(top.unsqueeze(1))
        s0 = weight.amax(dim=1).to(self.wide).reciprocal()
        s1 = weight.mul_(u).sum(dim=1).to(self.wide) * s0
        s2 = weight.mul_(u).sum(dim=1).to(self.wide) * s0
        self._merge(top.to(self.wide), s0, s1, s2)

    def _merge(self, top: torch.Tensor, s0: torch.Tensor, s1: torch.Tensor, s2: torch.Tensor) -> None:
        maximum = torch.maximum(self.maximum, top)
        old = _moved(self.sums, self.maximum - maximum)
        new = _moved((s0, s1, s2), top - maximum)
        self.sums = (old[0] + new[0], old[1] + new[1], old[2] + new[2])
        self.maximum = maximum

    def result(self) -> TokenStatistics:
        """The statistics of all logits added."""
        s0, s1, s2 = self.sums
        log_sum = s0.log()
        mean = s1 / s0
        variance = (s2 / s0 - mean * mean).clamp_min(0)
        return TokenStatistics(
            logprob=(self.target - self.maximum - log_sum).clamp_max(0).float(),
            mean=(mean - log_sum).clamp_max(0).float(),
            std=variance.sqrt().float(),
            # The logit of the top choice is the maximum, so only the sum about it is left.
            max_logprob=(-log_sum).clamp_max(0).float(),
            rank=self.greater.int(),
            top_k=None if self.top_k is None else self.top_k.result(self.maximum + log_sum),
        )


def _moved(sums: Sums, by: torch.Tensor) -> Sums:
    """The sums about a maximum that is higher by `-by`: u becomes u + by."""
    s0, s1, s2 = sums
    scale = by.exp()
    return s0 * scale, (s1 + by * s0) * scale, (s2 + by * (2 * s1 + by * s0)) * scale


def token_statistics(
    hidden: torch.Tensor, targets: torch.Tensor, head: Head, blocks: Blocks, top: int = 0
) -> TokenStatistics:
    """Statistics of the tokens that follow the given hidden states.

    The logit of the target is taken from a matrix product of the same inner length as all others rather than from a
    row-wise dot product, so that an entry with the same weights gets the very same logit and a tie is seen as a tie;
    a target that rounding lifts above its own threshold is subtracted again.

    Args:
        hidden: [n, width] last hidden states of the positions before the targets.
        targets: [n] token ids.
        head: The last layer.
        blocks: Shape of the blocks of logits; changes memory and speed, not figures (to rounding).
        top: How many of the most probable entries to keep at each position.
    """
    parts = [
        _rows(hidden[start : start + blocks.rows], targets[start : start + blocks.rows], head, blocks.columns, top)
        for start in range(0, len(targets), blocks.rows)
    ]
    return concatenate(parts)


def _rows(hidden: torch.Tensor, targets: torch.Tensor, head: Head, columns: int, top: int) -> TokenStatistics:
    bias = None if head.bias is None else head.bias[targets]
    target = head.logits(hidden, head.weight[targets], bias).diagonal().clone()
    accumulator = Accumulator(target, top)
    own = torch.zeros_like(accumulator.greater)
    for start in range(0, len(head.weight), columns):
        bias = None if head.bias is None else head.bias[start : start + columns]
        logits = head.logits(hidden, head.weight[start : start + columns], bias)
        inside = (targets >= start) & (targets < start + logits.shape[1])
        index = (targets - start).clamp(0, logits.shape[1] - 1).unsqueeze(1)
        own += inside & (logits.gather(1, index).squeeze(1) > target)
        accumulator.add(logits)
    accumulator.greater -= own
    return accumulator.result()


def logit_statistics(logits: torch.Tensor, targets: torch.Tensor, top: int = 0) -> TokenStatistics:
    """The same statistics from logits [n, vocabulary] that a model has computed; they are overwritten."""
    logits = logits.float()
    accumulator = Accumulator(logits.gather(1, targets.unsqueeze(1)).squeeze(1), top)
    accumulator.add(logits)
    return accumulator.result()


def concatenate(parts: list[TokenStatistics]) -> TokenStatistics:
    """Statistics of consecutive tokens, concatenated.

    Raises:
        ValueError: `parts` is empty.
    """
    if not parts:
        raise ValueError("no statistics to concatenate")
    top_k = [part.top_k for part in parts if part.top_k is not None]
    return TokenStatistics(
        logprob=torch.cat([part.logprob for part in parts]),
        mean=torch.cat([part.mean for part in parts]),
        std=torch.cat([part.std for part in parts]),
        max_logprob=torch.cat([part.max_logprob for part in parts]),
        rank=torch.cat([part.rank for part in parts]),
        top_k=TopTokens(torch.cat([part.ids for part in top_k]), torch.cat([part.logprobs for part in top_k]))
        if top_k
        else None,
    )
