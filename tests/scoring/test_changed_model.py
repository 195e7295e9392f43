"""A model whose files change between being identified and being scored: nothing is kept under what it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from support.backend import CPU

from auditor.core.errors import RunError
from auditor.forgetting.series import NamedCheckpoint
from auditor.forgetting.weights.measure import measure_weights
from auditor.models.backend import LoadOptions, ModelSpec
from auditor.models.loading import in_float32, open_model
from auditor.models.runtime.causal import CausalBackend
from auditor.models.untrained import PREFIX
from auditor.scoring.plan import Request
from auditor.scoring.score import ScoringRequests, fill_store, score_requests
from auditor.scoring.store import Store
from auditor.signals.views import Prompt

TEXTS = ["the quick brown fox jumps", "rivers, roads and railways", "seven wizards mix boxes of liquid jugs"]


@pytest.fixture
def model(make_tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "model")


@pytest.fixture
def other(make_tiny_model: Callable[..., Path], tmp_path: Path) -> Path:
    return make_tiny_model(tmp_path / "other", seed=5)


def adapter(base: Path, folder: Path, seed: int) -> Path:
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    with torch.random.fork_rng():
        torch.manual_seed(seed)
        config = LoraConfig(r=2, task_type="CAUSAL_LM", target_modules=["q_proj"], init_lora_weights=False)
        get_peft_model(AutoModelForCausalLM.from_pretrained(base), config).save_pretrained(folder)
    return folder


def requests(*specs: ModelSpec) -> list[Request]:
    return [Request(spec, Prompt(text)) for spec in specs for text in TEXTS]


def refused(asked: Sequence[Request], cache: Path, source: object) -> None:
    """Nothing is kept, alone and in a batch, and it is said why."""
    with Store.open(cache) as store:
        before = store.count()
        with pytest.raises(RunError, match="changed while it was audited") as caught:
            score_requests(asked, store=store)
        assert str(source) in caught.value.message
        assert caught.value.hint
        filled = fill_store([("a", ScoringRequests(asked, None))], store=store)
        assert "changed while it was audited" in filled.broken["a"].message
        assert store.count() == before


def overwrite(path: Path, data: bytes) -> None:
    path.write_bytes(data)


def put_in_place(path: Path, data: bytes) -> None:
    beside = path.with_name("new")
    beside.write_bytes(data)
    beside.replace(path)


def with_its_time(path: Path, data: bytes) -> None:
    before = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


@pytest.mark.parametrize("write", [overwrite, put_in_place, with_its_time])
def test_weights_that_are_replaced_after_they_were_hashed(
    model: Path, other: Path, tmp_path: Path, write: Callable[[Path, bytes], None]
) -> None:
    spec = open_model(str(model), CPU)
    write(model / "model.safetensors", (other / "model.safetensors").read_bytes())
    refused(requests(spec), tmp_path / "cache", model)
    with Store.open(tmp_path / "cache") as store:
        assert score_requests(requests(open_model(str(model), CPU)), store=store).computed == len(TEXTS)


@pytest.mark.parametrize("name", ["config.json", "tokenizer.json", "tokenizer_config.json"])
def test_files_beside_the_weights(model: Path, tmp_path: Path, name: str) -> None:
    spec = open_model(str(model), CPU)
    path = model / name
    path.write_bytes(path.read_bytes() + b"\n")
    refused(requests(spec), tmp_path / "cache", model)


def test_files_that_cannot_be_loaded_any_more(model: Path, tmp_path: Path) -> None:
    spec = open_model(str(model), CPU)
    (model / "tokenizer.json").write_text("{", encoding="utf-8")
    refused(requests(spec), tmp_path / "cache", model)


def test_a_file_that_would_be_read_instead(model: Path, tmp_path: Path) -> None:
    spec = open_model(str(model), CPU)
    shutil.copy(model / "tokenizer.json", model / "tokenizer.99.json")
    refused(requests(spec), tmp_path / "cache", model)


def test_what_is_not_read_may_change(model: Path, tmp_path: Path) -> None:
    spec = open_model(str(model), CPU)
    (model / "README.md").write_text("A log of the training that goes on.", encoding="utf-8")
    with Store.open(tmp_path) as store:
        assert score_requests(requests(spec), store=store).computed == len(TEXTS)


def test_weights_that_are_written_over_while_they_are_scored(
    model: Path, other: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a CPU they are read from the file while the model computes."""
    spec, score = open_model(str(model), CPU), CausalBackend.score

    def late(self: CausalBackend, *given: Any, **more: Any) -> Any:
        shutil.copy(other / "model.safetensors", model / "model.safetensors")
        return score(self, *given, **more)

    monkeypatch.setattr(CausalBackend, "score", late)
    refused(requests(spec), tmp_path / "cache", model)


def test_the_base_of_an_adapter_and_another_adapter_over_it(model: Path, other: Path, tmp_path: Path) -> None:
    first, second = (adapter(model, tmp_path / f"adapter-{seed}", seed) for seed in (1, 2))
    specs = [open_model(str(folder), CPU) for folder in (first, second)]
    shutil.copy(first / "adapter_model.safetensors", second / "adapter_model.safetensors")
    with Store.open(tmp_path / "cache") as store:
        filled = fill_store([(s.identity.source, ScoringRequests(requests(s), None)) for s in specs], store=store)
        assert list(filled.broken) == [str(second)]
        assert store.count() == len(TEXTS)
    again = open_model(str(first), CPU)
    assert again.base is not None
    shutil.copy(other / "model.safetensors", model / "model.safetensors")
    refused([Request(again, Prompt("a new text"))], tmp_path / "cache", first)
    refused(requests(again.base), tmp_path / "cache", model)


def test_an_untrained_twin_is_one_of_its_configuration_alone(model: Path, other: Path, tmp_path: Path) -> None:
    twin = open_model(f"{PREFIX}{model}", CPU)
    shutil.copy(other / "model.safetensors", model / "model.safetensors")
    with Store.open(tmp_path / "cache") as store:
        assert score_requests(requests(twin), store=store).computed == len(TEXTS)
    (model / "config.json").write_bytes((model / "config.json").read_bytes() + b"\n")
    refused([Request(twin, Prompt("a new text"))], tmp_path / "cache", model)


def test_the_check_in_float32_is_of_the_same_model(model: Path, other: Path) -> None:
    spec = open_model(str(model), LoadOptions(device="cpu", dtype="bfloat16"))
    assert in_float32(spec).identity.dtype == "float32"
    shutil.copy(other / "model.safetensors", model / "model.safetensors")
    with pytest.raises(RunError, match="changed while it was audited"):
        in_float32(spec)


def test_weights_are_not_compared_with_what_they_were_not(model: Path, other: Path) -> None:
    series = [NamedCheckpoint(name, open_model(str(folder), CPU)) for name, folder in (("a", model), ("b", other))]
    assert measure_weights(series)["b"].kind != "not compared"
    shutil.copy(model / "model.safetensors", other / "model.safetensors")
    assert "changed while it was audited" in measure_weights(series)["b"].reason
