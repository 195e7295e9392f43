"""A causal language model of the transformers library as a backend."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import torch

from auditor.errors import RunError
from auditor.models.backend import Encoded, ModelIdentity, Variant, Window, WindowScores, empty_scores
from auditor.models.runtime.paths import find_paths
from auditor.models.runtime.precision import fast_settings, plain_settings, threads_for
from auditor.models.runtime.sizing import blocks_for, token_budget, workers_for
from auditor.models.tokenizing import front_of, tokenise
from auditor.models.windows import cut
from auditor.signals.kernel import Statistics, concatenate, logit_statistics, token_statistics
from auditor.signals.views import Prompt


class CausalBackend:
    """Scores windows with a transformers model.

    Args:
        model: The model in evaluation mode, possibly wrapped by PEFT.
        tokenizer: Its fast tokenizer.
        identity: What its scores are kept under.
        switch: Opens the context in which the model plays this part (an adapter switched off); none by default.
        make_base: Makes the backend of the model without its adapter, or None where its weights are not that model's.
    """

    def __init__(
        self,
        model: Any,
        tokenizer: Any,
        identity: ModelIdentity,
        *,
        switch: Callable[[], AbstractContextManager[Any]] = nullcontext,
        make_base: Callable[[ModelIdentity], CausalBackend | None] | None = None,
    ) -> None:
        self.model = model
        self.tokenizer = tokenizer
        self.identity = identity
        self._switch = switch
        self._make_base = make_base
        self._lead = front_of(tokenizer).ids
        with switch():
            self._paths = find_paths(model, identity.source, context=identity.context)
        self._blocks = blocks_for(model.device, self._paths.vocabulary)
        self.token_budget = token_budget(model, identity.context)
        self.workers = workers_for(model.device)
        self._threads = torch.get_num_threads()
        self._switched = False

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
        return cut(text, lead=self._lead, prefix=prefix, context=self.identity.context, max_tokens=max_tokens)

    def score(self, windows: Sequence[Window], *, variant: Variant = "batched") -> list[WindowScores]:
        """See `Backend.score`."""
        scored = [window for window in windows if window.scored > 0]
        fresh: list[WindowScores] = []
        with torch.inference_mode(), nullcontext() if self._switched else self._switch():
            if variant == "alone":
                fresh = [part for window in scored for part in self._padded([window])]
            elif scored:
                fresh = self._packed(scored) if self._paths.packing else self._padded(scored)
        results = iter(fresh)
        return [next(results) if window.scored > 0 else empty_scores() for window in windows]

    @contextmanager
    def session(self, variant: Variant) -> Iterator[None]:
        """See `Backend.session`. An adapter is switched here, once for all threads."""
        settings = plain_settings() if variant == "alone" else fast_settings(self.model.device)
        with settings, threads_for(self.workers), self._switch():
            self._switched = True
            try:
                yield
            finally:
                self._switched = False

    def enter_worker(self) -> None:
        """See `Backend.enter_worker`."""
        torch.set_num_threads(max(1, self._threads // self.workers))

    def _packed(self, windows: Sequence[Window]) -> list[WindowScores]:
        hidden = self._paths.packed([window.token_ids.tolist() for window in windows])
        rows, targets, at = [], [], 0
        for window in windows:
            rows.append(torch.arange(at + window.context - 1, at + len(window) - 1))
            targets.append(torch.from_numpy(window.token_ids[window.context :]).long())
            at += len(window)
        place = self.model.device
        hidden = hidden[torch.cat(rows).to(place)]
        found = token_statistics(hidden, torch.cat(targets).to(place), self._paths.require_head(), self._blocks)
        return self._split(found, windows)

    def _padded(self, windows: Sequence[Window]) -> list[WindowScores]:
        """Right padding without a mask: what stands behind a token has no influence on a causal model."""
        ids = [window.token_ids.tolist() for window in windows]
        parts: list[Statistics] = []
        if self._paths.head is None:
            for window, row in zip(windows, ids, strict=True):
                targets = torch.tensor(row[window.context :], device=self.model.device)
                at = window.context - 1
                for logits in self._paths.logits(row, first=at, rows=self._blocks.rows):
                    done = at - window.context + 1
                    parts.append(logit_statistics(logits, targets[done : done + len(logits)]))
                    at += len(logits)
        else:
            hidden = self._paths.padded(ids)
            rows = [hidden[i, w.context - 1 : len(w) - 1] for i, w in enumerate(windows)]
            targets = torch.tensor([t for w, row in zip(windows, ids, strict=True) for t in row[w.context :]])
            flat = torch.cat(rows)
            del hidden, rows
            parts.append(token_statistics(flat, targets.to(flat.device), self._paths.head, self._blocks))
        return self._split(concatenate(parts), windows)

    def _split(self, found: Statistics, windows: Sequence[Window]) -> list[WindowScores]:
        arrays = [found.logprob.cpu(), found.mean.cpu(), found.std.cpu()]
        if not all(bool(torch.isfinite(array).all()) for array in arrays):
            raise RunError(
                f"{self.identity.source} returned NaN or infinite values",
                hint="The weights may be damaged, or overflow in half precision: try --dtype float32.",
            )
        sizes = [window.scored for window in windows]
        columns = [
            [piece.numpy().copy() for piece in torch.split(array, sizes)] for array in (*arrays, found.rank.cpu())
        ]
        return [WindowScores(*row) for row in zip(*columns, strict=True)]

    def base(self, identity: ModelIdentity) -> CausalBackend | None:
        """See `Backend.base`."""
        if self._make_base is None:
            raise RunError(f"{self.identity.source} is no adapter", hint="Name its base as a reference.")
        return self._make_base(identity)

    def recover(self) -> None:
        """See `Backend.recover`."""
        gc.collect()
        if self.model.device.type == "cuda":
            torch.cuda.empty_cache()

    def close(self) -> None:
        """See `Backend.close`."""
        place = self.model.device.type
        del self.model, self._paths, self._make_base, self._switch
        gc.collect()
        if place == "cuda":
            torch.cuda.empty_cache()
