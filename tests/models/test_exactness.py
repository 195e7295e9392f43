"""Fast paths against the model's own forward pass of each text alone, on both sides of the lengths that change it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from auditor.core.errors import RunError
from auditor.models.architectures import auto_class, context_of
from auditor.models.backend import LoadOptions, Window
from auditor.models.loading import open_model
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.causal import CausalBackend
from auditor.models.runtime.state import PassState
from auditor.models.runtime.thresholds import thresholds_of
from auditor.scoring.plan import Request
from auditor.scoring.score import ScoringRequests, fill_store, score_requests
from auditor.scoring.store import Store
from auditor.signals.views import Prompt

SWITCH = 24
LONGROPE = {
    "rope_type": "longrope",
    "rope_theta": 10000.0,
    "factor": 4.0,
    "short_factor": [1.0] * 4,
    "long_factor": [1.0, 3.0, 5.0, 9.0],
    "original_max_position_embeddings": SWITCH,
}
MAMBA = {"state_size": 4, "time_step_rank": 4, "use_mambapy": False}
FAMILIES: dict[str, tuple[str, dict[str, Any]]] = {
    "llama": ("packed", {}),
    "opt-positions-from-two": ("packed", {"architecture": "OPT", "ffn_dim": 64, "word_embed_proj_dim": 32}),
    "longrope": ("packed, by side of the switch", {"rope_parameters": LONGROPE}),
    "window": ("padded", {"architecture": "Mistral", "sliding_window": SWITCH}),
    "chunks": (
        "padded",
        {
            "architecture": "Llama4",
            "attention_chunk_size": SWITCH,
            "head_dim": 8,
            "num_local_experts": 2,
            "intermediate_size_mlp": 64,
            "pad_token_id": 2,
            "num_hidden_layers": 4,
        },
    ),
    "sinks": (
        "padded",
        {
            "architecture": "GptOss",
            "sliding_window": SWITCH,
            "head_dim": 8,
            "num_local_experts": 4,
            "num_experts_per_tok": 2,
        },
    ),
    "recurrent": ("padded", {"architecture": "Mamba", **MAMBA}),
    "alibi": ("padded", {"architecture": "Bloom", "n_layer": 2, "n_head": 4}),
}
TEXTS = [("the quick brown fox jumps over the lazy dog " * 4)[: 7 + 19 * (index % 6)] for index in range(12)]


def save(make: Callable[..., Path], folder: Path, config: dict[str, Any]) -> Path:
    """A tiny model; Llama 4's text configuration has a class of another name."""
    if config.get("architecture") != "Llama4":
        return make(folder, **config)
    from transformers import Llama4ForCausalLM, Llama4TextConfig

    make(folder)
    sizes = {"hidden_size": 32, "intermediate_size": 64, "num_attention_heads": 4, "num_key_value_heads": 2}
    vocabulary = open_model(str(folder)).tokenizer().vocab_size
    named = {name: value for name, value in config.items() if name != "architecture"}
    made = Llama4TextConfig(vocab_size=vocabulary, initializer_range=0.3, **sizes, **named)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        Llama4ForCausalLM(made).save_pretrained(folder)
    return folder


def own(folder: Path, window: Window) -> np.ndarray[Any, Any]:
    """Log-probabilities of the scored tokens by a freshly loaded model that reads this window alone."""
    from transformers import AutoConfig

    model = auto_class(AutoConfig.from_pretrained(folder)).from_pretrained(folder, dtype=torch.float32).eval()
    row = torch.tensor(window.token_ids.tolist())
    with torch.inference_mode():
        logits = model(row[None], use_cache=False).logits[0].double()
    scores = torch.log_softmax(logits, 1)[:-1].gather(1, row[1:, None])[window.context - 1 :, 0]
    return np.asarray(scores.numpy())


def loaded(folder: Path) -> CausalBackend:
    backend = open_model(str(folder), LoadOptions(device="cpu")).load()
    assert isinstance(backend, CausalBackend)
    return backend


