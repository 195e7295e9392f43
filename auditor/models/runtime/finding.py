"""Which paths through a model reproduce its own logits, tried on both sides of every threshold it has."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from importlib.metadata import version
from typing import Any

import torch

from auditor.core.errors import AuditorError, RunError, UsageError, is_out_of_memory, reason_of
from auditor.models.runtime.attention import PACKED, register
from auditor.models.runtime.layers import find_layers
from auditor.models.runtime.paths import Grouping, Paths
from auditor.models.runtime.state import PassState
from auditor.models.runtime.thresholds import Thresholds, thresholds_of
from auditor.signals.kernel import Head, LogitTransform

_LONG, _SHORT, _BEYOND = 40, 23, 5


def find_paths(model: Any, source: str, *, context: int) -> Paths:
    """Find the paths through a model that reproduce its own logits.

    A path is used if it gives, for rows of mixed length on both sides of every threshold that windows of an audit
    reach, what the model gives each of them alone, and if no row notices that its neighbour changes.

    Args:
        model: In evaluation mode, possibly wrapped by PEFT, its adapter switched as it will be used.
        source: Its name for messages.
        context: Longest window.

    Raises:
        UsageError: The model is not causal: later tokens change the scores of earlier ones.
        RunError: Its forward pass fails, or returned NaN or infinite values.
    """
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    text = inner.config.get_text_config(decoder=True)
    thresholds = thresholds_of(text, context)
    paths = Paths(model, inner, inner, vocabulary_size(inner))
    state = PassState(inner)
    paths.restore_attention()
    with torch.inference_mode(), _named(source, inner):
        search = _Search(paths, thresholds, context)
        bodies = search.first_pass(source)
        search.require_causal(source)
        paths.state = state
        search.choose(bodies)
        paths.layers = find_layers(inner, paths.body, search.long)
        if not state.keep_changed():
            paths.state = None
    return paths


@contextmanager
def _named(source: str, inner: Any) -> Iterator[None]:
    """Report what the model's own forward pass raises as the model's failure."""
    try:
        yield
    except AuditorError:
        raise
    except Exception as error:
        if is_out_of_memory(error):
            raise
        raise first_pass_error(source, inner, error) from error


def vocabulary_size(inner: Any) -> int:
    """Number of token ids a model reads, as its configuration or else its embeddings have it."""
    declared = getattr(inner.config.get_text_config(decoder=True), "vocab_size", None)
    return int(declared or inner.get_input_embeddings().weight.shape[0])


class _Search:
    """The probes of one model.

    Args:
        paths: Receives what is found.
        thresholds: Lengths to probe both sides of.
        context: Longest window.
    """

    def __init__(self, paths: Paths, thresholds: Thresholds, context: int) -> None:
        self._paths = paths
        self._thresholds = thresholds
        self.long, self._short = probe_rows(paths.vocabulary, min([context, *thresholds.switches]))
        self._probes = [[self._short, self.long, self._short]]
        if thresholds.lengths:
            far = _tokens(paths.vocabulary, min(context, thresholds.lengths[-1] + _BEYOND))
            # Rows that may share a pass are few: padding makes the shortest as long as the longest.
            self._probes.append([self._short, far, *([far[:-2]] if thresholds.switches else [])])
        self._truths: dict[tuple[int, ...], tuple[torch.Tensor, torch.Tensor]] = {}

    def first_pass(self, source: str) -> list[Any]:
        """Run the model's own forward pass, and return the modules that gave last hidden states in it.

        Raises:
            RunError: Its logits are not all finite.
        """
        inner = self._paths.inner
        bodies: list[Any] = [] if inner.base_model is inner else [inner.base_model]

        def note(module: Any, args: Any, output: Any) -> None:
            if isinstance(getattr(output, "last_hidden_state", None), torch.Tensor) and module not in bodies:
                bodies.append(module)

        with ExitStack() as stack:
            for module in inner.modules():
                if module is not inner:
                    stack.callback(module.register_forward_hook(note).remove)
            truth, _ = self._truth(self.long)
        self._paths.vocabulary = truth.shape[1]
        if not bool(torch.isfinite(truth).all()):
            raise RunError(
                f"{source} returned NaN or infinite values",
                hint="The weights may be damaged, or overflow in half precision: try --dtype float32.",
            )
        return bodies

    def require_causal(self, source: str) -> None:
        """Refuse a model in which later tokens change the scores of earlier ones.

        Raises:
            UsageError: It is one.
        """
        half = len(self.long) // 2
        cut = self._paths.own(self.long[:half]).float()
        if not self._close(cut, self._truth(self.long)[0][:half]):
            raise UsageError(
                f"{source} is not causal: later tokens change the scores of earlier ones",
                hint="Only models that read from left to right give a text a likelihood.",
            )

    def choose(self, bodies: Sequence[Any]) -> None:
        """Set the fastest path that passes."""
        paths = self._paths
        paths.body = bodies[0] if bodies else paths.inner
        for row in [row for probe in self._probes for row in probe]:
            self._truth(row)
        usable = [body for body in bodies if self._reproduces_logits(body)]
        if not usable:
            paths.head = None
            return
        declared: Grouping = "any"
        if self._thresholds.switches:
            declared = "length" if self._thresholds.continuous else "side"
        paths.switches = self._thresholds.switches
        if paths.model.device.type == "cpu" and self._may_pack():
            for paths.body in usable:
                if self._packs(declared):
                    return
        paths.body = usable[0]
        for paths.grouping in dict.fromkeys([declared, "length", "single"]):
            if self._passes():
                return
        paths.head, paths.grouping = None, "single"

    def _reproduces_logits(self, body: Any) -> bool:
        """Whether a body and the last layer give the model's own logits; sets both."""
        paths, layer = self._paths, self._paths.inner.get_output_embeddings()
        weight = getattr(layer, "weight", None)
        if not isinstance(weight, torch.Tensor):
            return False
        paths.body = body
        paths.head = Head(weight.detach(), _detached(getattr(layer, "bias", None)), _transform(paths.inner.config))
        truth, _ = self._truth(self.long)
        try:
            hidden = paths.padded([self.long])[0]
        except Exception as error:  # any kind: the module cannot be called by itself
            _pass_on_memory(error)
            return False
        if hidden.shape[-1] != weight.shape[-1] or len(weight) != truth.shape[1]:
            return False
        return self._close(self._logits(hidden), truth)

    def _may_pack(self) -> bool:
        """Whether nothing that the configuration declares speaks against packing."""
        text = self._paths.inner.config.get_text_config(decoder=True)
        kinds = set(getattr(text, "layer_types", None) or ["full_attention"])
        own = text._attn_implementation
        return kinds == {"full_attention"} and not getattr(text, "attention_chunk_size", None) and own == "sdpa"

    def _packs(self, grouping: Grouping) -> bool:
        """Whether windows laid end to end pass; sets the model's attention accordingly."""
        paths = self._paths
        paths.packing, paths.grouping = True, grouping
        register()
        with suppress(ValueError, NotImplementedError, TypeError, AttributeError):
            paths.inner.set_attn_implementation(PACKED)
            if self._passes():
                return True
        paths.packing = False
        paths.restore_attention()
        return False

    def _passes(self) -> bool:
        """Whether every group of the probes gives the model's own logits, and no row depends on its neighbour."""
        try:
            for rows in self._batches():
                for row, hidden in zip(rows, self._hidden(rows), strict=True):
                    truth, positions = self._truth(row)
                    if not self._close(self._logits(hidden[positions]), truth):
                        return False
            return self._paths.grouping == "single" or self._isolates()
        except Exception as error:  # any kind: an attention of its own, or arguments it does not take
            _pass_on_memory(error)
            return False

    def _isolates(self) -> bool:
        """Whether the states of a row are the same next to another neighbour, far below the limit for figures."""
        other = [token // 2 for token in self._short]
        rows = [self._short, self.long[: len(self._short)], self._short]
        again = [other, rows[1], other]
        first, second = self._hidden(rows)[1].float(), self._hidden(again)[1].float()
        limit = 1e-5 if self._paths.model.dtype == torch.float32 else 2 * torch.finfo(self._paths.model.dtype).eps
        return float((first - second).abs().max()) <= limit * max(1e-3, float(first.abs().max()))

    def _batches(self) -> Iterator[list[list[int]]]:
        """The probes, grouped as windows are."""
        for probe in self._probes:
            for group in self._paths.groups([len(row) for row in probe]):
                yield [probe[index] for index in group]

    def _hidden(self, rows: list[list[int]]) -> list[torch.Tensor]:
        """Last hidden states of each row, by the path and in the batch that is tried."""
        if not self._paths.packing:
            return [states[: len(row)] for row, states in zip(rows, self._paths.padded(rows), strict=True)]
        rest = iter(self._paths.packed(rows))
        return [torch.stack([next(rest) for _ in row]) for row in rows]

    def _truth(self, row: list[int]) -> tuple[torch.Tensor, torch.Tensor]:
        """The model's own float32 logits of a row alone, and the positions they are of.

        Of a row beyond thresholds these are both ends and the surroundings of each.
        """
        known = self._truths.get(tuple(row))
        if known is None:
            edges = (0, *self._thresholds.lengths, len(row))
            near = {position for edge in edges for position in range(edge - 8, edge + 8)}
            chosen = [position for position in range(len(row)) if len(row) <= _LONG or position in near]
            positions = torch.tensor(chosen, device=self._paths.model.device)
            logits = self._paths.own(row, None if len(chosen) == len(row) else positions).float()
            known = self._truths[tuple(row)] = (logits, positions)
        return known

    def _logits(self, hidden: torch.Tensor) -> torch.Tensor:
        head = self._paths.require_head()
        return head.logits(hidden, head.weight, head.bias)

    def _close(self, values: torch.Tensor, truth: torch.Tensor) -> bool:
        """Equal but for the rounding of the number format, relative to the largest value."""
        dtype = self._paths.model.dtype
        limit = 1e-4 if dtype == torch.float32 else 8 * float(torch.finfo(dtype).eps)
        values, truth = values.float(), truth.float()
        return values.shape == truth.shape and float((values - truth).abs().max()) <= limit * max(
            1e-3, float(truth.abs().max())
        )


def first_pass_error(source: str, inner: Any, error: Exception) -> RunError:
    """The error for a model whose own forward pass raises; an adapter is named by the class of its base."""
    adapted = getattr(inner, "adapted", inner)
    model = adapted.get_base_model() if hasattr(adapted, "get_base_model") else adapted
    return RunError(
        f"{source} fails in its first forward pass ({type(model).__name__}, transformers {version('transformers')}):"
        f" {reason_of(error, typed=True)}",
        hint="Its files may not fit this version of transformers, or it may need more than text to read.",
    )


def _pass_on_memory(error: Exception) -> None:
    if is_out_of_memory(error):
        raise error


def _transform(config: Any) -> LogitTransform | None:
    """The elementwise function a configuration declares for the logits; `find_paths` verifies it."""
    text = config.get_text_config(decoder=True)
    cap = getattr(text, "final_logit_softcapping", None)
    divide = getattr(text, "logits_scaling", None) or 1.0
    factor = (getattr(text, "logit_scale", None) or 1.0) * (getattr(text, "lm_head_multiplier", None) or 1.0) / divide
    if cap:
        return lambda logits: torch.tanh(logits * (factor / cap)) * cap
    return None if factor == 1.0 else lambda logits: logits * factor


def _detached(value: Any) -> torch.Tensor | None:
    return value.detach() if isinstance(value, torch.Tensor) else None


def probe_rows(vocabulary: int, longest: int) -> list[list[int]]:
    """A long and a short row of token ids, the same in every run, to verify a model with."""
    generator = torch.Generator().manual_seed(0)
    return [
        torch.randint(0, vocabulary, (min(longest, length),), generator=generator).tolist()
        for length in (_LONG, _SHORT)
    ]


def _tokens(vocabulary: int, count: int) -> list[int]:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(0, vocabulary, (count,), generator=generator).tolist()
