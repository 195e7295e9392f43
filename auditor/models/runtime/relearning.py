"""A model in memory that is trained briefly, restored, and rounded. No file is written."""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from auditor.core.errors import reason_of
from auditor.models.backend import ModelSpec, Window
from auditor.models.changes import Facts, Rounding, Training, UntrainableError
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.causal import CausalBackend
from auditor.models.runtime.finding import probe_rows, vocabulary_size
from auditor.models.runtime.training import TrainingRun
from auditor.models.tokenizing import front_of, tokenise
from auditor.models.windows import count_tokens, cut
from auditor.results.models import ModelIdentity
from auditor.signals.views import as_passage

if TYPE_CHECKING:
    from auditor.core.progress import Progress


class TrainableCopy:
    """A loaded model, and the models that trainings make of it, one at a time.

    An adapter is merged into its base first, and the merged model is changed. Dropout is off throughout.

    Args:
        spec: The model; it is loaded here.

    Raises:
        UntrainableError: It is not a transformers model, its weights are quantised, or its adapter cannot be merged.
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
        if getattr(self._model, "is_quantized", False) and not spec.loader.dequantises:
            raise UntrainableError(f"the weights of {self._source} are quantised, and gradients need plain ones")
        for parameter in self._model.parameters():
            parameter.requires_grad_(False)
        layers = linear_layers(self._model)
        parameters = sum(parameter.numel() for parameter in self._model.parameters())
        rounded = sum(layer.weight.numel() for layer in layers)
        self.facts = Facts(parameters, len(layers), rounded / parameters)
        self._run: TrainingRun | None = None

    def trained(self, training: Training, steps: int, identity: ModelIdentity, progress: Progress) -> CausalBackend:
        """The model after `steps` steps of a training.

        A training at an earlier step continues; any other starts from the original model. Both give the same weights,
        whatever is scored in between.

        Args:
            training: Texts and settings.
            steps: Number of steps; 0 is the original model.
            identity: Key of the scores of the trained model.
            progress: Receives the number of tokens trained on.

        Returns:
            A backend that shares this memory and is valid until the next call.

        Raises:
            UntrainableError: The model cannot be given an adapter, or the training diverged.
        """
        run = self._run
        if run is None or run.training != training or run.done > steps:
            if run is not None:
                self._model = run.undo()
            _plain_attention(self._model)
            run = self._run = TrainingRun(self._model, training, self._windows(training), identity)
        _plain_attention(run.model)
        run.to(steps, identity.source, progress)
        return _BorrowedWeights(run.model, self._tokenizer, identity)

    def rounded(self, rounding: Rounding, identity: ModelIdentity) -> CausalBackend:
        """The model with rounded weights; the original is lost."""
        if self._run is not None:
            self._model = self._run.undo()
            self._run = None
        model, self._model = self._model, None
        model.to(getattr(torch, identity.dtype))
        round_layers(model, rounding)
        return CausalBackend(model, self._tokenizer, identity)

    def close(self) -> None:
        """Free the memory."""
        self._model = self._run = None
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    def _windows(self, training: Training) -> list[Window]:
        """Windows to train on: the text that scoring reads, in shorter windows."""
        lead, no_prefix = front_of(self._tokenizer).ids, np.zeros(0, dtype=np.int32)
        context = min(training.length, self._context)
        windows = [
            window
            for passage in map(as_passage, training.texts)
            for tokens in [tokenise(self._tokenizer, passage.text, lead)]
            for window in cut(
                tokens,
                lead=lead,
                prefix=no_prefix,
                context=context,
                max_tokens=training.max_tokens,
                counted=None if passage.spans is None else count_tokens(tokens, passage.text, passage.spans),
            ).windows
        ]
        if not windows:
            raise UntrainableError(f"the texts to train {self._source} on hold no token to predict")
        return windows


class _BorrowedWeights(CausalBackend):
    """A backend whose weights outlive it."""

    def close(self) -> None:
        """Keep the weights, which belong to the `TrainableCopy`."""


def _merged(model: Any, source: str, context: int) -> Any:
    """The plain model; an adapter is merged into its base, if both compute the same logits."""
    _plain_attention(model)
    if not hasattr(model, "merge_and_unload"):
        return model
    before = _logits(model, context)
    try:
        merged = model.merge_and_unload()
    except Exception as error:
        raise UntrainableError(f"the adapter {source} cannot be merged into its base: {reason_of(error)}") from error
    after = _logits(merged, context)
    limit = 1e-3 if merged.dtype == torch.float32 else 16 * float(torch.finfo(merged.dtype).eps)
    if float((after - before).abs().max()) > limit * float(before.abs().max()):
        raise UntrainableError(f"the adapter {source} merged into its base gives other logits than unmerged")
    return merged


def _logits(model: Any, context: int) -> torch.Tensor:
    row = probe_rows(vocabulary_size(model), context)[0]
    with torch.inference_mode():
        logits: torch.Tensor = model(input_ids=torch.tensor([row], device=model.device), use_cache=False).logits
    return logits.float()


def _plain_attention(model: Any) -> None:
    """Undo the changes of scoring: the attention for packed windows, and buffers that carry no gradient."""
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    if inner.config._attn_implementation == PACKED:
        inner.set_attn_implementation("sdpa")
    for module in inner.modules():
        for name, buffer in module.named_buffers(recurse=False):
            if buffer.is_inference():
                module._buffers[name] = buffer.clone()


def round_layers(model: Any, rounding: Rounding) -> None:
    """Round the weights of all layers that `linear_layers` names, in place."""
    for layer in linear_layers(model):
        weight = layer.weight.data
        if isinstance(layer, torch.nn.Linear):
            weight.copy_(round_weights(weight, rounding))
        else:
            weight.copy_(round_weights(weight.t(), rounding).t())


def round_weights(weight: torch.Tensor, rounding: Rounding) -> torch.Tensor:
    """Weights [out, in] rounded to multiples of a scale, the largest of each group along the input being exact."""
    top = 2 ** (rounding.bits - 1) - 1
    rows, width = weight.shape
    groups = torch.nn.functional.pad(weight.float(), (0, -width % rounding.group)).reshape(rows, -1, rounding.group)
    scale = groups.abs().amax(dim=-1, keepdim=True) / top
    scale = torch.where(scale > 0, scale, torch.ones_like(scale))
    return ((groups / scale).round() * scale).reshape(rows, -1)[:, :width].to(weight.dtype)


def linear_layers(model: Any) -> list[Any]:
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
