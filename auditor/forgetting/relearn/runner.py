"""Scoring under changed copies of a checkpoint, which is loaded only when a score is not stored yet.

Changed weights exist only in the memory of this process and are never written to disk. Their scores are stored under an
identity that names the change and the checkpoint.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from auditor.core.errors import RunError, is_out_of_memory
from auditor.core.progress import Progress
from auditor.corpora.document import Document
from auditor.features.loss import bits_per_byte, loss
from auditor.forgetting.series import NamedCheckpoint
from auditor.inference.design import Floats
from auditor.models.backend import Backend, Loader, LoadOptions, ModelSpec
from auditor.models.changes import CHANGES_VERSION, Facts, Rounding, Training, identity_after
from auditor.results.models import ModelIdentity
from auditor.scoring.plan import Request
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.tokens import TokenSignals
from auditor.signals.views import Prompt

if TYPE_CHECKING:
    from auditor.models.runtime.relearning import TrainableCopy


def losses_of(signals: Sequence[TokenSignals]) -> Floats:
    """Losses [2, documents] in bits per byte and in nats per token; NaN where no token is scored."""
    features = (bits_per_byte, loss)
    return np.array([[feature.compute(record) for record in signals] for feature in features], dtype=np.float64)


class InterventionRunner:
    """Scores documents under changed copies of one checkpoint; to be closed.

    Args:
        checkpoint: The checkpoint; it is loaded when first needed.
        store: Store of scores.
        progress: Receives the progress of training and scoring.
        max_tokens: Most tokens read of each text, as for the unchanged checkpoint.
    """

    def __init__(
        self, checkpoint: NamedCheckpoint, *, store: Store, progress: Progress, max_tokens: int | None
    ) -> None:
        self.checkpoint = checkpoint
        self.max_tokens = max_tokens
        self._store = store
        self._progress = progress
        self._subject: TrainableCopy | None = None

    def facts(self) -> Facts:
        """Facts about the checkpoint, from the store where it has them.

        Raises:
            UntrainableError: Its weights cannot be changed in memory.
            RunError: It cannot be loaded.
        """
        key = json.dumps(["relearn facts", CHANGES_VERSION, self.checkpoint.spec.identity.key])
        stored = self._store.recall(key)
        if stored is None:
            stored = json.dumps(dataclasses.asdict(self._loaded().facts))
            self._store.remember(key, stored)
        return Facts(**json.loads(stored))

    def losses_along(self, training: Training, steps: Sequence[int], documents: Sequence[Document]) -> Floats:
        """Losses [units of loss, documents, steps] after the numbers of steps, ascending; see `losses_of`."""
        return self._losses([self._spec(training, step) for step in sorted(steps)], documents)

    def losses_rounded(self, rounding: Rounding, documents: Sequence[Document]) -> Floats:
        """Losses [units of loss, documents, 1] after a rounding; see `losses_of`."""
        return self._losses([self._spec(rounding, 1)], documents)

    def close(self) -> None:
        """Free the checkpoint."""
        if self._subject is not None:
            self._subject.close()
            self._subject = None

    def _losses(self, specs: Sequence[ModelSpec], documents: Sequence[Document]) -> Floats:
        requests = [
            Request(spec, Prompt(document.text, spans=document.spans)) for spec in specs for document in documents
        ]
        scored = score_requests(requests, store=self._store, max_tokens=self.max_tokens, progress=self._progress)
        return losses_of(scored.signals).reshape(2, len(specs), len(documents)).transpose(0, 2, 1)

    def _spec(self, change: Training | Rounding, steps: int) -> ModelSpec:
        """The changed checkpoint as a model that is not in memory; loading it applies the change."""
        spec = self.checkpoint.spec

        def load(identity: ModelIdentity, _: LoadOptions) -> Backend:
            try:
                return self._changed(change, steps, identity)
            except Exception as error:
                if not is_out_of_memory(error):
                    raise
                self.close()
                raise RunError(
                    f"not enough memory to train {self.checkpoint.name}",
                    hint="Leave the interventions out, or use a device with more memory.",
                ) from error

        def nothing(*_: object) -> None:
            return

        def itself(*_: object) -> ModelIdentity:
            return identity

        identity = identity_after(spec.identity, change, steps, self.checkpoint.name)
        loader = Loader("changed", "a checkpoint changed in memory", 0, lambda _: False, itself, load, nothing)
        return ModelSpec(identity, loader, spec.options, snapshot=spec.snapshot)

    def _changed(self, change: Training | Rounding, steps: int, identity: ModelIdentity) -> Backend:
        subject = self._loaded()
        if isinstance(change, Training):
            return subject.trained(change, steps, identity, self._progress)
        # Rounding is not reversible: the copy is handed over, and the next change loads another one.
        self._subject = None
        return subject.rounded(change, identity)

    def _loaded(self) -> TrainableCopy:
        if self._subject is None:
            from auditor.models.runtime.relearning import TrainableCopy

            self._subject = TrainableCopy(self.checkpoint.spec)
        return self._subject