@pytest.mark.parametrize("family", FAMILIES)
def test_an_audit_gives_each_text_the_models_own_scores(
    family: str, tmp_path: Path, make_tiny_model: Callable[..., Path]
) -> None:
    summary, config = FAMILIES[family]
    folder = save(make_tiny_model, tmp_path / "model", config)
    spec = open_model(str(folder), LoadOptions(device="cpu"))
    with Store.open(tmp_path / "store") as store:
        requests = [Request(spec, Prompt(text), variant) for text in TEXTS for variant in ("batched", "alone")]  # type: ignore[arg-type]
        signals = score_requests(requests, store=store).signals
    backend = loaded(folder)
    assert backend._paths.summary == summary
    for index in (0, 5, 10):
        (window,) = backend.encode(Prompt(TEXTS[index])).windows
        truth = own(folder, window)
        np.testing.assert_allclose(signals[2 * index].logprob, truth, atol=2e-5)
        np.testing.assert_allclose(signals[2 * index + 1].logprob, truth, atol=2e-5)


@pytest.mark.parametrize(("rope", "workers"), [(LONGROPE, 1), (None, 2)])
def test_a_model_whose_passes_change_it_is_scored_by_one_worker(
    rope: Any, workers: int, tmp_path: Path, make_tiny_model: Callable[..., Path]
) -> None:
    threads = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert loaded(make_tiny_model(tmp_path / "m", rope_parameters=rope)).workers == workers
    finally:
        torch.set_num_threads(threads)


