"""Hidden states and next tokens taken during scoring, against what the model itself gives."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM

from auditor.models.backend import LoadOptions, Variant, Window, WindowScores
from auditor.models.loading import open_model
from auditor.models.runtime.causal import CausalBackend
from auditor.signals.outputs import NO_OUTPUTS, TOP, Capture
from auditor.signals.views import Prompt

TEXTS = [
    "the quick brown fox jumps over the lazy dog",
    "rivers, roads and railways " * 30,
    "x",
    "seven wizards mix boxes of liquid jugs in the old harbour town " * 2,
]
ALL = Capture(layers=True, top=True)
KINDS: dict[str, dict[str, Any]] = {
    "llama": {},
    "untied-gpt2": {"architecture": "GPT2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "gemma2-softcap": {"architecture": "Gemma2", "head_dim": 8, "final_logit_softcapping": 5.0, "sliding_window": 16},
    "mistral-window": {"architecture": "Mistral", "sliding_window": 16},
    "granite-scaling": {"architecture": "Granite", "logits_scaling": 3.0},
    "neox": {"architecture": "GPTNeoX"},
    "bloom-alibi": {"architecture": "Bloom", "n_layer": 2, "n_head": 4},
}


def load(source: Path, **options: Any) -> CausalBackend:
    backend = open_model(str(source), LoadOptions(device="cpu", **options)).load()
    assert isinstance(backend, CausalBackend)
    return backend


def windows_of(backend: CausalBackend, prompts: Sequence[Prompt] = ()) -> list[Window]:
    prompts = prompts or [Prompt(text) for text in TEXTS]
    return [window for prompt in prompts for window in backend.encode(prompt).windows]


def means(source: Path, window: Window, first: int | None = None) -> np.ndarray:
    """Of what the model calls its hidden states, one window by itself, from the first scored token on."""
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    ids = torch.tensor([window.token_ids.tolist()])
    with torch.inference_mode():
        states = model(ids, output_hidden_states=True).hidden_states
    start = window.context if first is None else first
    return np.stack([state[0, start:].double().mean(0).numpy() for state in states])


def nexts(source: Path, window: Window) -> np.ndarray:
    """Log-probability of every token at each scored one, [n, vocabulary]."""
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([window.token_ids.tolist()])).logits[0].double()
    found: np.ndarray = torch.log_softmax(logits, 1)[window.context - 1 : -1].numpy()
    return found


def check(found: WindowScores, truth: np.ndarray, logp: np.ndarray) -> None:
    traces = found.outputs
    assert traces.layers is not None
    assert traces.top_ids is not None
    assert traces.top_logprobs is not None
    assert traces.layers.dtype == traces.top_logprobs.dtype == np.float32
    scale = np.abs(truth).max(axis=1, keepdims=True)
    assert traces.layers.shape == truth.shape
    assert (np.abs(traces.layers - truth) <= 1e-4 * scale).all()
    # Tokens that are equally probable may stand in any order.
    assert traces.top_ids.shape == (found.logprob.shape[0], TOP)
    assert all(len(set(row.tolist())) == TOP for row in traces.top_ids)
    np.testing.assert_allclose(traces.top_logprobs, -np.sort(-logp, axis=1)[:, :TOP], atol=1e-4)
    np.testing.assert_allclose(traces.top_logprobs, np.take_along_axis(logp, traces.top_ids, axis=1), atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_traces_are_those_of_the_model(kind: str, tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    source = make_tiny_model(tmp_path / kind, **KINDS[kind])
    backend = load(source)
    windows = windows_of(backend)
    truth = [(means(source, window), nexts(source, window)) for window in windows]
    ways: list[Variant] = ["batched", "alone"]
    for packing in {backend._paths.packing, False}:
        backend._paths.packing = packing
        for variant in ways:
            for found, true in zip(backend.score(windows, variant=variant, wanted=ALL), truth, strict=True):
                check(found, *true)


def test_the_slow_way_shows_them_too(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    windows = windows_of(backend)
    backend._paths.head, backend._paths.packing = None, False
    backend._blocks = type(backend._blocks)(rows=16)
    for window, found in zip(windows, backend.score(windows, wanted=ALL), strict=True):
        check(found, means(tiny_model_dir, window), nexts(tiny_model_dir, window))


@pytest.mark.parametrize("packing", [True, False])
def test_what_stands_in_front_is_never_in_a_mean(tiny_model_dir: Path, packing: bool) -> None:
    """A BOS has the same state before every text, and padding and prefixes are not the text."""
    backend = load(tiny_model_dir)
    backend._paths.packing = packing
    prompts = [Prompt("the quick brown fox", prefix="seven wizards mix boxes"), Prompt(TEXTS[0]), Prompt(TEXTS[1])]
    windows = windows_of(backend, prompts)
    assert windows[0].context > 5
    for window, found in zip(windows, backend.score(windows, wanted=ALL), strict=True):
        text, everything = means(tiny_model_dir, window), means(tiny_model_dir, window, first=0)
        check(found, text, nexts(tiny_model_dir, window))
        assert found.outputs.layers is not None
        assert np.abs(found.outputs.layers - everything).max() > 10 * np.abs(found.outputs.layers - text).max()


def test_the_token_that_is_only_context_is_not_in_a_mean(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    source = make_tiny_model(tmp_path / "m", bos=False)
    backend = load(source)
    (window,) = windows_of(backend, [Prompt(TEXTS[0])])
    check(backend.score([window], wanted=ALL)[0], means(source, window, first=1), nexts(source, window))


@pytest.mark.parametrize("packing", [True, False])
def test_nothing_wanted_nothing_given_and_no_figure_changes(tiny_model_dir: Path, packing: bool) -> None:
    backend = load(tiny_model_dir)
    backend._paths.packing = packing
    windows = windows_of(backend)
    plain = backend.score(windows)
    assert all(scores.outputs == NO_OUTPUTS for scores in plain)
    for wanted in (ALL, Capture(layers=True), Capture(top=True)):
        for left, right in zip(plain, backend.score(windows, wanted=wanted), strict=True):
            for name in ("logprob", "mean", "std", "max_logprob", "rank"):
                np.testing.assert_array_equal(getattr(left, name), getattr(right, name))
            assert (right.outputs.layers is not None) == wanted.layers
            assert (right.outputs.top_ids is not None) == (right.outputs.top_logprobs is not None) == wanted.top


def test_threads_do_not_mix_their_states(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    windows = windows_of(backend) * 4
    with backend.session("batched"), ThreadPoolExecutor(4) as pool:
        truth = [backend.score([window], wanted=ALL)[0] for window in windows]
        found = list(pool.map(lambda window: backend.score([window], wanted=ALL)[0], windows))
    for left, right in zip(found, truth, strict=True):
        np.testing.assert_array_equal(left.outputs.layers, right.outputs.layers)
        np.testing.assert_array_equal(left.outputs.top_ids, right.outputs.top_ids)


def test_the_model_is_not_watched_afterwards(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)

    def hooks() -> int:
        modules = backend.model.modules()
        return sum(len(module._forward_hooks) + len(module._forward_pre_hooks) for module in modules)

    before = hooks()
    with backend.session("batched"):
        assert hooks() == before + 3
        backend.score(windows_of(backend), wanted=ALL)
    assert hooks() == before
    with pytest.raises(ValueError, match="stop"), backend.session("alone"):
        raise ValueError("stop")
    assert hooks() == before


@pytest.mark.parametrize("broken", ["other states", "no states", "written to"])
def test_states_that_are_not_surely_known_are_not_shown(
    tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    from transformers import LlamaModel
    from transformers.models.llama.modeling_llama import LlamaDecoderLayer

    forward, layer = LlamaModel.forward, LlamaDecoderLayer.forward

    def other(self: Any, *args: Any, **named: Any) -> Any:
        out = forward(self, *args, **named)
        if broken == "other states" and out.hidden_states:
            out.hidden_states = (*out.hidden_states[:-1], out.hidden_states[-1] * 2)
        elif broken == "no states":
            out.hidden_states = None
        return out

    def in_place(self: Any, hidden_states: torch.Tensor, *args: Any, **named: Any) -> Any:
        out = layer(self, hidden_states, *args, **named)
        hidden_states.mul_(0)
        return out

    if broken == "written to":
        monkeypatch.setattr(LlamaDecoderLayer, "forward", in_place)
    else:
        monkeypatch.setattr(LlamaModel, "forward", other)
    backend = load(tiny_model_dir)
    for scores in backend.score(windows_of(backend), wanted=ALL):
        assert scores.outputs.layers is None
        assert scores.outputs.top_ids is not None


def test_half_precision_means_are_float32(tiny_model_dir: Path) -> None:
    exact, half = load(tiny_model_dir), load(tiny_model_dir, dtype="bfloat16")
    windows = windows_of(exact)
    for left, right in zip(exact.score(windows, wanted=ALL), half.score(windows, wanted=ALL), strict=True):
        assert left.outputs.layers is not None
        assert right.outputs.layers is not None
        assert right.outputs.layers.dtype == np.float32
        assert 0 < np.abs(left.outputs.layers - right.outputs.layers).max() < 0.3 * np.abs(left.outputs.layers).max()
