"""A model in memory that is trained a little, put back as it was, and rounded. Nothing is written to any file."""

from __future__ import annotations

import gc
import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from auditor.errors import first_line
from auditor.models.backend import ModelIdentity, ModelSpec, Window
from auditor.models.changes import Facts, Rounding, Training, UntrainableError
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.causal import CausalBackend
from auditor.models.runtime.paths import probe_rows
from auditor.models.runtime.precision import fast_settings
from auditor.models.tokenizing import front_of, tokenise
from auditor.models.windows import cut
from auditor.randomness import stream

if TYPE_CHECKING:
    from auditor.scoring.progress import Progress

_LOGITS = 2**26
"""Logits of one forward pass of a step; a step with more is done in several whose gradients add up."""

_BETAS = (0.9, 0.95)


class Subject:
    """A model as it is, and what trainings make of it, one at a time.

    An adapter is merged into its base first, and the merged model is what is changed. Dropout is off throughout.

    Args:
        spec: The model; it is loaded here.

    Raises:
        UntrainableError: It is no transformers model, its weights are quantised, or its adapter cannot be merged.
    """

    def __init__(self, spec: ModelSpec) -> None:
        backend = spec.load()
        if not isinstance(backend, CausalBackend):
            raise UntrainableError(f"{spec.identity.source} gives no access to its weights")
        self._source = spec.identity.source
        self._context = spec.identity.context
        self._tokenizer = backend.tokenizer
        self._model: Any = _merged(backend.model, self._source, self._context)
        del backend
        # A GGUF file is dequantised when it is read, though transformers calls the model quantised all the same.
        if getattr(self._model, "is_quantized", False) and spec.identity.kind != "gguf":
            raise UntrainableError(f"the weights of {self._source} are quantised, and gradients need plain ones")
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)
        layers = _linear_layers(self._model)
        parameters = sum(parameter.numel() for parameter in self._model.parameters())
        rounded = sum(layer.weight.numel() for layer in layers)
        self.facts = Facts(parameters, len(layers), rounded / parameters)
        self._run: _Run | None = None

    def trained(self, training: Training, steps: int, identity: ModelIdentity, progress: Progress) -> CausalBackend:
        """The model after so many steps of a training.

        A training that stands at an earlier step goes on; any other begins anew from the model as it is. Both give the
        same weights: what is scored in between leaves no trace.

        Args:
            training: What is trained, and how.
            steps: After how many steps; 0 is the model as it is.
            identity: What its scores are kept under.
            progress: Told of the tokens trained on.

        Returns:
            A backend that shares this memory and is right until the next call.

        Raises:
            UntrainableError: The model cannot be given an adapter, or the training diverged.
        """
        run = self._run
        if run is None or run.training != training or run.done > steps:
            if run is not None:
                self._model = run.undone()
            _plain_attention(self._model)
            run = self._run = _Run(self._model, training, self._windows(training), identity)
        _plain_attention(run.model)
        run.to(steps, identity.source, progress)
        return _Borrowed(run.model, self._tokenizer, identity)

    def rounded(self, rounding: Rounding, identity: ModelIdentity) -> CausalBackend:
        """The model with rounded weights. The model as it was is gone after that."""
        if self._run is not None:
            self._model = self._run.undone()
            self._run = None
        model, self._model = self._model, None
        model.to(getattr(torch, identity.dtype))
        for layer in _linear_layers(model):
            weight = layer.weight.data
            if isinstance(layer, torch.nn.Linear):
                weight.copy_(round_weights(weight, rounding))
            else:
                weight.copy_(round_weights(weight.t(), rounding).t())
        return CausalBackend(model, self._tokenizer, identity)

    def close(self) -> None:
        """Free the memory."""
        self._model = self._run = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _windows(self, training: Training) -> list[Window]:
        """The stretches trained on: what scoring would read, in shorter windows."""
        lead, no_prefix = front_of(self._tokenizer).ids, np.zeros(0, dtype=np.int32)
        context = min(training.length, self._context)
        windows = [
            window
            for text in training.texts
            for window in cut(
                tokenise(self._tokenizer, text, lead),
                lead=lead,
                prefix=no_prefix,
                context=context,
                max_tokens=training.max_tokens,
            ).windows
        ]
        if not windows:
            raise UntrainableError(f"the texts to train {self._source} on hold no token to predict")
        return windows


class _Borrowed(CausalBackend):
    """A backend over weights that are still needed when it is closed."""

    def close(self) -> None:
        """Leave the weights to their owner."""