def test_windows_on_two_sides_of_a_switch_share_no_pass(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    paths = loaded(make_tiny_model(tmp_path / "m", rope_parameters=LONGROPE))._paths
    assert paths.switches == (SWITCH,)
    assert paths.groups([30, SWITCH, 5, SWITCH + 1]) == [[0, 3], [1, 2]]
    paths.grouping = "length"
    assert paths.groups([30, 5, 30]) == [[0, 2], [1]]
    paths.grouping = "single"
    assert paths.groups([5, 5]) == [[0], [1]]
    paths.grouping = "any"
    assert paths.groups([30, 5, 30]) == [[0, 1, 2]]
    assert paths.groups([]) == []


def test_a_context_below_the_switch_needs_no_probe_of_it(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    folder = make_tiny_model(tmp_path / "m", rope_parameters=LONGROPE)
    backend = open_model(str(folder), LoadOptions(device="cpu", max_context=SWITCH)).load()
    assert isinstance(backend, CausalBackend)
    assert backend._paths.summary == "packed"


def test_thresholds_of_configurations() -> None:
    from transformers import Gemma3TextConfig, LlamaConfig, Phi3Config

    assert thresholds_of(LlamaConfig(max_position_embeddings=4096), 2048).lengths == ()
    assert 512 in thresholds_of(Gemma3TextConfig(sliding_window=512), 2048).lengths
    assert 512 not in thresholds_of(Gemma3TextConfig(sliding_window=512), 512).lengths
    factors = {"short_factor": [1.0] * 48, "long_factor": [2.0] * 48}
    phi = Phi3Config(
        max_position_embeddings=131072,
        original_max_position_embeddings=4096,
        rope_parameters={"rope_type": "longrope", "rope_theta": 1e4, **factors},
    )
    assert thresholds_of(phi, 8192).switches == (4096,)
    assert thresholds_of(phi, 4096).switches == ()
    grown = LlamaConfig(rope_parameters={"rope_type": "dynamic", "rope_theta": 1e4, "factor": 2.0})
    grown.max_position_embeddings = 256
    assert thresholds_of(grown, 512).switches == (256,)
    assert thresholds_of(grown, 512).continuous


def test_what_a_pass_changes_of_a_model_is_restored() -> None:
    module = torch.nn.Module()
    module.register_buffer("factors", torch.ones(3))
    module.register_buffer("still", torch.zeros(2))
    module.longest = 4  # type: ignore[assignment]
    first = module.factors
    state = PassState(module)
    module.factors = torch.full((3,), 2.0)
    module.longest = 9  # type: ignore[assignment]
    assert state.keep_changed()
    state.restore()
    assert module.factors is first
    assert module.factors.tolist() == [1.0] * 3
    assert module.longest == 4
    assert not PassState(module).keep_changed()


def test_alone_is_by_the_models_own_attention_and_forward(
    tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaForCausalLM

    backend = loaded(tiny_model_dir)
    windows = [window for text in TEXTS[:2] for window in backend.encode(Prompt(text)).windows]
    forward, seen = LlamaForCausalLM.forward, []

    def spy(self: Any, *arguments: Any, **named: Any) -> Any:
        seen.append((self.config._attn_implementation, named["input_ids"].shape[0]))
        return forward(self, *arguments, **named)

    monkeypatch.setattr(LlamaForCausalLM, "forward", spy)
    backend.score(windows, variant="alone")
    assert seen == [("sdpa", 1)] * 2
    assert backend.model.config._attn_implementation == PACKED


def test_a_first_pass_that_fails_is_the_models_failure(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from transformers import LlamaForCausalLM

    def broken(self: Any, *arguments: Any, **named: Any) -> Any:
        raise AttributeError("no part of it is called so")

    monkeypatch.setattr(LlamaForCausalLM, "forward", broken)
    spec = open_model(str(tiny_model_dir), LoadOptions(device="cpu"))
    reason = r"fails in its first forward pass \(LlamaForCausalLM, transformers [\d.]+\): AttributeError: no part"
    with Store.open(tmp_path) as store:
        request = Request(spec, Prompt(TEXTS[3]))
        with pytest.raises(RunError, match=reason):
            score_requests([request], store=store)
        filled = fill_store([("one", ScoringRequests([request], None))], store=store)
    assert "first forward pass" in filled.broken["one"].message


def test_what_fails_later_names_the_model(
    tiny_model_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CausalBackend, "score", lambda *arguments, **named: [][1])
    spec = open_model(str(tiny_model_dir), LoadOptions(device="cpu"))
    with Store.open(tmp_path) as store, pytest.raises(RunError, match=r"tiny0 could not be scored: IndexError"):
        score_requests([Request(spec, Prompt(TEXTS[3]))], store=store)


def test_a_model_with_an_image_tower_scores_text(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    """As the language model in it does, of whose weights it has a copy."""
    from transformers import AutoModelForCausalLM, LlavaConfig, LlavaForConditionalGeneration

    plain = make_tiny_model(tmp_path / "plain")
    inner = AutoModelForCausalLM.from_pretrained(plain)
    tower = {"model_type": "clip_vision_model", "hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1}
    tower |= {"num_attention_heads": 1, "image_size": 8, "patch_size": 4}
    whole = LlavaForConditionalGeneration(
        LlavaConfig(text_config=inner.config.to_dict(), vision_config=tower, image_token_index=9)
    )
    whole.model.language_model.load_state_dict(inner.model.state_dict())
    whole.lm_head.load_state_dict(inner.lm_head.state_dict())
    whole.save_pretrained(tmp_path / "seeing")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(plain / name, tmp_path / "seeing")
    seeing, reading = loaded(tmp_path / "seeing"), loaded(plain)
    assert seeing.identity.context == reading.identity.context
    assert seeing._paths.packing
    windows = [window for text in TEXTS[:4] for window in reading.encode(Prompt(text)).windows]
    for one, other in zip(seeing.score(windows), reading.score(windows), strict=True):
        np.testing.assert_allclose(one.logprob, other.logprob, atol=2e-5)


@pytest.mark.parametrize(
    ("config", "context"),
    [
        ({"max_position_embeddings": 512}, 512),
        ({"model_type": "roberta", "max_position_embeddings": 514, "pad_token_id": 1}, 512),
        ({"text_config": {"max_position_embeddings": 300}}, 300),
        ({"thinker_config": {"text_config": {"n_positions": 200}}}, 200),
        ({"max_target_positions": 448}, 448),
        ({}, 1024),
    ],
)
def test_the_longest_window_of_a_configuration(config: dict[str, Any], context: int) -> None:
    assert context_of(config, 1024) == context
