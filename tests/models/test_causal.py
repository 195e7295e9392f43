"""Scores of a loaded model against the definitions, computed from the model's own logits in float64."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from auditor.core.errors import RunError, UsageError
from auditor.models.backend import LoadOptions, Window, WindowScores
from auditor.models.loading import open_model
from auditor.models.runtime import causal, paths
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.causal import CausalBackend
from auditor.models.runtime.precision import fast_settings, medium_is_exact
from auditor.signals.views import Prompt

TEXTS = [
    "the quick brown fox jumps over the lazy dog",
    "rivers, roads and railways " * 30,
    "naïve café 🦊 ünïcödé",
    "x",
    "seven wizards mix boxes of liquid jugs in the old harbour town " * 2,
]


def load(source: Path, **options: object) -> CausalBackend:
    backend = open_model(str(source), LoadOptions(device="cpu", **options)).load()  # type: ignore[arg-type]
    assert isinstance(backend, CausalBackend)
    return backend


def windows_of(backend: CausalBackend, texts: Sequence[str] = TEXTS) -> list[Window]:
    return [window for text in texts for window in backend.encode(Prompt(text)).windows]


def reference(source: Path, window: Window) -> WindowScores:
    """Straight from the model: one window, full logits, float64."""
    model = AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32).eval()
    with torch.inference_mode():
        logits = model(torch.tensor([window.token_ids.tolist()])).logits[0].double()
    logp = torch.log_softmax(logits, 1)[window.context - 1 : -1]
    own = logp.gather(1, torch.tensor(window.token_ids[window.context :]).long()[:, None])
    mean = (logp.exp() * logp).sum(1)
    std = (logp.exp() * (logp - mean[:, None]) ** 2).sum(1).sqrt()
    return WindowScores(
        own[:, 0].numpy(), mean.numpy(), std.numpy(), logp.max(1).values.numpy(), (logp > own).sum(1).numpy()
    )  # type: ignore[arg-type]


def check(found: WindowScores, truth: WindowScores, tolerance: float = 1e-4) -> None:
    for name in ("logprob", "mean", "std", "max_logprob"):
        np.testing.assert_allclose(getattr(found, name), getattr(truth, name), atol=tolerance, rtol=0)
    assert (np.abs(found.rank - truth.rank) <= 1).all()
    assert (found.rank != truth.rank).mean() <= 0.05


KINDS = {
    "llama": {},
    "untied-gpt2": {"architecture": "GPT2", "n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 128},
    "gemma2-softcap": {"architecture": "Gemma2", "head_dim": 8, "final_logit_softcapping": 5.0, "sliding_window": 16},
    "mistral-window": {"architecture": "Mistral", "sliding_window": 16},
    "qwen2-bias": {"architecture": "Qwen2"},
    "granite-scaling": {"architecture": "Granite", "logits_scaling": 3.0},
    "neox": {"architecture": "GPTNeoX"},
    "bloom-alibi": {"architecture": "Bloom", "n_layer": 2, "n_head": 4},
}


@pytest.mark.parametrize("kind", KINDS)
def test_scores_are_those_of_the_model(
    kind: str, tmp_path: Path, make_tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_tiny_model(tmp_path / kind, **KINDS[kind])
    backend = load(source)
    windows = windows_of(backend)
    truth = [reference(source, window) for window in windows]
    for found, true in zip(backend.score(windows), truth, strict=True):
        check(found, true)
    for found, true in zip(backend.score(windows, variant="alone"), truth, strict=True):
        check(found, true)


def test_which_models_take_which_way(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    ways = {}
    for kind in ("llama", "gemma2-softcap", "mistral-window", "bloom-alibi"):
        backend = load(make_tiny_model(tmp_path / kind, **KINDS[kind]))
        ways[kind] = (backend._paths.head is not None, backend._paths.packing)
    assert ways == {
        "llama": (True, True),
        "gemma2-softcap": (True, False),
        "mistral-window": (True, False),
        "bloom-alibi": (True, False),
    }


def test_an_unknown_change_of_the_logits_takes_the_slow_way(
    tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model whose forward does more than body and head must be scored by its forward."""
    from transformers import LlamaForCausalLM

    plain = load(tiny_model_dir)
    windows = windows_of(plain)
    forward = LlamaForCausalLM.forward

    def halved(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        out = forward(self, *args, **kwargs)
        out.logits = out.logits / 2
        return out

    monkeypatch.setattr(LlamaForCausalLM, "forward", halved)
    backend = load(tiny_model_dir)
    assert backend._paths.head is None
    backend._blocks = type(backend._blocks)(rows=16)
    for window, found in zip(windows, backend.score(windows), strict=True):
        check(found, reference(tiny_model_dir, window))
    assert not np.allclose(backend.score(windows)[0].logprob, plain.score(windows)[0].logprob, atol=1e-2)


@pytest.mark.parametrize("packing", [True, False])
def test_the_batch_changes_nothing(tiny_model_dir: Path, packing: bool) -> None:
    backend = load(tiny_model_dir)
    backend._paths.packing = packing
    windows = windows_of(backend)
    together = backend.score(windows)
    backwards = backend.score(windows[::-1])[::-1]
    for window, first, second in zip(windows, together, backwards, strict=True):
        check(first, second)
        check(first, backend.score([window])[0])
        check(first, backend.score([window], variant="alone")[0])


def test_scored_tokens_and_their_characters(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    tokenizer = AutoTokenizer.from_pretrained(tiny_model_dir)
    for text in TEXTS:
        windows = backend.encode(Prompt(text)).windows
        ids = [token for window in windows for token in window.token_ids[window.context :].tolist()]
        assert ids == tokenizer(text, add_special_tokens=False).input_ids
        for window in windows:
            scored = window.token_ids[window.context :]
            for token, start, end in zip(scored, window.starts, window.ends, strict=True):
                if text.isascii():
                    assert tokenizer.decode([int(token)]) == text[start:end]
        assert "".join(text[w.char_start : w.char_end] for w in windows) == text


def test_one_bos_before_every_window_and_no_eos(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    backend = load(make_tiny_model(tmp_path / "m", bos=True, eos_too=True))
    windows = windows_of(backend, TEXTS[:2])
    assert len(windows) > 2
    for window in windows:
        assert window.token_ids[0] == 0
        assert (window.token_ids[1:] != 0).all()
        assert 1 not in window.token_ids
        assert window.context == 1
    assert backend.identity.bos.startswith("<s> before every window")


def test_a_text_that_brings_its_bos_gets_no_second(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    (window,) = backend.encode(Prompt("<s>the quick")).windows
    assert window.token_ids.tolist() == backend.encode(Prompt("the quick")).windows[0].token_ids.tolist()
    assert "<s>the quick"[window.char_start : window.char_end] == "the quick"


def test_no_bos_is_invented(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    backend = load(make_tiny_model(tmp_path / "m", bos=False))
    (window,) = backend.encode(Prompt(TEXTS[0])).windows
    assert 0 not in window.token_ids
    assert window.context == 1
    assert window.starts[0] > 0
    assert backend.identity.bos.startswith("none")


def test_repetition_scores_the_same_tokens(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    plain = backend.encode(Prompt(TEXTS[0]))
    (window,) = backend.encode(Prompt(TEXTS[0], prefix=TEXTS[0])).windows
    first = plain.windows[0]
    assert window.token_ids[window.context :].tolist() == first.token_ids[first.context :].tolist()
    assert window.starts.tolist() == first.starts.tolist()
    check(backend.score([window])[0], reference(tiny_model_dir, window))


def test_max_context_shortens_windows(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir, max_context=16)
    assert backend.identity.context == 16
    assert max(len(window) for window in windows_of(backend)) == 16
    assert load(tiny_model_dir).identity.context == 128


def test_nan_names_the_model(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    from safetensors.torch import load_file, save_file

    source = make_tiny_model(tmp_path / "broken")
    weights = load_file(source / "model.safetensors")
    weights["model.norm.weight"][3] = float("nan")
    save_file(weights, source / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match="broken returned NaN"):
        load(source)


def test_nan_on_some_texts_only(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    windows = windows_of(backend)
    with torch.no_grad():
        backend.model.get_input_embeddings().weight[int(windows[0].token_ids[-3])] = float("nan")
    with pytest.raises(RunError, match="returned NaN"):
        backend.score(windows)


def test_a_model_that_sees_the_future_is_refused(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    forward = LlamaForCausalLM.forward

    def leaking(self, *args, **kwargs):  # type: ignore[no-untyped-def]
        out = forward(self, *args, **kwargs)
        out.logits = out.logits + out.logits.mean(1, keepdim=True)
        return out

    monkeypatch.setattr(LlamaForCausalLM, "forward", leaking)
    with pytest.raises(UsageError, match="not causal"):
        load(tiny_model_dir)


def test_settings_are_held_only_while_scoring(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load(tiny_model_dir)
    before = torch.get_float32_matmul_precision()
    seen = []
    packed = paths.Paths.packed

    def spy(self: paths.Paths, rows: Sequence[Sequence[int]]) -> torch.Tensor:
        seen.append(torch.get_float32_matmul_precision())
        return packed(self, rows)

    monkeypatch.setattr(paths.Paths, "packed", spy)
    with backend.session("batched"):
        backend.score(windows_of(backend))
    assert seen == ["medium" if medium_is_exact() else before]
    assert torch.get_float32_matmul_precision() == before


def test_settings_are_restored_after_a_failure() -> None:
    before = torch.get_float32_matmul_precision()
    with pytest.raises(RuntimeError, match="stop"), fast_settings(torch.device("cpu")):
        raise RuntimeError("stop")
    assert torch.get_float32_matmul_precision() == before


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_half_precision_is_close(tiny_model_dir: Path, dtype: str) -> None:
    exact, half = load(tiny_model_dir), load(tiny_model_dir, dtype=dtype)
    assert half.identity.key != exact.identity.key
    windows = windows_of(exact)
    for first, second in zip(exact.score(windows), half.score(windows), strict=True):
        assert second.logprob.dtype == np.float32
        assert abs(float(first.logprob.mean() - second.logprob.mean())) < 0.2


def test_a_configured_bos_is_used(
    tmp_path: Path, make_tiny_model: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_tiny_model(tmp_path / "m", bos=False)
    make = causal.front_of
    monkeypatch.setattr(causal, "front_of", lambda tokenizer: make(configured(tokenizer)))

    def configured(tokenizer: Any) -> Any:
        # transformers itself rewrites what a tokenizer does when this is set; a tokenizer that ignores it is meant.
        object.__setattr__(tokenizer, "_add_bos_token", True)
        return tokenizer

    backend = load(source)
    (window,) = backend.encode(Prompt(TEXTS[0])).windows
    assert window.token_ids.tolist().count(0) == 1
    assert window.token_ids[0] == 0


def test_a_token_the_model_does_not_know(tiny_model_dir: Path) -> None:
    backend = load(tiny_model_dir)
    backend.tokenizer.add_tokens(["<extra>"])
    with pytest.raises(RunError, match="'<extra>'"):
        backend.encode(Prompt("the <extra>"))


def test_alone_is_the_models_own_way_at_full_precision(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    backend = load(tiny_model_dir)
    seen = []
    own = paths.Paths.own

    def spy(self: paths.Paths, row: Sequence[int], positions: torch.Tensor | None = None) -> torch.Tensor:
        seen.append((self.inner.config._attn_implementation, torch.get_float32_matmul_precision()))
        return own(self, row, positions)

    monkeypatch.setattr(paths.Paths, "own", spy)
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        with backend.session("alone"):
            backend.score(windows_of(backend, TEXTS[:1] * 2), variant="alone")
    finally:
        torch.set_float32_matmul_precision(before)
    assert seen == [("sdpa", "highest")] * 2
    assert backend.model.config._attn_implementation == PACKED