class _Run:
    """One training on its way.

    Args:
        model: The model as it is.
        training: The training.
        windows: What is trained on.
        identity: Says the number format.
    """

    def __init__(self, model: Any, training: Training, windows: Sequence[Window], identity: ModelIdentity) -> None:
        self.training = training
        self.done = 0
        self._dtype = model.dtype
        self._windows = windows
        self._order = _order(len(windows), training)
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

    def undone(self) -> Any:
        """The model as it was before the training."""
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
        total = sum(window.scored for window in batch)
        vocabulary = int(self.model.config.get_text_config().vocab_size)
        for some in _passes(batch, _LOGITS // vocabulary):
            loss = _loss(self.model, some) / total
            torch.autograd.backward(loss)
        norm = torch.nn.utils.clip_grad_norm_(self._weights, self.training.clip)
        if not bool(torch.isfinite(norm)):
            raise UntrainableError(f"training diverged at step {self.done + 1}")
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.done += 1


def round_weights(weight: torch.Tensor, rounding: Rounding) -> torch.Tensor:
    """Weights [out, in] rounded to multiples of a scale, the largest of each group along the input being exact."""
    top = 2 ** (rounding.bits - 1) - 1
    rows, width = weight.shape
    groups = torch.nn.functional.pad(weight.float(), (0, -width % rounding.group)).reshape(rows, -1, rounding.group)
    scale = groups.abs().amax(dim=-1, keepdim=True) / top
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return ((groups / scale).round() * scale).reshape(rows, -1)[:, :width].to(weight.dtype)


def _merged(model: Any, source: str, context: int) -> Any:
    """A plain model: an adapter merged into its base, as long as the two compute the same.

    Raises:
        UntrainableError: The adapter cannot be merged.
    """
    _plain_attention(model)
    if not hasattr(model, "merge_and_unload"):
        return model
    before = _logits(model, context)
    try:
        merged = model.merge_and_unload()
    except Exception as error:
        raise UntrainableError(f"the adapter {source} cannot be merged into its base: {first_line(error)}") from error
    after = _logits(merged, context)
    limit = 1e-3 if merged.dtype == torch.float32 else 16 * float(torch.finfo(merged.dtype).eps)
    if float((after - before).abs().max()) > limit * float(before.abs().max()):
        raise UntrainableError(f"the adapter {source} merged into its base does not compute what it does beside it")
    return merged


def _logits(model: Any, context: int) -> torch.Tensor:
    row = probe_rows(int(model.config.get_text_config().vocab_size), context)[0]
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits
    return found.float()


def _plain_attention(model: Any) -> None:
    """Undo what scoring left: the attention for packed windows, and buffers that carry no gradient."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if inner.config._attn_implementation == PACKED:
        inner.set_attn_implementation("sdpa")
    for module in inner.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_inference():
                module._buffers[name] = buffer.clone()


def _with_lora(model: Any, training: Training, source: str) -> Any:
    """The model under a fresh adapter that changes nothing yet.

    Raises:
        UntrainableError: It has no layer of a kind PEFT knows.
    """
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
    # PEFT draws the first weights from the global generators, which are put back afterwards.
    with torch.random.fork_rng(devices), warnings.catch_warnings(action="ignore"):
        torch.manual_seed(training.seed)
        try:
            return get_peft_model(model, config).eval()
        except Exception as error:
            raise UntrainableError(f"{source}: no LoRA adapter can be added: {first_line(error)}") from error


def _linear_layers(model: Any) -> list[Any]:
    """Layers that multiply by a matrix, the output layer left out as 4-bit formats do."""
    from transformers.pytorch_utils import Conv1D

    last = model.get_output_embeddings()
    return [
        module
        for module in model.modules()
        if isinstance(module, torch.nn.Linear | Conv1D)
        and module is not last
        and isinstance(module.weight, torch.nn.Parameter)
        and module.weight.ndim == 2
        and (last is None or module.weight is not getattr(last, "weight", None))
    ]


def _order(count: int, training: Training) -> Iterator[list[int]]:
    """Batches of stretches without end: every stretch once in each round, each round in its own order."""
    rng = stream(training.seed, "relearn training order")
    ahead: list[int] = []
    while True:
        while len(ahead) < training.batch:
            ahead.extend(rng.permutation(count).tolist())
        yield ahead[: training.batch]
        ahead = ahead[training.batch :]


def _passes(batch: Sequence[Window], most: int) -> Iterator[list[Window]]:
    """A batch in pieces of at most so many tokens when padded, at least one stretch each."""
    some: list[Window] = []
    for window in batch:
        longest = max(map(len, [*some, window]))
        if some and longest * (len(some) + 1) > most:
            yield some
            some = []
        some.append(window)
    yield some


def _loss(model: Any, windows: Sequence[Window]) -> torch.Tensor:
    """Sum over scored tokens of minus their log-probability; what is read and not scored is not trained on either."""
    longest = max(map(len, windows))
    ids = torch.zeros(len(windows), longest, dtype=torch.long)
    targets = torch.full((len(windows), longest - 1), -100)
    for row, window in enumerate(windows):
        tokens = torch.from_numpy(window.token_ids).long()
        ids[row, : len(window)] = tokens
        targets[row, window.context - 1 : len(window) - 1] = tokens[window.context :]
    # Right padding without a mask: what stands behind a token has no influence on a causal model.
    logits = model(input_ids=ids.to(model.device), use_cache=False).logits[:, :-1].float()
    return torch.nn.functional.cross_entropy(
        logits.flatten(0, 1), targets.to(model.device).flatten(), ignore_index=-100, reduction="sum"
    )
