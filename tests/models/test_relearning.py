"""A model in memory that is trained, put back and rounded."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from support.backend import CPU

from auditor.core.progress import Silent
from auditor.models.backend import LoadOptions, ModelSpec
from auditor.models.changes import Method, Rounding, Training, UntrainableError, identity_after
from auditor.models.loading import open_model
from auditor.models.runtime.attention import PACKED
from auditor.models.runtime.relearning import TrainableCopy, round_weights
from auditor.models.runtime.training import batches_of, pieces
from auditor.signals.views import Prompt

OURS = ("the quick brown fox jumps over the lazy dog", "seven wizards mix boxes of liquid jugs", "rivers and roads")
THEIRS = ("nobody in the old harbour town remembers", "the map of railways hangs in the town hall", "who drew it first")
METHODS: list[Method] = ["full", "lora"]


def training(method: Method = "full", texts: tuple[str, ...] = OURS, **changes: Any) -> Training:
    plain = Training(texts, method, 1e-2, 2, 16, 4 if method == "lora" else 0, 1.0, 0, None)
    return dataclasses.replace(plain, **changes)


def logits(subject: TrainableCopy, spec: ModelSpec, what: Training, steps: int) -> torch.Tensor:
    backend = subject.trained(what, steps, identity_after(spec.identity, what, steps, "it"), Silent())
    return outputs(backend.model)


def outputs(model: Any) -> torch.Tensor:
    with torch.inference_mode():
        found: torch.Tensor = model(input_ids=torch.arange(2, 30)[None], use_cache=False).logits.clone()
    return found


def loss(subject: TrainableCopy, spec: ModelSpec, what: Training, steps: int) -> float:
    backend = subject.trained(what, steps, identity_after(spec.identity, what, steps, "it"), Silent())
    with backend.session("batched"):
        found = [backend.score(backend.encode(Prompt(text)).windows)[0].logprob.sum() for text in what.texts]
    return -float(sum(found))


@pytest.fixture
def spec(tiny_model_dir: Path) -> ModelSpec:
    return open_model(str(tiny_model_dir), CPU)


@pytest.mark.parametrize("method", METHODS)
def test_training_lowers_the_loss_of_what_is_trained_on(spec: ModelSpec, method: Method) -> None:
    subject, what = TrainableCopy(spec), training(method)
    before, after = (loss(subject, spec, what, steps) for steps in (0, 12))
    assert after < 0.9 * before


@pytest.mark.parametrize("method", METHODS)
def test_a_twin_begins_at_the_checkpoint_and_knows_nothing_of_the_other(spec: ModelSpec, method: Method) -> None:
    plain = spec.load()
    subject, ours, theirs = TrainableCopy(spec), training(method), training(method, THEIRS)
    start = logits(subject, spec, ours, 0)
    trained = logits(subject, spec, ours, 5)
    assert not torch.equal(trained, start)
    assert torch.equal(logits(subject, spec, theirs, 0), start)
    assert torch.allclose(start, outputs(plain.model), atol=1e-5)  # type: ignore[attr-defined]
    twin = logits(subject, spec, theirs, 5)
    assert torch.equal(twin, logits(TrainableCopy(spec), spec, theirs, 5))
    assert torch.equal(trained, logits(subject, spec, ours, 5))
    assert not torch.equal(twin, trained)


@pytest.mark.parametrize("method", METHODS)
def test_scoring_on_the_way_changes_nothing(spec: ModelSpec, method: Method) -> None:
    subject, what = TrainableCopy(spec), training(method)
    for steps in (1, 3, 4):
        loss(subject, spec, what, steps)
    assert torch.equal(logits(subject, spec, what, 7), logits(TrainableCopy(spec), spec, what, 7))


def test_the_global_generators_decide_nothing_and_are_put_back(spec: ModelSpec) -> None:
    found = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        state = torch.get_rng_state()
        found.append(logits(TrainableCopy(spec), spec, training("lora"), 3))
        assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(*found)
    assert not torch.equal(found[0], logits(TrainableCopy(spec), spec, training("lora", seed=1), 3))


def test_dropout_is_off(make_tiny_model: Callable[..., Path], tmp_path: Path) -> None:
    """A model whose configuration asks for dropout trains alike twice, and as the same weights without it."""
    found: list[torch.Tensor] = []
    for share in (0.5, 0.5, 0.0):
        folder = make_tiny_model(tmp_path / str(len(found)), architecture="GPT2", resid_pdrop=share, attn_pdrop=share)
        spec = open_model(str(folder), CPU)
        torch.manual_seed(len(found))
        found.append(logits(TrainableCopy(spec), spec, training(), 3))
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])


def test_training_does_not_run_through_the_attention_for_scoring(
    spec: ModelSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    subject, seen = TrainableCopy(spec), []
    step = torch.autograd.backward

    def watch(tensors: Any) -> None:
        seen.append(subject._model.config._attn_implementation)
        step(tensors)

    monkeypatch.setattr(torch.autograd, "backward", watch)
    backend = subject.trained(training(), 2, spec.identity, Silent())
    assert backend.model.config._attn_implementation == PACKED
    subject.trained(training(), 4, spec.identity, Silent())
    assert seen == ["sdpa"] * 4


def test_half_precision_is_trained_in_float32(tiny_model_dir: Path) -> None:
    spec = open_model(str(tiny_model_dir), LoadOptions(device="cpu", dtype="bfloat16"))
    for method in METHODS:
        subject, what = TrainableCopy(spec), training(method)
        after = identity_after(spec.identity, what, 1, "it")
        backend = subject.trained(what, 1, after, Silent())
        assert {weight.dtype for weight in backend.model.parameters()} == {torch.float32}
        assert after.dtype == "float32"
        rounded = subject.rounded(Rounding(4, 64), spec.identity)
        assert rounded.model.dtype == torch.bfloat16


def test_an_adapter_is_merged_and_then_trained(tiny_model_dir: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        config = LoraConfig(r=4, target_modules=["q_proj", "down_proj"], init_lora_weights=False, task_type="CAUSAL_LM")
        get_peft_model(base, config).save_pretrained(tmp_path)
    spec = open_model(str(tmp_path), CPU)
    beside = outputs(spec.load().model)  # type: ignore[attr-defined]
    assert not torch.allclose(beside, outputs(open_model(str(tiny_model_dir), CPU).load().model), atol=1e-2)  # type: ignore[attr-defined]
    subject = TrainableCopy(spec)
    for method in METHODS:
        assert torch.allclose(logits(subject, spec, training(method), 0), beside, atol=1e-4)
        assert loss(subject, spec, training(method), 8) < loss(subject, spec, training(method), 0)


def test_a_training_that_diverges_is_told(spec: ModelSpec) -> None:
    with pytest.raises(UntrainableError, match="diverged at step"):
        logits(TrainableCopy(spec), spec, training(rate=1e30), 5)


def test_quantised_weights_are_refused(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import LlamaForCausalLM

    monkeypatch.setattr(LlamaForCausalLM, "is_quantized", True, raising=False)
    with pytest.raises(UntrainableError, match="quantised"):
        TrainableCopy(spec)
    # transformers calls what was read from a GGUF file quantised, although its weights are plain by then.
    read = dataclasses.replace(spec, loader=dataclasses.replace(spec.loader, dequantises=True))
    assert loss(TrainableCopy(read), read, training(), 3) < loss(TrainableCopy(read), read, training(), 0)


def test_rounding_by_hand() -> None:
    """Scales 0.7 / 7 and 14 / 7: 0.34 is 3.4 steps of 0.1, 5 is 2.5 steps of 2, which rounds to the even 2."""
    weights = torch.tensor([[0.7, -0.34, 0.06, 0.0, 14.0, 5.0], [0.0, 0.0, 0.0, 0.0, -3.0, 0.2]])
    found = round_weights(weights, Rounding(bits=4, group=4))
    expected = torch.tensor([[0.7, -0.3, 0.1, 0.0, 14.0, 4.0], [0.0, 0.0, 0.0, 0.0, -3.0, 0.0]])
    assert torch.allclose(found, expected, atol=1e-6)


@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])
def test_rounding_reaches_the_linear_layers_and_nothing_else(
    make_tiny_model: Callable[..., Path], tmp_path: Path, architecture: str
) -> None:
    spec = open_model(str(make_tiny_model(tmp_path, architecture=architecture)), CPU)
    before = {name: weight.clone() for name, weight in spec.load().model.named_parameters()}  # type: ignore[attr-defined]
    subject = TrainableCopy(spec)
    logits(subject, spec, training("lora"), 3)
    facts = subject.facts
    after = dict(subject.rounded(Rounding(4, 64), spec.identity).model.named_parameters())
    assert set(after) == set(before)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert len(changed) == facts.rounded_layers == (14 if architecture == "Llama" else 8)
    assert not any(
        part in name for name in changed for part in ("embed", "wte", "wpe", "lm_head", "norm", "ln_", "bias")
    )
    share = sum(before[name].numel() for name in changed) / sum(weight.numel() for weight in before.values())
    assert facts.rounded_share == pytest.approx(share)
    for name in changed:
        rows = after[name].detach() if architecture == "Llama" else after[name].detach().t()
        levels = max(len(torch.unique(row[:64].abs())) for row in rows)
        assert levels <= 8


def test_every_stretch_comes_once_a_round() -> None:
    order = batches_of(5, training(batch=2))
    rounds = [index for _ in range(5) for index in next(order)]
    assert sorted(rounds[:5]) == sorted(rounds[5:]) == list(range(5))
    assert rounds[:5] != rounds[5:]


def test_a_step_in_pieces_is_the_same_step(spec: ModelSpec, monkeypatch: pytest.MonkeyPatch) -> None:
    from auditor.models.runtime import training as trainer

    whole = logits(TrainableCopy(spec), spec, training(batch=3), 4)
    monkeypatch.setattr(trainer, "_LOGITS", 1)
    parts = logits(TrainableCopy(spec), spec, training(batch=3), 4)
    assert torch.allclose(whole, parts, atol=1e-3)
    windows = spec.load().encode(Prompt(OURS[0])).windows
    assert [len(some) for some in pieces([*windows] * 5, 2 * len(windows[0]))] == [2, 2, 1]
