"""Weights of a series: whole models, adapters, and what is refused; adapters are held against PEFT's own merging."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.backend import CPU

from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.weights.contents import open_weights
from auditor.forgetting.weights.measure import measure_weights
from auditor.forgetting.weights.tensors import parts
from auditor.models.gguf import GGUF
from auditor.models.loading import open_model
from auditor.results.forgetting.drift import WeightChange

MakeModel = Callable[..., Path]


def named(name: str, folder: Path) -> NamedCheckpoint:
    return NamedCheckpoint(name, open_model(str(folder), CPU))


def measure(*folders: Path, **options: Any) -> WeightChange:
    """The change of the last against the first."""
    series = [named(f"checkpoint {index}", folder) for index, folder in enumerate(folders)]
    found = measure_weights(series, **options)
    assert list(found) == [checkpoint.name for checkpoint in series[1:]]
    return found[series[-1].name]


def rewrite(base: Path, folder: Path, edit: Callable[[Any], None], **saving: Any) -> Path:
    """Load a model, change it, save it with its tokenizer."""
    from transformers import AutoModelForCausalLM

    shutil.copytree(base, folder)
    model = AutoModelForCausalLM.from_pretrained(base)
    with torch.no_grad():
        edit(model)
    for path in folder.glob("*.safetensors*"):
        path.unlink()
    model.save_pretrained(folder, **saving)
    return folder


def adapter(
    base: Path, folder: Path, *, seed: int = 3, edit: Callable[[Any], None] | None = None, **settings: Any
) -> Path:
    """A LoRA adapter with weights as after training, trained whole modules and biases included.

    With an edit of the base, the base's embeddings are saved too, as PEFT does where the vocabulary has grown.
    """
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    config = LoraConfig(task_type="CAUSAL_LM", **{"r": 2, "target_modules": ["q_proj", "down_proj"], **settings})
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model = get_peft_model(AutoModelForCausalLM.from_pretrained(base), config)
        with torch.no_grad():
            for parameter in model.parameters():
                if parameter.requires_grad:
                    parameter.copy_(torch.randn_like(parameter) * 0.2)
            if edit:
                edit(model.base_model.model)
        model.save_pretrained(folder, save_embedding_layers=edit is not None)
    return folder


def merged(base: Path, adapter_folder: Path, folder: Path) -> Path:
    """The whole model PEFT makes of an adapter."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    shutil.copytree(base, folder)
    model = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), adapter_folder).merge_and_unload()
    model.save_pretrained(folder)
    return folder


def effective(folder: Path) -> dict[str, np.ndarray]:
    """Every tensor of a checkpoint with what an adapter adds."""
    found = {}
    for name, parameter in open_weights(open_model(str(folder), CPU)).parameters.items():
        values = np.concatenate([parameter.stored.values(part) for part in parts(parameter.stored.shape)])
        found[name] = values if parameter.added is None else values + parameter.added.left @ parameter.added.right
    return found


def layer(found: WeightChange, name: str) -> Any:
    return next(layer for layer in found.layers if layer.layer == name)


