"""A pickle is refused unread, whatever it is called and wherever it lies."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import os
import pickle
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.backend import CPU

from auditor.core.errors import AuditorError, UsageError
from auditor.corpora.read import read_corpus
from auditor.models.loading import open_model


class Trap:
    """Unpickling this makes a folder."""

    def __init__(self, marker: Path) -> None:
        self.marker = str(marker)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return os.mkdir, (self.marker,)


@pytest.fixture
def trap(tmp_path: Path) -> tuple[bytes, Path]:
    """A pickle, and the folder that is there once it was read."""
    marker = tmp_path / "the-pickle-was-read"
    return pickle.dumps(Trap(marker)), marker


def as_torch(data: bytes) -> bytes:
    """The zip that `torch.save` writes, with the pickle inside."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("model/data.pkl", data)
        archive.writestr("model/version", "3\n")
    return out.getvalue()


def as_numpy(data: bytes) -> bytes:
    """An array of objects as numpy saves it."""
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (63 - (len(header) + 10) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


DISGUISES: dict[str, Callable[[bytes], bytes]] = {
    "bare": lambda data: data,
    "old": lambda data: pickle.dumps(pickle.loads(b"\x80\x02N."), 0) + data,
    "torch": as_torch,
    "numpy": as_numpy,
    "zipped": gzip.compress,
}
DATA_NAMES = (
    "data.jsonl data.json data.csv data.parquet data.jsonl.gz data.json.gz data.csv.gz data.parquet.gz data.pkl "
    "data.pickle data.pt data.pth data.bin data.joblib data.npy data.npz data.ckpt data.arrow data folder/a.txt "
    "folder/a.md saved/dataset_dict.json saved/state.json"
).split()


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("name", DATA_NAMES)
def test_as_data(trap: tuple[bytes, Path], tmp_path: Path, name: str, disguise: str) -> None:
    data, marker = trap
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(DISGUISES[disguise](data))
    (path.parent / "dataset_info.json").write_text("{}") if path.parent.name == "saved" else None
    with pytest.raises(UsageError):
        read_corpus(path if path.parent == tmp_path else path.parent)
    assert not marker.exists()


def test_as_the_metadata_of_a_column(trap: tuple[bytes, Path], tmp_path: Path) -> None:
    """Arrow once named Python types by a pickle in the schema."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    data, marker = trap
    extension = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": data}
    schema = pa.schema(
        [pa.field("text", pa.string()), pa.field("other", pa.int64(), metadata=extension)],
        metadata={b"pandas": data, b"huggingface": data},
    )
    table = pa.table({"text": ["one text", "another"], "other": [1, 2]}).cast(pa.schema(list(schema)))
    table = table.replace_schema_metadata(schema.metadata)
    pq.write_table(table, tmp_path / "data.parquet")
    assert len(read_corpus(tmp_path / "data.parquet").documents) == 2
    folder = tmp_path / "saved"
    folder.mkdir()
    with pa.OSFile(str(folder / "data.arrow"), "wb") as sink, pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    (folder / "state.json").write_text(json.dumps({"_data_files": [{"filename": "data.arrow"}], "_fingerprint": "x"}))
    (folder / "dataset_info.json").write_text("{}")
    with contextlib.suppress(UsageError):
        assert len(read_corpus(folder).documents) == 2
    assert not marker.exists()


@pytest.mark.parametrize("kind", ["Pickle", "builtins.eval", "PyExtensionType", "__import__", "Dataset"])
def test_as_a_feature_of_a_saved_dataset(tmp_path: Path, trap: tuple[bytes, Path], kind: str) -> None:
    import datasets

    data, marker = trap
    folder = tmp_path / "saved"
    datasets.Dataset.from_dict({"text": ["one", "two"]}).save_to_disk(str(folder))
    info = json.loads((folder / "dataset_info.json").read_text())
    info["features"]["text"] = {"_type": kind, "dtype": data.hex(), "id": None}
    (folder / "dataset_info.json").write_text(json.dumps(info))
    with contextlib.suppress(UsageError):
        read_corpus(folder)
    assert not marker.exists()


WEIGHTS = (
    "pytorch_model.bin model.pt weights.pth model.ckpt model.pkl model.joblib tf_model.h5 flax_model.msgpack".split()
)


@pytest.mark.parametrize("disguise", DISGUISES)
@pytest.mark.parametrize("name", [*WEIGHTS, "model.safetensors", "adapter_model.bin"])
def test_as_weights(tiny_model_dir: Path, trap: tuple[bytes, Path], tmp_path: Path, name: str, disguise: str) -> None:
    data, marker = trap
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    (folder / name).write_bytes(DISGUISES[disguise](data))
    for source in (folder, folder / name):
        with pytest.raises(AuditorError):
            open_model(str(source), CPU).load().close()
    assert not marker.exists()


@pytest.mark.parametrize("name", ["model.gguf", "renamed.safetensors", "renamed.json", "tokenizer.model"])
def test_as_a_model_file_of_another_name(trap: tuple[bytes, Path], tmp_path: Path, name: str) -> None:
    data, marker = trap
    for disguise in DISGUISES.values():
        (tmp_path / name).write_bytes(disguise(data))
        with pytest.raises(AuditorError):
            open_model(str(tmp_path / name), CPU).load().close()
    assert not marker.exists()


BESIDE = "training_args.bin optimizer.pt scheduler.pt rng_state.pth pytorch_model.bin vocab.pkl tokenizer.pkl".split()


def test_beside_a_sound_model(tiny_model_dir: Path, trap: tuple[bytes, Path], tmp_path: Path) -> None:
    data, marker = trap
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    for name in BESIDE:
        (folder / name).write_bytes(as_torch(data) if name.endswith(".bin") else data)
    open_model(str(folder), CPU).load().close()
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    ["config.json", "tokenizer.json", "tokenizer_config.json", "generation_config.json", "special_tokens_map.json"],
)
def test_in_the_place_of_another_file_of_a_model(
    tiny_model_dir: Path, trap: tuple[bytes, Path], tmp_path: Path, name: str
) -> None:
    data, marker = trap
    folder = shutil.copytree(tiny_model_dir, tmp_path / "model")
    (folder / name).write_bytes(data)
    with contextlib.suppress(AuditorError):
        open_model(str(folder), CPU).load().close()
    assert not marker.exists()


def test_as_an_adapter(tiny_model_dir: Path, trap: tuple[bytes, Path], tmp_path: Path) -> None:
    data, marker = trap
    folder = tmp_path / "adapter"
    folder.mkdir()
    settings = {"peft_type": "LORA", "task_type": "CAUSAL_LM", "base_model_name_or_path": str(tiny_model_dir)}
    (folder / "adapter_config.json").write_text(json.dumps({**settings, "r": 2, "target_modules": ["q_proj"]}))
    for disguise in DISGUISES.values():
        (folder / "adapter_model.bin").write_bytes(disguise(data))
        with pytest.raises(AuditorError):
            open_model(str(folder), CPU).load().close()
    assert not marker.exists()


def test_the_trap_works(trap: tuple[bytes, Path]) -> None:
    data, marker = trap
    pickle.loads(data)
    assert marker.is_dir()
