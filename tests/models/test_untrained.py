"""The untrained twin: the same architecture, random weights, the same ones every time."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.backend import CPU

from auditor.core.errors import RunError, UsageError
from auditor.models.backend import LoadOptions
from auditor.models.loading import in_float32, open_model
from auditor.models.runtime.causal import CausalBackend
from auditor.models.untrained import PREFIX
from auditor.signals.outputs import Capture
from auditor.signals.views import Prompt

TEXT = "the quick brown fox jumps over the lazy dog"


def twin(source: Path, **options: Any) -> CausalBackend:
    backend = open_model(f"{PREFIX}{source}", LoadOptions(device="cpu", **options)).load()
    assert isinstance(backend, CausalBackend)
    return backend


def weights(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.state_dict())


@pytest.mark.parametrize("architecture", ["Llama", "GPT2"])
def test_same_architecture_other_weights(
    architecture: str, tmp_path: Path, make_tiny_model: Callable[..., Path]
) -> None:
    source = make_tiny_model(tmp_path / "m", architecture=architecture)
    trained, random = (weights(backend.model) for backend in (open_model(str(source), CPU).load(), twin(source)))  # type: ignore[attr-defined]
    assert {name: tensor.shape for name, tensor in trained.items()} == {
        name: tensor.shape for name, tensor in random.items()
    }
    matrices = [name for name, tensor in trained.items() if tensor.dim() == 2]
    assert matrices
    assert not any(torch.equal(trained[name], random[name]) for name in matrices)
    # Drawn as the architecture says: far from what torch's own layers begin with.
    drawn = [float(random[name].std()) for name in matrices if "up_proj" in name or "c_fc" in name]
    assert len(drawn) == 2
    assert all(0.25 < spread < 0.35 for spread in drawn)


def test_the_same_every_time_and_nothing_else_drawn(tiny_model_dir: Path) -> None:
    torch.manual_seed(5)
    before = torch.random.get_rng_state()
    first = weights(twin(tiny_model_dir).model)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(6)
    second = weights(twin(tiny_model_dir).model)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_its_scores_and_states_are_its_own(tiny_model_dir: Path) -> None:
    backend, trained = twin(tiny_model_dir), open_model(str(tiny_model_dir), CPU).load()
    (window,) = backend.encode(Prompt(TEXT)).windows
    assert window.token_ids.tolist() == trained.encode(Prompt(TEXT)).windows[0].token_ids.tolist()
    ours, theirs = (each.score([window], wanted=Capture(layers=True))[0] for each in (backend, trained))
    assert np.abs(ours.logprob - theirs.logprob).max() > 0.1
    assert ours.outputs.layers is not None
    assert theirs.outputs.layers is not None
    assert ours.outputs.layers.shape == theirs.outputs.layers.shape


def test_its_identity(tiny_model_dir: Path, tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    plain = open_model(str(tiny_model_dir), CPU).identity
    spec = open_model(f"{PREFIX}{tiny_model_dir}", CPU)
    assert (spec.identity.kind, spec.identity.source, spec.base) == ("untrained", f"{PREFIX}{tiny_model_dir}", None)
    assert spec.identity.tokenizer_sha256 == plain.tokenizer_sha256
    assert spec.identity.key != plain.key
    # The weights of the model do not matter, its configuration does.
    again = make_tiny_model(tmp_path / "again", seed=9)
    wider = make_tiny_model(tmp_path / "wider", intermediate_size=96)
    assert open_model(f"{PREFIX}{again}", CPU).identity.key == spec.identity.key
    assert open_model(f"{PREFIX}{wider}", CPU).identity.key != spec.identity.key
    half = open_model(f"{PREFIX}{tiny_model_dir}", LoadOptions("cpu", "bfloat16"))
    assert in_float32(half).identity.key == spec.identity.key


def test_of_an_adapter_it_is_that_of_its_base(tiny_model_dir: Path, tmp_path: Path) -> None:
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model_dir)
    get_peft_model(model, LoraConfig(r=2, target_modules=["q_proj"])).save_pretrained(tmp_path / "adapter")
    spec = open_model(f"{PREFIX}{tmp_path / 'adapter'}", CPU)
    assert spec.identity.key == open_model(f"{PREFIX}{tiny_model_dir}", CPU).identity.key
    ours, theirs = weights(twin(tmp_path / "adapter").model), weights(twin(tiny_model_dir).model)
    assert all(torch.equal(ours[name], theirs[name]) for name in theirs)
    assert spec.tokenizer().get_vocab() == open_model(str(tiny_model_dir), CPU).tokenizer().get_vocab()
    with pytest.raises(UsageError, match="has no revision"):
        open_model(f"{PREFIX}{tmp_path / 'adapter'}", LoadOptions("cpu", revision="main"))


def test_what_has_no_twin(tmp_path: Path, tiny_model_dir: Path) -> None:
    (tmp_path / "m.gguf").write_bytes(b"GGUF")
    with pytest.raises(UsageError, match=r"no untrained twin of .*GGUF") as caught:
        open_model(f"{PREFIX}{tmp_path / 'm.gguf'}", CPU)
    assert "folder" in caught.value.hint
    with pytest.raises(UsageError, match="does not exist"):
        open_model(f"{PREFIX}{tmp_path}/not/there", CPU)
    with pytest.raises(UsageError, match="does not exist"):
        open_model(f"{PREFIX}{PREFIX}{tiny_model_dir}", CPU)


def test_an_architecture_that_cannot_be_made(tiny_model_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import AutoModelForCausalLM

    def fail(*args: Any, **named: Any) -> Any:
        raise ImportError("a library is missing")

    spec = open_model(f"{PREFIX}{tiny_model_dir}", CPU)
    monkeypatch.setattr(AutoModelForCausalLM, "from_config", fail)
    with pytest.raises(RunError, match=r"cannot build untrained:.*a library is missing"):
        spec.load()