def test_identical_models(tiny_model_dir: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(tiny_model_dir, tmp_path / "copy")
    found = measure(tiny_model_dir, copy)
    assert (found.kind, found.relative_change) == ("identical", 0.0)
    assert [each.layer for each in found.layers] == ["embeddings", "layer 0", "layer 1", "final norm", "head"]
    assert all(each.frozen and each.effective_rank is None for each in found.layers)
    from safetensors.numpy import load_file

    tensors = load_file(tiny_model_dir / "model.safetensors")
    assert sum(each.parameters for each in found.layers) == sum(tensor.size for tensor in tensors.values())


def test_partial_change_and_its_size(tiny_model_dir: Path, tmp_path: Path) -> None:
    def edit(model: Any) -> None:
        weight = model.model.layers[1].self_attn.q_proj.weight
        weight.add_(torch.eye(*weight.shape))
        model.lm_head.weight.mul_(1.5)

    found = measure(tiny_model_dir, rewrite(tiny_model_dir, tmp_path / "b", edit))
    assert found.kind == "partial"
    assert "embeddings, layer 0, final norm" in found.reason
    assert [each.frozen for each in found.layers] == [True, True, False, True, False]
    assert layer(found, "head").relative_change == pytest.approx(0.5)
    assert layer(found, "layer 1").effective_rank == pytest.approx(32.0, rel=1e-3)
    assert layer(found, "layer 1").full_rank == 32
    tensors = effective(tiny_model_dir)
    norm = np.sqrt(sum(np.square(value).sum() for name, value in tensors.items() if name.startswith("layers.1.")))
    assert layer(found, "layer 1").relative_change == pytest.approx(np.sqrt(32) / norm, rel=1e-4)
    whole = np.sqrt(sum(np.square(value).sum() for value in tensors.values()))
    head = np.linalg.norm(tensors["lm_head.weight"]) * 0.5
    assert found.relative_change == pytest.approx(np.hypot(np.sqrt(32), head) / whole, rel=1e-4)


def nudge(model: Any) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(9)
        for parameter in model.parameters():
            parameter.add_(torch.randn_like(parameter) * 0.05)


def test_full_change_with_many_files(tiny_model_dir: Path, tmp_path: Path) -> None:
    after = rewrite(tiny_model_dir, tmp_path / "b", nudge, max_shard_size="30KB")
    assert (after / "model.safetensors.index.json").is_file()
    found = measure(tiny_model_dir, after)
    assert found.kind == "full"
    assert not any(each.frozen for each in found.layers)
    single = measure(tiny_model_dir, rewrite(tiny_model_dir, tmp_path / "c", nudge))
    assert found == single


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"use_rslora": True, "lora_alpha": 3},
        {"alpha_pattern": {"layers.0.self_attn.q_proj": 20}, "rank_pattern": {"down_proj": 3}},
        {"bias": "all"},
        {"modules_to_save": ["lm_head"]},
        {"modules_to_save": ["norm", "embed_tokens"]},
        {"target_modules": ["q_proj", "embed_tokens", "lm_head"]},
    ],
    ids=["plain", "rslora", "patterns", "bias", "head", "whole modules", "embeddings"],
)
def test_adapters_are_what_peft_makes_of_them(
    settings: dict[str, Any], make_tiny_model: MakeModel, tmp_path: Path
) -> None:
    base = make_tiny_model(tmp_path / "base", attention_bias="bias" in settings)
    folder = adapter(base, tmp_path / "adapter", **settings)
    whole = merged(base, folder, tmp_path / "merged")
    ours, theirs = effective(folder), effective(whole)
    assert ours.keys() == theirs.keys()
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, atol=2e-6, err_msg=name)
    found, written = measure(base, folder), measure(base, whole)
    assert found.kind == "adapter"
    assert found.relative_change == pytest.approx(written.relative_change, rel=1e-4)
    for mine, other in zip(found.layers, written.layers, strict=True):
        assert mine.frozen == other.frozen
        assert mine.relative_change == pytest.approx(other.relative_change, rel=1e-4)


def test_gpt2_keeps_its_matrices_the_other_way_round(make_tiny_model: MakeModel, tmp_path: Path) -> None:
    base = make_tiny_model(tmp_path / "base", architecture="GPT2")
    folder = adapter(base, tmp_path / "adapter", target_modules=["c_attn", "attn.c_proj"], fan_in_fan_out=True)
    ours, theirs = effective(folder), effective(merged(base, folder, tmp_path / "merged"))
    for name, values in theirs.items():
        np.testing.assert_allclose(ours[name], values, atol=2e-6, err_msg=name)


def test_an_adapter_has_at_most_its_rank(tiny_model_dir: Path, tmp_path: Path) -> None:
    folder = adapter(tiny_model_dir, tmp_path / "adapter")
    found = measure(tiny_model_dir, folder)
    assert found.kind == "adapter"
    assert "at most to 4 matrices" in found.reason
    for name in ("layer 0", "layer 1"):
        assert 1 < layer(found, name).effective_rank <= 2
    assert layer(found, "embeddings").frozen
    assert measure(tiny_model_dir, folder, largest=1) == found


def test_a_merged_adapter_looks_like_one(tiny_model_dir: Path, tmp_path: Path) -> None:
    folder = adapter(tiny_model_dir, tmp_path / "adapter")
    found = measure(tiny_model_dir, merged(tiny_model_dir, folder, tmp_path / "merged"))
    assert found.kind == "adapter"
    assert "as after merging an adapter" in found.reason
    assert layer(found, "layer 0").effective_rank == pytest.approx(
        layer(measure(tiny_model_dir, folder), "layer 0").effective_rank, rel=1e-3
    )
    unknown = measure(tiny_model_dir, tmp_path / "merged", largest=31)
    assert unknown.kind == "partial"
    assert layer(unknown, "layer 0").effective_rank is None


@pytest.mark.parametrize("what", ["a head of low rank", "a matrix of full rank", "a norm"])
def test_other_small_changes_do_not_look_like_adapters(what: str, tiny_model_dir: Path, tmp_path: Path) -> None:
    def edit(model: Any) -> None:
        if what == "a head of low rank":
            model.lm_head.weight[0].add_(1.0)
        elif what == "a matrix of full rank":
            model.model.layers[0].self_attn.q_proj.weight.mul_(1.1)
        else:
            model.model.layers[0].input_layernorm.weight.mul_(1.1)

    assert measure(tiny_model_dir, rewrite(tiny_model_dir, tmp_path / "b", edit)).kind == "partial"


