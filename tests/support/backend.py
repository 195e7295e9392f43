"""A backend that hands everything on, for tests to look on and interfere, and texts for it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager

import numpy as np

from auditor.models.backend import Backend, Encoded, LoadOptions, ModelSpec, Variant, Window, WindowScores
from auditor.signals.outputs import NOTHING, Capture
from auditor.signals.views import Prompt
from support.texts import TOWN

CPU = LoadOptions(device="cpu")


def texts(count: int, seed: int = 0, *, words: tuple[int, int]) -> list[str]:
    """Texts of so many words each, at least the first and less than the second number."""
    generator = np.random.default_rng(seed)
    return [" ".join(generator.choice(TOWN, int(size))) for size in generator.integers(*words, count)]


class Passing:
    """Does what another backend does, in batches of `budget` tokens, one at a time."""

    def __init__(self, inner: Backend, budget: int) -> None:
        self.inner, self.identity, self.token_budget, self.workers = inner, inner.identity, budget, 1

    def encode(self, prompt: Prompt, *, max_tokens: int | None = None) -> Encoded:
        return self.inner.encode(prompt, max_tokens=max_tokens)

    def score(
        self, windows: Sequence[Window], *, variant: Variant = "batched", wanted: Capture = NOTHING
    ) -> list[WindowScores]:
        return self.inner.score(windows, variant=variant, wanted=wanted)

    def session(self, variant: Variant) -> AbstractContextManager[None]:
        return self.inner.session(variant)

    def enter_worker(self) -> None:
        self.inner.enter_worker()

    def sibling(self, spec: ModelSpec) -> Backend | None:
        return self.inner.sibling(spec)

    def recover(self) -> None:
        pass

    def close(self) -> None:
        pass
