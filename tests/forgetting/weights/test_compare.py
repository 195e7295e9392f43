"""Changes of small matrices, worked out by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from auditor.forgetting.weights.compare import Change, compare, effective_rank, squared_norm
from auditor.forgetting.weights.contents import Parameter
from auditor.forgetting.weights.lora import Factors
from auditor.forgetting.weights.tensors import (
    NotComparedError,
    Stored,
    canonical,
    is_buffer,
    layer_of,
    layer_order,
    parts,
    read_tensors,
    rounded,
)

ANY = 2048


def save(folder: Path, name: str, dtype: str = "float32", **tensors: object) -> dict[str, Stored]:
    import torch
    from safetensors.torch import save_file

    path = folder / f"{name}.safetensors"
    save_file({key: torch.tensor(value).to(getattr(torch, dtype)) for key, value in tensors.items()}, path)
    return read_tensors(path)


def change(before: Parameter | Stored, after: Parameter | Stored, *, largest: int = ANY) -> Change:
    old, new = (Parameter(each) if isinstance(each, Stored) else each for each in (before, after))
    return compare("w", old, new, norm=squared_norm("w", old), largest=largest)


def test_two_by_two_by_hand(tmp_path: Path) -> None:
    """[[3, 0], [0, 4]] has the norm 5; one more in a corner is a change of norm 1 and rank 1."""
    before = save(tmp_path, "a", w=[[3.0, 0], [0, 4]])["w"]
    corner = change(before, save(tmp_path, "b", w=[[3.0, 0], [0, 5]])["w"])
    assert (corner.parameters, corner.norm, corner.square, corner.full_rank) == (4, 25.0, 1.0, 2)
    assert corner.effective_rank == pytest.approx(1.0)
    unit = change(before, save(tmp_path, "c", w=[[4.0, 0], [0, 5]])["w"])
    assert unit.square == 2.0
    assert unit.effective_rank == pytest.approx(2.0)
    assert unit.by_adapter is None
    same = change(before, save(tmp_path, "d", w=[[3.0, 0], [0, 4]])["w"])
    assert (same.changed, same.square, same.effective_rank) == (False, 0.0, None)


def test_effective_rank_by_hand() -> None:
    """Singular values 3 and 1: shares 3/4 and 1/4, entropy 0.5623, exponential 1.7548."""
    assert effective_rank(np.array([3.0, 1.0])) == pytest.approx(1.7548, abs=1e-4)
    assert effective_rank(np.array([2.0, 2.0, 2.0, 0.0])) == pytest.approx(3.0)


def test_rounding_within_the_computation_adds_no_rank(tmp_path: Path) -> None:
    outer = np.outer(np.arange(1.0, 61), np.arange(-20.0, 31))
    found = change(save(tmp_path, "a", w=np.zeros((60, 51)))["w"], save(tmp_path, "b", w=outer)["w"])
    assert found.effective_rank == pytest.approx(1.0, abs=1e-12)


@pytest.mark.parametrize("shape", [(300, 40), (40, 300)])
def test_rank_of_large_and_wide_matrices(
    tmp_path: Path, shape: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Summed over many pieces, the rank is that of the singular values of the whole."""
    monkeypatch.setattr("auditor.forgetting.weights.tensors._PIECE", 1000)
    rng = np.random.default_rng(0)
    old = rng.normal(size=shape).astype(np.float32)
    for rank in (1, 2, 40):
        new = old + (rng.normal(size=(shape[0], rank)) @ rng.normal(size=(rank, shape[1]))).astype(np.float32)
        found = change(save(tmp_path, "a", w=old)["w"], save(tmp_path, f"b{rank}", w=new)["w"])
        values = np.linalg.svd(new.astype(np.float64) - old, compute_uv=False)
        assert found.effective_rank == pytest.approx(effective_rank(values), rel=1e-4)
        assert found.effective_rank < rank + 0.1
        assert found.square == pytest.approx(np.square(values).sum())
    assert len(list(parts(shape))) == 12


def test_a_change_by_factors_equals_the_change_written_out(tmp_path: Path) -> None:
    """An adapter over the same values and the same change in a file give the same figures."""
    rng = np.random.default_rng(1)
    old = rng.normal(size=(20, 12))
    left, right = rng.normal(size=(20, 2)), rng.normal(size=(2, 12))
    before = save(tmp_path, "a", "float64", w=old)["w"]
    written = change(before, save(tmp_path, "b", "float64", w=old.astype(np.float32) + left @ right)["w"])
    added = change(before, Parameter(before, Factors(left, right)))
    assert added.effective_rank == pytest.approx(written.effective_rank, rel=1e-4)
    assert added.square == pytest.approx(written.square, rel=1e-5)
    assert added.effective_rank <= 2
    assert added.by_adapter == "added"
    back = change(Parameter(before, Factors(left, right)), before)
    assert back.square == pytest.approx(added.square)
    assert back.norm == pytest.approx(np.square(old + left @ right).sum(), rel=1e-5)


