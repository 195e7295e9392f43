"""A causal language model of the transformers library as a backend."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from typing import Any

import numpy as np
import torch

from auditor.core.errors import RunError
from auditor.models.backend import Encoded, ModelSpec, Variant, Window, WindowScores, empty_scores
from auditor.models.runtime.finding import find_paths
from auditor.models.runtime.layers import Means, Span
from auditor.models.runtime.precision import (
    blocks_for,
    fast_settings,
    plain_settings,
    threads_for,
    token_budget,
    workers_for,
)
from auditor.models.tokenizing import front_of, tokenise
from auditor.models.windows import count_tokens, cut
from auditor.results.models import ModelIdentity
from auditor.signals.kernel import TokenStatistics, concatenate, logit_statistics, token_statistics
from auditor.signals.outputs import NOTHING, TOP, Capture, ModelOutputs
from auditor.signals.views import Prompt


class CausalBackend:
    """Scores windows with a transformers model.

    Args:
        model: The model in evaluation mode, possibly wrapped by PEFT.
        tokenizer: Its fast tokenizer.
        identity: Key of its scores.
        switch: Opens the context in which the weights act as this model (an adapter switched off); none by default.
        make_sibling: Makes the backend of another model from the same weights, or None where they do not fit it.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        identity: ModelIdentity,
        *,
        switch: Callable[[], AbstractContextManager[Any]] = nullcontext,
        make_sibling: Callable[[ModelSpec], CausalBackend | None] | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.identity = identity
        self._switch = switch
        self._make_sibling = make_sibling
        self._lead = front_of(tokenizer).ids
        with switch():
            self._paths = find_paths(model, identity.source, context=identity.context)
        self._blocks = blocks_for(model.device, self._paths.vocabulary)
        self.token_budget = token_budget(model, identity.context)
        # Passes that change the model itself cannot run at once; rotary factors that switch are set by every pass.
        self.workers = 1 if self._paths.state is not None or self._paths.switches else workers_for(model.device)
        self._threads = torch.get_num_threads()
        self._session: Variant | None = None

    def encode(self, prompt: Prompt, *, max_tokens: int | None = None) -> Encoded:
        """See `Backend.encode`."""
        text = tokenise(self.tokenizer, prompt.text, self._lead)
        prefix = tokenise(self.tokenizer, prompt.prefix, self._lead).ids
        highest = max(int(text.ids.max(initial=0)), int(prefix.max(initial=0)))
        if highest >= self._paths.vocabulary:
            token = self.tokenizer.convert_ids_to_tokens(highest)
            raise RunError(
                f"a text holds the token {token!r} (id {highest}), but {self.identity.source} knows only"
                f" {self._paths.vocabulary:,} tokens",
                hint="The tokenizer and the weights do not belong together; copy both again.",
            )
        return cut(
            text,
            lead=self._lead,
            prefix=prefix,
            context=self.identity.context,
            max_tokens=max_tokens,
            answer=prompt.answer,
            counted=None if prompt.spans is None else count_tokens(text, prompt.text, prompt.spans),
        )

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        """See `Backend.score`."""
        scored = [window for window in windows if window.scored > 0]
        fresh: dict[int, WindowScores] = {}
        with torch.inference_mode(), nullcontext() if self._session == variant else self._active(variant):
            if variant == "alone":
                fresh = {index: self._own(window, wanted) for index, window in enumerate(scored)}
            else:
                for group in self._paths.groups([len(window) for window in scored]):
                    together = [scored[index] for index in group]
                    fresh |= zip(group, self._pass(together, wanted), strict=True)
        results = (fresh[index] for index in range(len(scored)))
        return [next(results) if window.scored > 0 else empty_scores() for window in windows]

    @contextmanager
    def session(self, variant: Variant) -> Iterator[None]:
        """See `Backend.session`. Switches the adapter and installs the layer hooks, once for all threads."""
        settings = plain_settings() if variant == "alone" else fast_settings(self.model.device)
        with settings, threads_for(self.workers), self._active(variant):
            self._session = variant
            try:
                yield
            finally:
                self._session = None

    @contextmanager
    def _active(self, variant: Variant) -> Iterator[None]:
        with ExitStack() as stack:
            stack.enter_context(self._switch())
            if variant == "alone":
                stack.enter_context(self._paths.own_attention())
            if self._paths.layers is not None:
                stack.enter_context(self._paths.layers.hooked())
            yield

    def enter_worker(self) -> None:
        """See `Backend.enter_worker`."""
        torch.set_num_threads(max(1, self._threads // self.workers))

    @contextmanager
    def _means(self, windows: Sequence[Window], spans: Sequence[Span], wanted: Capture) -> Iterator[Means | None]:
        """Collect the mean hidden states over `spans` while a forward pass runs."""
        layers = self._paths.layers if wanted.layers else None
        if layers is None:
            yield None
            return
        means = Means(spans, len(layers), [window.counted for window in windows])
        with layers.sent_to(means.add):
            yield means

    def _pass(self, windows: Sequence[Window], wanted: Capture) -> list[WindowScores]:
        """Windows that may share a pass, by the fastest path."""
        if self._paths.head is None:
            return [self._own(window, wanted) for window in windows]
        return self._packed(windows, wanted) if self._paths.packing else self._padded(windows, wanted)

    def _packed(self, windows: Sequence[Window], wanted: Capture) -> list[WindowScores]:
        rows, targets, spans, start = [], [], [], 0
        for window in windows:
            rows.append(torch.arange(start + window.context - 1, start + len(window) - 1))
            targets.append(torch.from_numpy(window.token_ids[window.context :]).long())
            spans.append((0, start + window.context, start + len(window)))
            start += len(window)
        with self._means(windows, spans, wanted) as means:
            hidden = self._paths.packed([window.token_ids.tolist() for window in windows])
        device, top = self.model.device, TOP if wanted.top else 0
        hidden = hidden[torch.cat(rows).to(device)]
        head = self._paths.require_head()
        statistics = token_statistics(hidden, torch.cat(targets).to(device), head, self._blocks, top)
        return self._split(statistics, windows, means)

    def _padded(self, windows: Sequence[Window], wanted: Capture) -> list[WindowScores]:
        """Right padding without a mask: a causal model is not influenced by later tokens."""
        ids = [window.token_ids.tolist() for window in windows]
        with self._means(windows, [(i, w.context, len(w)) for i, w in enumerate(windows)], wanted) as means:
            hidden = self._paths.padded(ids)
        rows = [hidden[i, w.context - 1 : len(w) - 1] for i, w in enumerate(windows)]
        targets = torch.tensor([t for w, row in zip(windows, ids, strict=True) for t in row[w.context :]])
        flat = torch.cat(rows)
        del hidden, rows
        top = TOP if wanted.top else 0
        statistics = token_statistics(flat, targets.to(flat.device), self._paths.require_head(), self._blocks, top)
        return self._split(statistics, windows, means)

    def _own(self, window: Window, wanted: Capture) -> WindowScores:
        """One window by the model's own forward pass."""
        row, parts = window.token_ids.tolist(), []
        targets = torch.tensor(row[window.context :], device=self.model.device)
        with self._means([window], [(0, window.context, len(window))], wanted) as means:
            done = 0
            for logits in self._paths.logits(row, first=window.context - 1, rows=self._blocks.rows):
                parts.append(logit_statistics(logits, targets[done : done + len(logits)], TOP if wanted.top else 0))
                done += len(logits)
        (scores,) = self._split(concatenate(parts), [window], means)
        return scores

    def _split(self, statistics: TokenStatistics, windows: Sequence[Window], means: Means | None) -> list[WindowScores]:
        parts = (statistics.logprob, statistics.mean, statistics.std, statistics.max_logprob, statistics.rank)
        columns = [part.cpu().numpy() for part in parts]
        if not all(np.isfinite(column).all() for column in columns):
            raise RunError(
                f"{self.identity.source} returned NaN or infinite values",
                hint="The weights may be damaged, or overflow in half precision: try --dtype float32.",
            )
        layers = None if means is None else means.result()
        top_k = statistics.top_k
        top = None if top_k is None else (top_k.ids.cpu().numpy(), top_k.logprobs.cpu().numpy())
        scores, start = [], 0
        for index, window in enumerate(windows):
            piece = slice(start, start + window.scored)
            start += window.scored
            # Copies, so that no record keeps its whole batch in memory.
            ids, logprobs = (None, None) if top is None else (top[0][piece].copy(), top[1][piece].copy())
            outputs = ModelOutputs(None if layers is None else layers[index].numpy().copy(), ids, logprobs)
            logprob, mean, std, max_logprob, rank = (column[piece].copy() for column in columns)
            scores.append(WindowScores(logprob, mean, std, max_logprob, rank, outputs))
        return scores

    def sibling(self, spec: ModelSpec) -> CausalBackend | None:
        """See `Backend.sibling`."""
        return None if self._make_sibling is None else self._make_sibling(spec)

    def recover(self) -> None:
        """See `Backend.recover`."""
        gc.collect()
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """See `Backend.close`."""
        device = self.model.device.type
        del self.model, self._paths, self._make_sibling, self._switch
        gc.collect()
        if device == "cuda":
            torch.cuda.empty_cache()