def test_a_layer_with_one_matrix_too_large_has_no_rank(tiny_model_dir: Path, tmp_path: Path) -> None:
    """Keys are 16 by 32, queries 32 by 32: the largest rank is unknown where one of them is."""
    found = measure(tiny_model_dir, rewrite(tiny_model_dir, tmp_path / "b", nudge), largest=16)
    assert found.kind == "full"
    assert all(each.effective_rank is None for each in found.layers)


def test_adapters_after_adapters_and_bases_after_adapters(tiny_model_dir: Path, tmp_path: Path) -> None:
    one, two = (adapter(tiny_model_dir, tmp_path / str(seed), seed=seed) for seed in (1, 2))
    assert measure(one, tiny_model_dir).kind == "adapter"
    between = measure(one, two)
    assert between.kind == "adapter"
    assert 2 < layer(between, "layer 0").effective_rank <= 4
    assert measure(one, shutil.copytree(one, tmp_path / "copy")).kind == "identical"


def test_an_adapter_over_another_base_is_no_mere_adapter(tiny_model_dir: Path, tmp_path: Path) -> None:
    other = rewrite(tiny_model_dir, tmp_path / "other", nudge)
    assert measure(tiny_model_dir, adapter(other, tmp_path / "adapter")).kind == "full"


def test_tied_embeddings_are_counted_once(make_tiny_model: MakeModel, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    base = make_tiny_model(tmp_path / "base", tie_word_embeddings=True)
    twice = shutil.copytree(base, tmp_path / "twice")
    tensors = load_file(twice / "model.safetensors")
    assert "lm_head.weight" not in tensors
    copy = tensors["model.embed_tokens.weight"].clone()
    save_file({**tensors, "lm_head.weight": copy}, twice / "model.safetensors", metadata={"format": "pt"})
    found = measure(base, twice)
    assert found.kind == "identical"
    assert [each.layer for each in found.layers] == ["embeddings", "layer 0", "layer 1", "final norm"]

    untied = rewrite(base, tmp_path / "untied", nudge_head)
    found = measure(base, untied)
    assert layer(found, "embeddings").frozen
    assert layer(found, "head").relative_change == pytest.approx(1.0, rel=1e-3)


def nudge_head(model: Any) -> None:
    model.config.tie_word_embeddings = False
    model.lm_head.weight = torch.nn.Parameter(2 * model.model.embed_tokens.weight.detach().clone())


def test_embeddings_saved_with_an_adapter_stay_tied(make_tiny_model: MakeModel, tmp_path: Path) -> None:
    """They are saved twice, under both names, and are one matrix all the same."""
    from safetensors.torch import load_file

    base = make_tiny_model(tmp_path / "base", tie_word_embeddings=True)
    folder = adapter(base, tmp_path / "adapter", edit=lambda model: model.lm_head.weight.mul_(1.25))
    saved = [name for name in load_file(folder / "adapter_model.safetensors") if "lora_" not in name]
    assert [name.rpartition("model.")[2] for name in sorted(saved)] == ["lm_head.weight", "embed_tokens.weight"]
    found = measure(base, folder)
    assert [each.layer for each in found.layers] == ["embeddings", "layer 0", "layer 1", "final norm"]
    assert layer(found, "embeddings").relative_change == pytest.approx(0.25, rel=1e-5)
    assert found.kind == "adapter"
    assert "the adapter adds changes" in found.reason
    assert "and replaces 1 tensor" in found.reason


def test_equal_matrices_that_are_not_tied_are_two(tiny_model_dir: Path, tmp_path: Path) -> None:
    def equal(model: Any) -> None:
        model.lm_head.weight.copy_(model.model.embed_tokens.weight)

    found = measure(rewrite(tiny_model_dir, tmp_path / "a", equal), tiny_model_dir)
    assert layer(found, "embeddings").frozen
    assert layer(found, "head").parameters == layer(found, "embeddings").parameters


@pytest.mark.parametrize("how", ["target_modules", "modules_to_save"])
@pytest.mark.parametrize("what", [["embed_tokens"], ["lm_head"], ["embed_tokens", "lm_head"]], ids="+".join)
def test_adapters_on_tied_matrices_part_them(
    how: str, what: list[str], make_tiny_model: MakeModel, tmp_path: Path
) -> None:
    """As scored, which is unmerged: an adapter on one of the two leaves the other what it was; logits bear it out."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    base = make_tiny_model(tmp_path / "base", tie_word_embeddings=True)
    folder = adapter(base, tmp_path / "adapter", **{how: what})
    tensors = {name: torch.tensor(value, dtype=torch.float32) for name, value in effective(folder).items()}
    plain = AutoModelForCausalLM.from_pretrained(base, tie_word_embeddings=False).eval()
    plain.load_state_dict({name if name == "lm_head.weight" else f"model.{name}": x for name, x in tensors.items()})
    ids = torch.arange(5, 25)[None]
    with torch.no_grad():
        wanted = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), folder).eval()(ids).logits
        torch.testing.assert_close(plain(ids).logits, wanted, atol=1e-4, rtol=1e-4)
    found = measure(base, folder)
    assert found.kind == "adapter"
    assert layer(found, "embeddings").frozen == ("embed_tokens" not in what)
    assert layer(found, "head").frozen == ("lm_head" not in what)


def test_another_number_format_is_said_and_is_no_training(tiny_model_dir: Path, tmp_path: Path) -> None:
    short = rewrite(tiny_model_dir, tmp_path / "b", lambda model: model.to(torch.bfloat16))
    found = measure(tiny_model_dir, short)
    assert found.kind == "identical"
    assert "Stored as bfloat16 where the origin's are float32" in found.reason


def spoil(folder: Path, to: Path, **changes: object) -> Path:
    shutil.copytree(folder, to)
    path = to / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))
    return to


def test_other_adapters_are_not_compared(tiny_model_dir: Path, tmp_path: Path) -> None:
    folder = adapter(tiny_model_dir, tmp_path / "adapter")
    for at, (changes, why) in enumerate(
        [
            ({"init_lora_weights": "pissa"}, "was initialised by pissa"),
            ({"layer_replication": [[0, 2]]}, "layer_replication"),
            ({"peft_type": "LOHA"}, "LOHA"),
            ({"r": "two", "lora_alpha": None}, "TypeError"),
        ]
    ):
        found = measure(tiny_model_dir, spoil(folder, tmp_path / str(at), **changes))
        assert (found.kind, found.relative_change, found.layers) == ("not compared", None, ())
        assert why in found.reason
    dora = adapter(tiny_model_dir, tmp_path / "dora", use_dora=True)
    assert "use_dora" in measure(tiny_model_dir, dora).reason


def test_models_of_another_shape_are_not_compared(
    tiny_model_dir: Path, make_tiny_model: MakeModel, tmp_path: Path
) -> None:
    wide = make_tiny_model(tmp_path / "wide", intermediate_size=48)
    deep = make_tiny_model(tmp_path / "deep", num_hidden_layers=3)
    assert "48" in measure(tiny_model_dir, wide).reason
    assert "only the later checkpoint has layers.2" in measure(tiny_model_dir, deep).reason


def test_nothing_is_relative_to_zero(tiny_model_dir: Path, tmp_path: Path) -> None:
    zero = rewrite(tiny_model_dir, tmp_path / "zero", lambda model: model.model.norm.weight.zero_())
    assert measure(zero, tiny_model_dir).kind == "not compared"
    assert "final norm are all zero" in measure(zero, tiny_model_dir).reason
    assert measure(zero, shutil.copytree(zero, tmp_path / "copy")).kind == "identical"


def test_a_name_that_is_there_twice(tiny_model_dir: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(tiny_model_dir, tmp_path / "twice")
    tensors = load_file(folder / "model.safetensors")
    twice = {**tensors, "norm.weight": tensors["model.norm.weight"] + 1}
    save_file(twice, folder / "model.safetensors", metadata={"format": "pt"})
    assert "holds norm.weight twice" in measure(tiny_model_dir, folder).reason


def test_quantised_models_are_not_compared(tiny_model_dir: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(tiny_model_dir, tmp_path / "quantised")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "quantization_config": {"quant_method": "gptq"}}))
    found = measure(tiny_model_dir, folder)
    assert (found.kind, "quantised" in found.reason) == ("not compared", True)


def test_what_goes_wrong_harms_no_other_checkpoint(tiny_model_dir: Path, tmp_path: Path) -> None:
    """A file that is gone by the time it is read, and a good checkpoint after it."""
    gone = shutil.copytree(tiny_model_dir, tmp_path / "gone")
    series = [named("origin", tiny_model_dir), named("gone", gone), named("same", tiny_model_dir)]
    shutil.rmtree(gone)
    found = measure_weights(series)
    assert found["gone"].kind == "not compared"
    assert "because of gone" in found["gone"].reason
    assert found["same"].kind == "identical"
    lost = measure_weights([series[1], series[0]])
    assert "the origin gone" in lost["origin"].reason
    assert measure_weights([]) == {}


def test_gguf_is_not_compared(tiny_model_dir: Path) -> None:
    import dataclasses

    spec = open_model(str(tiny_model_dir), CPU)
    gguf = dataclasses.replace(spec, loader=GGUF)
    found = measure_weights([NamedCheckpoint("origin", spec), NamedCheckpoint("later", gguf)])["later"]
    assert found.kind == "not compared"
    assert "GGUF" in found.reason
