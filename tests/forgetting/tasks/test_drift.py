"""How far the head's rows have turned, read from files."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auditor.forgetting.tasks.measure import ClassDrift, angles, head_rows
from auditor.models.loading import open_model


def _turned(source: Path, target: Path, name: str, turns: dict[int, float]) -> Path:
    """A copy of a model in which some rows of a matrix are turned by some degrees, and made twice as long."""
    import torch
    from safetensors.torch import load_file, save_file

    shutil.copytree(source, target)
    tensors = load_file(target / "model.safetensors")
    for row, degrees in turns.items():
        old = tensors[name][row].double()
        side = torch.zeros_like(old)
        side[0], side[1] = -old[1], old[0]
        side = side - old * (side @ old) / (old @ old)
        side *= old.norm() / side.norm()
        angle = np.radians(degrees)
        tensors[name][row] = (2 * (np.cos(angle) * old + np.sin(angle) * side)).to(tensors[name].dtype)
    save_file(tensors, target / "model.safetensors", metadata={"format": "pt"})
    return target


def test_angles_are_exact_where_they_are_tiny_and_blind_to_length() -> None:
    then = np.array([[1.0, 0.0], [1.0, 0.0], [1.0, 0.0], [3.0, 4.0]])
    now = np.array([[0.0, 2.0], [-1.0, 0.0], [1.0, 1e-9], [3.0, 4.0]])
    assert angles(then, now).tolist() == [
        pytest.approx(90),
        pytest.approx(180),
        pytest.approx(np.degrees(1e-9), rel=1e-6),
        0.0,
    ]


@pytest.mark.parametrize("tied", [False, True])
def test_the_mean_over_labels_of_the_mean_over_their_tokens(
    tmp_path: Path, make_tiny_model: Callable[..., Path], tied: bool
) -> None:
    first = make_tiny_model(tmp_path / "first", tie_word_embeddings=tied)
    name = "model.embed_tokens.weight" if tied else "lm_head.weight"
    second = _turned(first, tmp_path / "second", name, {5: 10.0, 6: 30.0, 9: 60.0})
    drift = ClassDrift(open_model(str(first)))
    assert drift(open_model(str(second)), [(5, 6), (9,), (11,)]) == pytest.approx((20 + 60 + 0) / 3, abs=1e-3)
    assert drift(open_model(str(first)), [(5, 6), (9,)]) == 0.0
    assert drift.notes == []


def test_embeddings_that_are_not_the_head_do_not_count(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    first = make_tiny_model(tmp_path / "first", tie_word_embeddings=False)
    second = _turned(first, tmp_path / "second", "model.embed_tokens.weight", {5: 45.0})
    assert ClassDrift(open_model(str(first)))(open_model(str(second)), [(5,)]) == 0.0


def test_an_adapter_beside_the_head_leaves_it_and_one_over_it_turns_it(
    tmp_path: Path, make_tiny_model: Callable[..., Path]
) -> None:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    base = make_tiny_model(tmp_path / "base", tie_word_embeddings=False)
    drift = ClassDrift(open_model(str(base)))
    for module in ("q_proj", "lm_head"):
        model = get_peft_model(
            AutoModelForCausalLM.from_pretrained(base), LoraConfig(r=2, target_modules=[module], task_type="CAUSAL_LM")
        )
        torch.manual_seed(0)
        for key, value in model.named_parameters():
            if "lora_B" in key:
                torch.nn.init.normal_(value)
        model.save_pretrained(tmp_path / module)
        spec = open_model(str(tmp_path / module))
        if module == "q_proj":
            assert drift(spec, [(5, 6)]) == 0.0
        else:
            merged = model.merge_and_unload().lm_head.weight.detach().numpy()
            assert np.allclose(head_rows(spec, [5, 6]), merged[[5, 6]], atol=1e-5)
            assert drift(spec, [(5, 6)]) > 1


def test_what_cannot_be_read_is_none_and_said(tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    spec = open_model(str(make_tiny_model(tmp_path / "first")))
    drift = ClassDrift(spec)
    assert drift(spec, [(10**6,)]) is None
    (note,) = drift.notes
    assert note.startswith(f"No class-embedding drift for {spec.identity.source}: its output layer has no row")
