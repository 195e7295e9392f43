"""A folder that holds no model is told as what it is, with the models one level down by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from auditor.core.errors import UsageError
from auditor.models.adapters import require_fitting
from auditor.models.folder import ModelFolder, read_folder_config, weight_files


def tensors(path: Path, *names: str) -> None:
    """A safetensors file of empty tensors."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = json.dumps({name: {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for name in names}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header)


def put(folder: Path, *names: str) -> None:
    """Files of a folder; weights among them are whole, those that end in a slash are folders."""
    for name in names:
        path = folder / name
        if name.endswith("/"):
            path.mkdir(parents=True)
        elif name.endswith(".safetensors"):
            tensors(path, "a.weight")
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("{}")


def told(folder: Path) -> str:
    for step in (read_folder_config, weight_files):
        try:
            step(folder)
        except UsageError as error:
            return str(error).replace(f"{folder}", "OUT")
    raise AssertionError("it is a model")


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (
            ["german/adapter_config.json", "german/adapter_model.safetensors", "README.md"],
            ["holds adapters", "OUT/german"],
        ),
        (
            ["config.json", "checkpoint-9/config.json", "checkpoint-9/model.safetensors"],
            ["models", "OUT/checkpoint-9."],
        ),
        (["adapter_config.json"], ["holds an adapter and no whole model"]),
        (["model.safetensors"], ["no config.json but weights (model.safetensors)"]),
        (["notes"], ["it has no config.json\n"]),
        (["config.json", "model.fp16.safetensors"], ["variant, 'fp16'", "variant='fp16'"]),
        (["config.json", "model.safetensors.index.bf16.json"], ["variant, 'bf16'"]),
        (["config.json", "consolidated.safetensors"], ["consolidated.safetensors", "not of transformers"]),
        (["config.json", "global_step100/", "zero_to_fp32.py"], ["DeepSpeed", "OUT/zero_to_fp32.py OUT"]),
        (["pytorch_model_fsdp_0/"], ["FSDP", "merge-weights OUT/pytorch_model_fsdp_0"]),
        (["config.json", "weights/model.safetensors"], ["its weights lie in OUT/weights"]),
        (["config.json", "pytorch_model.bin", "training_args.bin"], ["as pickle (pytorch_model.bin)"]),
        (["config.json", "optimizer.pt", "training_args.bin"], ["has no model.safetensors"]),
    ],
)
def test_what_a_folder_is(names: list[str], parts: list[str], tmp_path: Path) -> None:
    put(tmp_path, *names)
    message = told(tmp_path)
    for part in parts:
        assert part in message


def test_the_latest_checkpoints_are_offered_first_and_not_all(tmp_path: Path) -> None:
    for step in (500, 1000, 1500, 20, 3):
        put(tmp_path, f"checkpoint-{step}/config.json", f"checkpoint-{step}/model.safetensors")
    offered = [500, 20]
    message = told(tmp_path)
    assert message.index("checkpoint-1500,") < message.index("checkpoint-1000,") < message.index(f"-{offered[0]},")
    assert f"-{offered[1]} (1 more)" in message


def test_files_of_a_trainer_are_harmless(tmp_path: Path) -> None:
    put(
        tmp_path,
        "config.json",
        "model.safetensors",
        "optimizer.pt",
        "scheduler.pt",
        "rng_state.pth",
        "trainer_state.json",
    )
    assert [path.name for path in weight_files(tmp_path)] == ["model.safetensors"]


@pytest.mark.parametrize(
    ("name", "wrapper"),
    [
        ("_orig_mod.model.embed_tokens.weight", "torch.compile"),
        ("model._orig_mod.embed_tokens.weight", "torch.compile"),
        ("module.model.embed_tokens.weight", "DistributedDataParallel"),
    ],
)
def test_weights_saved_in_a_wrapper_are_refused(name: str, wrapper: str, tmp_path: Path) -> None:
    tensors(tmp_path / "model.safetensors", name)
    with pytest.raises(UsageError, match=rf"{wrapper}.*by which no weight is found"):
        weight_files(tmp_path)


def test_a_module_of_that_name_further_in_is_none(tmp_path: Path) -> None:
    tensors(tmp_path / "model.safetensors", "transformer.h.0.module.weight")
    assert weight_files(tmp_path)


def test_a_missing_shard_comes_with_the_index_that_names_it(tmp_path: Path) -> None:
    shards = {f"w{i}": f"model-0000{i}-of-00009.safetensors" for i in range(9)}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    with pytest.raises(UsageError, match=r"and 6 more, which model\.safetensors\.index\.json names"):
        weight_files(tmp_path)


def test_a_pointer_in_the_place_of_weights_is_named(tmp_path: Path) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n"
    (tmp_path / "model.safetensors").write_text(pointer)
    with pytest.raises(UsageError, match="Git LFS pointer"):
        weight_files(tmp_path)


@pytest.mark.parametrize(
    "name",
    [
        "model.language_model.layers.0.self_attn.q_proj",
        "model.vision_tower.encoder.layers.0.self_attn.q_proj",
        "model.layers.0.mlp.experts",
        "model.layers.0.mlp.experts.base_layer",
    ],
)
def test_layers_stored_under_other_names_are_left_to_peft(name: str, tmp_path: Path) -> None:
    stored = ["language_model.model.layers.0.self_attn.q_proj.weight", "vision_tower.encoder.layers.0.q_proj.weight"]
    tensors(tmp_path / "model.safetensors", *stored, "model.layers.0.mlp.experts.gate_up_proj")
    prefix = f"base_model.model.{name}"
    header = {f"{prefix}.lora_A.weight": {"shape": [2, 8]}, f"{prefix}.lora_B.weight": {"shape": [8, 2]}}
    require_fitting(tmp_path, {}, header, ModelFolder(tmp_path, {}, [tmp_path / "model.safetensors"]))
