"""Sampling texts from a model at temperature 1."""

from __future__ import annotations

import torch

from auditor.core.errors import UsageError
from auditor.models.backend import ModelSpec
from auditor.models.runtime.causal import CausalBackend
from auditor.models.tokenizing import front_of


class Sampler:
    """A loaded model that writes texts.

    Args:
        spec: The model; it is loaded here.

    Raises:
        UsageError: It gives no access to its outputs.
    """

    def __init__(self, spec: ModelSpec) -> None:
        backend = spec.load()
        if not isinstance(backend, CausalBackend):
            raise UsageError(f"{spec.identity.source} cannot sample texts", hint="Name a model folder.")
        self._model, self._tokenizer = backend.model, backend.tokenizer

    def sample(self, count: int, seed: int, tokens: int) -> list[str]:
        """Sample texts from the whole distribution, from the beginning of a text on.

        Args:
            count: Number of texts.
            seed: Of the generator; the same seed gives the same texts on the same machine.
            tokens: Tokens of each.
        """
        generator = torch.Generator().manual_seed(seed)
        front = front_of(self._tokenizer).ids or [self._tokenizer.eos_token_id or 0]
        device = next(self._model.parameters()).device
        ids = torch.tensor([list(front)] * count, device=device)
        with torch.inference_mode():
            step, cache = ids, None
            for _ in range(tokens):
                output = self._model(input_ids=step, past_key_values=cache, use_cache=True)
                # A model without a cache reads everything again.
                cache = getattr(output, "past_key_values", None)
                logits = output.logits[:, -1].float().cpu()
                drawn = torch.multinomial(logits.softmax(-1), 1, generator=generator)
                ids = torch.cat([ids, drawn.to(device)], dim=1)
                step = ids if cache is None else ids[:, -1:]
        return [self._tokenizer.decode(row, skip_special_tokens=True) for row in ids[:, len(front) :].tolist()]