def test_two_adapters_over_the_same_values(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    base = save(tmp_path, "a", w=rng.normal(size=(9, 7)))["w"]
    one, other = (Factors(rng.normal(size=(9, 2)), rng.normal(size=(2, 7))) for _ in range(2))
    found = change(Parameter(base, one), Parameter(base, other))
    expected = np.linalg.svd(other.left @ other.right - one.left @ one.right, compute_uv=False)
    assert found.effective_rank == pytest.approx(effective_rank(expected[:4]))
    assert found.square == pytest.approx(np.square(expected).sum())
    assert not change(Parameter(base, one), Parameter(base, one)).changed


def test_an_adapter_in_the_origin_counts_against_a_whole_model(tmp_path: Path) -> None:
    """Merging the origin's own adapter changes nothing but by rounding."""
    rng = np.random.default_rng(3)
    base = save(tmp_path, "a", w=rng.normal(size=(9, 7)))["w"]
    factors = Factors(rng.normal(size=(9, 2)), rng.normal(size=(2, 7)))
    whole = base.values((slice(None),)) + factors.left @ factors.right
    merged = save(tmp_path, "b", w=whole.astype(np.float32))["w"]
    assert change(Parameter(base, factors), merged).square < 1e-12 * np.square(whole).sum()


def test_no_rank_beyond_the_limit_and_none_for_vectors(tmp_path: Path) -> None:
    before, after = save(tmp_path, "a", w=np.eye(4), v=[1.0, 2]), save(tmp_path, "b", w=2 * np.eye(4), v=[1.0, 3])
    assert change(before["w"], after["w"], largest=3).effective_rank is None
    assert change(before["w"], after["w"], largest=4).effective_rank == pytest.approx(4.0)
    vector = change(before["v"], after["v"])
    assert (vector.effective_rank, vector.full_rank, vector.square) == (None, None, 1.0)


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_is_not_training(tmp_path: Path, dtype: str) -> None:
    values = np.random.default_rng(4).normal(size=(30, 20)).astype(np.float32)
    full, short = save(tmp_path, "a", w=values)["w"], save(tmp_path, "b", dtype, w=values)["w"]
    assert not change(full, short).changed
    assert not change(short, full).changed
    values[3, 4] += 1.0
    moved = change(full, save(tmp_path, "c", dtype, w=values)["w"])
    assert moved.square == pytest.approx(1.0, rel=0.02)
    assert moved.effective_rank == pytest.approx(1.0)


@pytest.mark.parametrize(("dtype", "code"), [("bfloat16", "BF16"), ("float16", "F16")])
def test_values_are_read_and_rounded_as_torch_does(tmp_path: Path, dtype: str, code: str) -> None:
    import torch

    values = np.random.default_rng(5).normal(size=2000).astype(np.float32) * 10
    values[:4] = [0.0, -0.0, 1 + 1 / 256, 1 + 3 / 256]  # the last two are halfway between bfloat16 numbers
    expected = torch.tensor(values).to(getattr(torch, dtype)).float().numpy()
    stored = save(tmp_path, "a", dtype, w=values)["w"]
    assert stored.dtype == code
    np.testing.assert_array_equal(stored.values((slice(None),)), expected)
    np.testing.assert_array_equal(rounded(values, code), expected)


def test_what_cannot_be_compared(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    before = save(tmp_path, "a", w=np.eye(3))["w"]
    with pytest.raises(NotComparedError, match="3 x 2 where the origin's has 3 x 3"):
        change(before, save(tmp_path, "b", w=np.ones((3, 2)))["w"])
    with pytest.raises(NotComparedError, match="not finite"):
        change(before, save(tmp_path, "c", w=np.full((3, 3), np.nan))["w"])
    save_file({"w": torch.ones(2, 2, dtype=torch.int8)}, tmp_path / "d.safetensors")
    with pytest.raises(NotComparedError, match="stored as I8"):
        read_tensors(tmp_path / "d.safetensors")


def test_a_header_that_contradicts_itself(tmp_path: Path) -> None:
    header = b'{"w": {"dtype": "F32", "shape": [9, 9], "data_offsets": [0, 16]}}'
    path = tmp_path / "odd.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(16))
    with pytest.raises(NotComparedError, match="does not match its shape"):
        read_tensors(path)


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("model.embed_tokens.weight", "embeddings"),
        ("transformer.wte.weight", "embeddings"),
        ("transformer.wpe.weight", "embeddings"),
        ("gpt_neox.embed_in.weight", "embeddings"),
        ("model.layers.3.self_attn.q_proj.weight", "layer 3"),
        ("transformer.h.12.ln_1.weight", "layer 12"),
        ("h.0.attn.c_attn.bias", "layer 0"),
        ("model.norm.weight", "final norm"),
        ("transformer.ln_f.bias", "final norm"),
        ("gpt_neox.final_layer_norm.weight", "final norm"),
        ("lm_head.weight", "head"),
        ("embed_out.weight", "head"),
        ("model.decoder.project_in.weight", "other"),
    ],
)
def test_layers_by_name(name: str, layer: str) -> None:
    assert layer_of(canonical(name)) == layer


def test_layers_in_order() -> None:
    names = ["head", "layer 10", "layer 2", "final norm", "other", "embeddings"]
    assert sorted(names, key=layer_order) == ["embeddings", "layer 2", "layer 10", "other", "final norm", "head"]


def test_buffers_are_no_weights() -> None:
    assert is_buffer("h.0.attn.bias", (1, 1, 8, 8))
    assert is_buffer("h.0.attn.masked_bias", (1,))
    assert is_buffer("layers.0.self_attn.rotary_emb.inv_freq", (16,))
    assert not is_buffer("h.0.attn.bias", (32,))
    assert not is_buffer("h.0.attn.c_attn.bias", (32,))
