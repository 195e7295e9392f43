"""Short, deterministic training of a model in memory: a few steps of AdamW that can be undone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch

from auditor.core.errors import reason_of
from auditor.core.seeds import stream
from auditor.models.backend import Window
from auditor.models.changes import Training, UntrainableError
from auditor.models.runtime.precision import fast_settings
from auditor.results.models import ModelIdentity

if TYPE_CHECKING:
    from auditor.core.progress import Progress

_LOGITS = 2**26
"""Most logits of one forward pass; a larger step takes several, whose gradients add up."""

_BETAS = (0.9, 0.95)


class TrainingRun:
    """A training in progress.

    Args:
        model: The model before training.
        training: The training.
        windows: Windows of the training texts.
        identity: Identity of the trained model, which gives the number format.
    """

    def __init__(self, model: Any, training: Training, windows: Sequence[Window], identity: ModelIdentity) -> None:
        self.training = training
        self.done = 0
        self._dtype = model.dtype
        self._windows = windows
        self._order = batches_of(len(windows), training)
        model.to(getattr(torch, identity.dtype))
        self.model: Any = model if training.method == "full" else _with_lora(model, training, identity.source)
        if training.method == "full":
            self.model.requires_grad_(True)
        self._weights = [parameter for parameter in self.model.parameters() if parameter.requires_grad]
        self._before = [] if training.method == "lora" else [weight.detach().clone() for weight in self._weights]
        self._optimizer = torch.optim.AdamW(self._weights, lr=training.rate, betas=_BETAS, weight_decay=0.0)

    def to(self, steps: int, label: str, progress: Progress) -> None:
        """Train up to a step."""
        batches = [[self._windows[index] for index in next(self._order)] for _ in range(steps - self.done)]
        if not batches:
            return
        progress.start(sum(len(window) for batch in batches for window in batch), f"{label}, training")
        try:
            with fast_settings(self.model.device):
                for batch in batches:
                    self._step(batch)
                    progress.advance(sum(map(len, batch)))
        finally:
            progress.stop()

    def undo(self) -> Any:
        """Undo the training and return the original model."""
        if self.training.method == "lora":
            model = self.model.unload()
        else:
            model = self.model.requires_grad_(False)
            with torch.no_grad():
                for weight, before in zip(self._weights, self._before, strict=True):
                    weight.copy_(before)
                    weight.grad = None
        return model.to(self._dtype)

    def _step(self, batch: Sequence[Window]) -> None:
        total = sum(_targets(window) for window in batch)
        vocabulary = int(self.model.config.get_text_config(decoder=True).vocab_size)
        for piece in pieces(batch, _LOGITS // vocabulary):
            loss = _loss(self.model, piece) / total
            torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self.training.clip)
        if not bool(torch.isfinite(norm)):
            raise UntrainableError(f"training diverged at step {self.done + 1}")
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.done += 1


def _with_lora(model: Any, training: Training, source: str) -> Any:
    """The model under a new adapter whose contribution is zero, if it has a layer of a kind that PEFT supports."""
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(
        r=training.rank,
        lora_alpha=2 * training.rank,
        lora_dropout=0.0,
        target_modules="all-linear",
        bias="none",
        task_type="CAUSAL_LM",
    )
    devices = [model.device] if model.device.type == "cuda" else []
    # PEFT draws the first weights from the global generators, which are restored afterwards.
    with torch.random.fork_rng(devices), warnings.catch_warnings(action="ignore"):
        torch.manual_seed(training.seed)
        try:
            return get_peft_model(model, config).eval()
        except Exception as error:
            raise UntrainableError(f"{source}: no LoRA adapter can be added: {reason_of(error)}") from error


def batches_of(count: int, training: Training) -> Iterator[list[int]]:
    """Endless batches of window indices: every window once per epoch, each epoch in its own order."""
    rng = stream(training.seed, "relearn training order")
    ahead: list[int] = []
    while True:
        while len(ahead) < training.batch:
            ahead.extend(rng.permutation(count).tolist())
        yield ahead[: training.batch]
        ahead = ahead[training.batch :]


def pieces(batch: Sequence[Window], most: int) -> Iterator[list[Window]]:
    """A batch in pieces of at most `most` tokens when padded, at least one window each."""
    piece: list[Window] = []
    for window in batch:
        longest = max(map(len, [*piece, window]))
        if piece and longest * (len(piece) + 1) > most:
            yield piece
            piece = []
        piece.append(window)
    yield piece


def _targets(window: Window) -> int:
    """Number of tokens of a window that are trained on."""
    return window.scored if window.counted is None else int(window.counted.sum())


def _loss(model: Any, windows: Sequence[Window]) -> torch.Tensor:
    """Negative log-likelihood summed over the scored tokens that count, nats; the others are only read."""
    longest = max(map(len, windows))
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    targets = torch.full((len(windows), longest - 1), -100)
    for row, window in enumerate(windows):
        tokens = torch.from_numpy(window.token_ids).long()
        ids[row, : len(window)] = tokens
        wanted = tokens[window.context :]
        if window.counted is not None:
            wanted = torch.where(torch.from_numpy(window.counted), wanted, -100)
        targets[row, window.context - 1 : len(window) - 1] = wanted
    # Right padding without a mask: a causal model is not influenced by later tokens.
    logits = model(input_ids=ids.to(model.device), use_cache=False).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.to(model.device).flatten(), ignore_index=-100, reduction="sum"
    )
