"""What is opened, what is refused and what the refusals say."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.backend import CPU
from support.children import identify, start

from auditor.core.errors import RunError, UsageError
from auditor.models import architectures, digests, placement
from auditor.models.backend import LoadOptions
from auditor.models.folder import read_header, stored_dtype
from auditor.models.loading import all_loaders, in_float32, open_model, open_models
from auditor.models.placement import resolve_device, resolve_dtype
from auditor.scoring.store import Store


@pytest.fixture
def copy(tiny_model_dir: Path, tmp_path: Path) -> Path:
    """The tiny model, to be spoilt."""
    return Path(shutil.copytree(tiny_model_dir, tmp_path / "model"))


def edit(path: Path, **changes: Any) -> None:
    value = json.loads(path.read_text())
    value.update(changes)
    path.write_text(json.dumps({name: entry for name, entry in value.items() if entry is not None}))


def test_loaders_are_found() -> None:
    names = [loader.name for loader in all_loaders()]
    assert {"gguf", "peft", "hf"} <= set(names)
    assert len(set(names)) == len(names)
    # A folder with an adapter is not to be taken for a model's.
    assert names.index("peft") < names.index("hf")
    assert all(loader.summary for loader in all_loaders())


def test_identifying_reads_no_weights(tiny_model_dir: Path) -> None:
    child = start(identify, tiny_model_dir)
    child.join()
    assert child.exitcode == 0


def test_importing_the_contract_needs_no_torch() -> None:
    code = "import sys, auditor.models.loading, auditor.models.backend; auditor.models.loading.all_loaders();"
    code += "assert 'torch' not in sys.modules and 'transformers' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[2])


def test_the_identity_is_of_the_content(copy: Path, tiny_model_dir: Path) -> None:
    first, second = open_model(str(tiny_model_dir), CPU).identity, open_model(str(copy), CPU).identity
    assert first.source != second.source
    assert first.key == second.key
    assert first.details["torch"]
    assert first.revision is None
    edit(copy / "config.json", rope_parameters={"rope_theta": 500.0, "rope_type": "default"})
    assert open_model(str(copy), CPU).identity.key != first.key


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "tokenizer_config.json"])
def test_every_file_that_matters_changes_the_key(copy: Path, name: str) -> None:
    before = open_model(str(copy), CPU).identity.key
    data = bytearray((copy / name).read_bytes())
    if name == "model.safetensors":
        data[-1] ^= 1
    else:
        data += b"\n"
    (copy / name).write_bytes(bytes(data))
    assert open_model(str(copy), CPU).identity.key != before


def test_options_that_matter_change_the_key(tiny_model_dir: Path) -> None:
    keys = {
        open_model(str(tiny_model_dir), options).identity.key
        for options in (CPU, LoadOptions("cpu", "bfloat16"), LoadOptions("cpu", max_context=64))
    }
    assert len(keys) == 3
    spec = open_model(str(tiny_model_dir), LoadOptions("cpu", "bfloat16"))
    assert in_float32(spec).identity.key == open_model(str(tiny_model_dir), CPU).identity.key


def test_digests_are_remembered_until_a_file_changes(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    digest = digests.file_sha256
    monkeypatch.setattr(digests, "file_sha256", lambda path: read.append(path.name) or digest(path))
    with Store.open(tmp_path / "store") as store:
        first = open_model(str(copy), CPU, store).identity
        assert "model.safetensors" in read
        read.clear()
        assert open_model(str(copy), CPU, store).identity == first
        assert read == []
        data = bytearray((copy / "model.safetensors").read_bytes())
        data[-1] ^= 1
        (copy / "model.safetensors").write_bytes(bytes(data))
        assert open_model(str(copy), CPU, store).identity.key != first.key
        assert read == ["model.safetensors"]


def test_a_file_changed_under_its_old_time_is_read_again(copy: Path, tmp_path: Path) -> None:
    path = copy / "model.safetensors"
    with Store.open(tmp_path / "store") as store:
        before = open_model(str(copy), CPU, store).identity
        status = path.stat()
        data = bytearray(path.read_bytes())
        data[-1] ^= 1
        path.write_bytes(bytes(data))
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))
        assert (path.stat().st_ino, path.stat().st_mtime_ns) == (status.st_ino, status.st_mtime_ns)
        after = open_model(str(copy), CPU, store).identity
    assert after.weights_sha256 != before.weights_sha256
    assert after == open_model(str(copy), CPU).identity


class Trap:
    """Unpickling this would be noticed."""

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return (pytest.fail, ("a pickle was read",))


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "weights.ckpt", "model.pkl"])
def test_pickles_are_refused_unread(copy: Path, name: str) -> None:
    (copy / "model.safetensors").unlink()
    (copy / name).write_bytes(pickle.dumps(Trap()))
    with pytest.raises(UsageError, match="pickle") as caught:
        open_model(str(copy), CPU)
    assert name in caught.value.message
    assert "save_pretrained" in caught.value.hint
    with pytest.raises(UsageError, match="pickle file, not read"):
        open_model(str(copy / name), CPU)


def test_a_pickle_beside_safetensors_is_ignored(copy: Path) -> None:
    (copy / "pytorch_model.bin").write_bytes(pickle.dumps(Trap()))
    open_model(str(copy), CPU).load().close()


def test_code_of_its_own_is_refused(copy: Path) -> None:
    edit(copy / "config.json", model_type="evil", auto_map={"AutoModelForCausalLM": "modeling_evil.Evil"})
    (copy / "modeling_evil.py").write_text("raise SystemExit('ran')")
    with pytest.raises(UsageError, match="own model code"):
        open_model(str(copy), CPU)


def test_tokenizer_code_is_refused(copy: Path) -> None:
    edit(
        copy / "tokenizer_config.json",
        tokenizer_class="EvilTokenizer",
        auto_map={"AutoTokenizer": ["tokenization_evil.EvilTokenizer", None]},
    )
    (copy / "tokenization_evil.py").write_text("raise SystemExit('ran')")
    # Either read from tokenizer.json alone, or refused; the code is not run in either case.
    with contextlib.suppress(UsageError):
        open_model(str(copy), CPU).load().close()
    assert not [name for name in sys.modules if "tokenization_evil" in name]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"architectures": ["T5ForConditionalGeneration"], "model_type": "t5", "is_encoder_decoder": True},
            "not a causal",
        ),
        ({"architectures": ["LlamaForSequenceClassification"]}, "not a causal language model"),
        ({"architectures": ["BertForMaskedLM"], "model_type": "bert"}, "not a causal language model"),
        ({"model_type": "no-such-model"}, "unknown model_type"),
        ({"architectures": ["MyLlamaForTokenClassification"]}, "gives a text labels"),
        ({"architectures": ["MistralModel"], "model_type": "mistral"}, "no head that predicts tokens"),
        ({"architectures": ["MyBertForMaskedLM"], "model_type": "bert"}, "fills in masked tokens"),
        ({"architectures": ["T5ForConditionalGeneration"], "model_type": "t5"}, "reads a source with an encoder"),
        ({"architectures": ["OwnLlamaForCausalLM"], "auto_map": {"AutoModelForCausalLM": "own.Own"}}, "own model code"),
    ],
)
def test_other_kinds_of_models_are_refused(
    copy: Path, tiny_model_dir: Path, tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    edit(copy / "config.json", **changes)
    with pytest.raises(UsageError, match=message) as refused:
        open_model(str(copy), CPU)
    # What a store remembers of transformers refuses the same models in the same words.
    with Store.open(tmp_path / "store") as store:
        open_model(str(tiny_model_dir), CPU, store)
        with pytest.raises(UsageError) as remembered:
            open_model(str(copy), CPU, store)
        assert str(remembered.value) == str(refused.value)


def test_an_architecture_under_a_name_of_its_own(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    edit(copy / "config.json", architectures=["OwnLlamaForCausalLM"])
    open_model(str(copy), CPU).load().close()
    weights = load_file(copy / "model.safetensors")
    weights["model.layers.0.gate"] = weights["model.norm.weight"].clone()
    save_file(weights, copy / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(RunError, match=r"OwnLlamaForCausalLM.* computes something else"):
        open_model(str(copy), CPU).load()


@pytest.mark.model
def test_the_models_that_transformers_knows_are_remembered_for_its_files(monkeypatch: pytest.MonkeyPatch) -> None:
    facts: dict[str, str] = {}

    class Facts(digests.NoMemo):
        def recall(self, key: str) -> str | None:
            return facts.get(key)

        def remember(self, key: str, value: str) -> None:
            facts[key] = value

    known = architectures.known_architectures(Facts())
    assert {"llama", "bert"} <= set(known.types)
    assert "LlamaForCausalLM" in known.causal
    assert "llama" in known.causal_types
    monkeypatch.setattr(architectures, "_architectures", pytest.fail)
    assert architectures.known_architectures(Facts()) == known
    monkeypatch.setattr(architectures, "_architectures", lambda: '{"types": [], "causal_types": [], "causal": []}')
    monkeypatch.setattr(architectures, "version", lambda name: "another")
    assert architectures.known_architectures(Facts()).types == []


@pytest.mark.parametrize("keep", [4, 100, 5000])
def test_truncated_weights(copy: Path, keep: int) -> None:
    path = copy / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UsageError, match=r"not whole|not a whole"):
        open_model(str(copy), CPU)


@pytest.mark.parametrize("junk", [b"\xff" * 64, (16).to_bytes(8, "little") + b"[1, 2, 3]       " + b"x" * 8])
def test_weights_that_are_something_else(copy: Path, junk: bytes) -> None:
    (copy / "model.safetensors").write_bytes(junk)
    with pytest.raises(UsageError, match=r"model\.safetensors"):
        open_model(str(copy), CPU)


def test_weights_of_another_configuration(copy: Path) -> None:
    edit(copy / "config.json", num_hidden_layers=3)
    with pytest.raises(RunError, match="lacks"):
        open_model(str(copy), CPU).load()


def test_shape_mismatch(copy: Path) -> None:
    edit(copy / "config.json", intermediate_size=48)
    with pytest.raises(RunError, match="model"):
        open_model(str(copy), CPU).load()


def test_missing_shards_are_named(copy: Path) -> None:
    (copy / "model.safetensors").rename(copy / "model-00001-of-00002.safetensors")
    index = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}
    (copy / "model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(UsageError, match="model-00002-of-00002"):
        open_model(str(copy), CPU)


@pytest.mark.parametrize("name", ["sub/model.safetensors", "../x.safetensors", "/x.safetensors", "..", "x.bin", 3])
def test_an_index_names_files_beside_it(copy: Path, name: object) -> None:
    # A file of the same last name lies beside the index, which would be hashed and not loaded.
    (copy / "sub").mkdir()
    shutil.copy(copy / "model.safetensors", copy / "sub" / "model.safetensors")
    (copy / "model.safetensors").rename(copy / "x.safetensors")
    (copy / "model.safetensors.index.json").write_text(json.dumps({"weight_map": {"a": name}}))
    with pytest.raises(UsageError, match="not a safetensors file in the folder") as caught:
        open_model(str(copy), CPU)
    assert repr(str(name)) in caught.value.message


def test_the_files_an_index_names_are_the_weights(copy: Path) -> None:
    from safetensors.torch import load_file, save_file

    whole = open_model(str(copy), CPU).load()
    weights = load_file(copy / "model.safetensors")
    (copy / "model.safetensors").unlink()
    names = {name: f"part-{at % 2}.safetensors" for at, name in enumerate(weights)}
    for part in set(names.values()):
        save_file({name: weights[name] for name in weights if names[name] == part}, copy / part, {"format": "pt"})
    (copy / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": names}))
    (copy / "other.safetensors").write_bytes(b"not looked at")
    spec = open_model(str(copy), CPU)
    loaded = spec.load()
    for name, weight in whole.model.state_dict().items():  # type: ignore[attr-defined]
        assert loaded.model.state_dict()[name].equal(weight)  # type: ignore[attr-defined]
    data = bytearray((copy / "part-1.safetensors").read_bytes())
    data[-1] ^= 1
    (copy / "part-1.safetensors").write_bytes(bytes(data))
    assert open_model(str(copy), CPU).identity.key != spec.identity.key


def test_weights_under_another_name_are_refused(copy: Path) -> None:
    shutil.copy(copy / "model.safetensors", copy / "other.safetensors")
    edit(copy / "config.json", transformers_weights="other.safetensors")
    with pytest.raises(UsageError, match="transformers_weights: 'other"):
        open_model(str(copy), CPU)


def test_the_shards_of_a_distributed_run_are_refused(copy: Path) -> None:
    # transformers would load these and not model.safetensors.
    shutil.copy(copy / "model.safetensors", copy / "shard-00001-model-00001-of-00001.safetensors")
    with pytest.raises(UsageError, match="distributed run"):
        open_model(str(copy), CPU)


def test_a_model_with_an_adapter_inside_is_refused(copy: Path) -> None:
    (copy / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    with pytest.raises(UsageError, match="a model and an adapter") as caught:
        open_model(str(copy), CPU)
    assert "folders of their own" in caught.value.hint


@pytest.mark.parametrize("key", ["attn_implementation", "_attn_implementation"])
@pytest.mark.parametrize("value", ["kernels-community/flash-attn2", "owner/kernel", "flash_attention_2", "eager"])
def test_a_configuration_names_no_attention(copy: Path, monkeypatch: pytest.MonkeyPatch, key: str, value: str) -> None:
    from transformers import modeling_utils

    fetched: list[str] = []
    # On that the flash attention of a package that is not installed would be fetched too.
    monkeypatch.setattr(modeling_utils, "is_kernels_available", lambda: True)
    monkeypatch.setattr(modeling_utils, "lazy_import_flash_attention", lambda name, **_: fetched.append(name))
    edit(copy / "config.json", **{key: value})
    backend = open_model(str(copy), CPU).load()
    assert fetched == []
    assert backend.model.config._attn_implementation in ("sdpa", "auditor_packed")  # type: ignore[attr-defined]


def test_the_version_of_a_tokenizer_is_in_the_key(copy: Path) -> None:
    # transformers reads the newest version it is new enough for, in place of tokenizer.json.
    edit(copy / "tokenizer_config.json", fast_tokenizer_files=["tokenizer.4.0.json"])
    keys = set()
    for ending in ("", "\n"):
        (copy / "tokenizer.4.0.json").write_text((copy / "tokenizer.json").read_text() + ending)
        keys.add(open_model(str(copy), CPU).identity.key)
    assert len(keys) == 2


def test_missing_tokenizer(copy: Path) -> None:
    for path in copy.glob("tokenizer*"):
        path.unlink()
    with pytest.raises(UsageError, match="no tokenizer"):
        open_model(str(copy), CPU)


def test_broken_json(copy: Path) -> None:
    (copy / "config.json").write_text("{")
    with pytest.raises(UsageError, match=r"config\.json cannot be read"):
        open_model(str(copy), CPU)


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no config\.json"):
        open_model(str(tmp_path), CPU)


def test_a_mistyped_path(copy: Path) -> None:
    with pytest.raises(UsageError, match="does not exist") as caught:
        open_model(str(copy.parent / "modle"), CPU)
    assert f"Did you mean {copy}?" in caught.value.hint
    with pytest.raises(UsageError, match="does not exist") as caught:
        open_model(str(copy.parent / "gone" / "model"), CPU)
    assert f"{copy.parent / 'gone'} does not exist either" in caught.value.hint


def offline(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str | None, bool]]:
    """A hub that has nothing; what was asked of it: name, revision, whether only locally."""
    import huggingface_hub

    asked: list[tuple[str, str | None, bool]] = []

    def nothing(name: str, **options: Any) -> str:
        asked.append((name, options["revision"], options.get("local_files_only", False)))
        raise FileNotFoundError("no connection")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", nothing)
    return asked


def test_a_mistyped_path_of_one_slash_stays_here(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offline(monkeypatch)
    (copy.parent / "samples").mkdir()
    copy.rename(copy.parent / "samples" / "model")
    monkeypatch.chdir(copy.parent)
    with pytest.raises(UsageError, match="samples/modle does not exist") as caught:
        open_model("samples/modle", CPU)
    assert f"Did you mean {Path('samples/model')}?" in caught.value.hint
    assert asked == []
    with pytest.raises(RunError, match="cannot be fetched"):
        open_model("samples/modle", LoadOptions(device="cpu", revision="main"))
    assert asked == [("samples/modle", "main", True), ("samples/modle", "main", False)]


def test_a_name_without_a_slash_may_be_the_hubs(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offline(monkeypatch)
    monkeypatch.chdir(copy.parent)
    with pytest.raises(RunError, match="not in the local cache") as caught:
        open_model("modle", CPU)
    assert caught.value.hint.startswith("Did you mean model? Check the path")
    assert len(asked) == 2
    with pytest.raises(RunError, match="not in the local cache") as caught:
        open_model("owner/something", CPU)
    assert caught.value.hint.startswith("Check the path")


def test_a_home_that_is_nobodys() -> None:
    with pytest.raises(UsageError, match="cannot be a path"):
        open_model("~nobody-of-this-name/model", CPU)


def test_a_name_the_hub_cannot_give(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = offline(monkeypatch)
    with pytest.raises(RunError, match="not in the local cache"):
        open_model("owner/model", CPU)
    assert asked == [("owner/model", None, True), ("owner/model", None, False)]


def test_a_hub_model_from_the_cache_uses_no_network(copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import huggingface_hub

    commit = copy.rename(copy.parent / "0123abc")

    def cached(name: str, **options: Any) -> str:
        assert options["local_files_only"]
        assert options["revision"] == "v1"
        return str(commit)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", cached)
    spec = open_model("owner/model", LoadOptions(device="cpu", revision="v1"))
    assert (spec.identity.source, spec.identity.revision) == ("owner/model", "0123abc")


def test_a_local_folder_has_no_revision(tiny_model_dir: Path) -> None:
    with pytest.raises(UsageError, match="no revision"):
        open_model(str(tiny_model_dir), LoadOptions(device="cpu", revision="main"))


def test_a_reference_must_be_another_model(tiny_model_dir: Path, copy: Path) -> None:
    with pytest.raises(UsageError, match="audited model itself"):
        open_models(str(tiny_model_dir), [str(copy)], CPU)


def test_references_are_kept_once(tiny_model_dir: Path, tmp_path: Path, make_tiny_model: Callable[..., Path]) -> None:
    other = make_tiny_model(tmp_path / "other", seed=1)
    models = open_models(str(tiny_model_dir), [str(other), str(other)], CPU)
    assert [spec.identity.source for spec in models.references] == [str(other)]


@pytest.mark.parametrize("device", ["tpu", "cuda:x", "CPU", ""])
def test_unknown_devices(device: str) -> None:
    with pytest.raises(UsageError, match="unknown device"):
        resolve_device(device)


@pytest.mark.model
def test_absent_devices() -> None:
    with pytest.raises(UsageError, match="not available"):
        resolve_device("cuda:99")


def test_without_a_driver_torch_is_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def no_driver(name: str) -> None:
        raise OSError(name)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(placement.ctypes, "CDLL", no_driver)
    monkeypatch.setattr(torch.cuda, "is_available", pytest.fail)
    assert resolve_device("auto") == "cpu"
    monkeypatch.setattr(placement.ctypes, "CDLL", str)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    assert resolve_device("auto") == "cuda:0"


def test_number_formats() -> None:
    assert resolve_dtype("auto", "cpu", "bfloat16") == "float32"
    assert resolve_dtype("auto", "cuda:0", "bfloat16") == "bfloat16"
    assert resolve_dtype("float16", "cpu", "bfloat16") == "float16"
    with pytest.raises(UsageError, match="unknown number format"):
        resolve_dtype("int8", "cpu", "float32")


def test_the_header_tells_the_stored_format(tmp_path: Path, tiny_model_dir: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({"a": torch.zeros(8, dtype=torch.bfloat16), "b": torch.zeros(2)}, tmp_path / "x.safetensors")
    assert stored_dtype([tmp_path / "x.safetensors"]) == "bfloat16"
    assert stored_dtype([tiny_model_dir / "model.safetensors"]) == "float32"
    assert read_header(tmp_path / "x.safetensors")["a"]["shape"] == [8]
