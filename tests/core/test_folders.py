"""What a folder is by its names: a model, documents, or neither."""

from __future__ import annotations

from pathlib import Path

import pytest

from auditor.core.folders import documents_in, model_marks


def made(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("x")
    return folder


@pytest.mark.parametrize(
    ("names", "marks"),
    [
        (("config.json", "model.safetensors", "README.md", "merges.txt"), ("config.json", "model.safetensors")),
        (("config.json", "pytorch_model.bin"), ("config.json", "pytorch_model.bin")),
        (("config.json", "tokenizer.json", "README.md"), ("config.json", "tokenizer.json")),
        (("adapter_config.json", "adapter_model.safetensors"), ("adapter_config.json", "adapter_model.safetensors")),
        (("model-q4.gguf", "README.md"), ("model-q4.gguf",)),
        (("checkpoint-10/config.json", "checkpoint-10/model.safetensors", "README.md"), ("checkpoint-10/",)),
    ],
)
def test_models(tmp_path: Path, names: tuple[str, ...], marks: tuple[str, ...]) -> None:
    folder = made(tmp_path, *names)
    assert model_marks(folder) == marks
    assert documents_in(folder) == ""


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (("a.txt", "sub/b.txt.gz"), "a folder of documents (2 .txt)"),
        (("README.md", "data/train-00000-of-00001.parquet"), "a folder of documents (1 .parquet)"),
        (("dataset_dict.json",), "a dataset that the datasets library saved"),
        (("a.txt", "embeddings.safetensors"), "a folder of documents (1 .txt)"),
    ],
)
def test_documents(tmp_path: Path, names: tuple[str, ...], words: str) -> None:
    folder = made(tmp_path, *names)
    assert documents_in(folder) == words
    assert model_marks(folder) == ()


@pytest.mark.parametrize("names", [("README.md", "LICENSE.txt"), ("tokenizer.json", "merges.txt"), ("x.json",), ()])
def test_neither(tmp_path: Path, names: tuple[str, ...]) -> None:
    folder = made(tmp_path, *names)
    assert (documents_in(folder), model_marks(folder)) == ("", ())


def test_files(tmp_path: Path) -> None:
    made(tmp_path, "a.jsonl.gz", "b.gguf", "c.json")
    assert documents_in(tmp_path / "a.jsonl.gz") == "a .jsonl file"
    assert model_marks(tmp_path / "b.gguf") == ("b.gguf",)
    assert (documents_in(tmp_path / "c.json"), model_marks(tmp_path / "c.json")) == ("", ())
    assert (documents_in(tmp_path / "none"), model_marks(tmp_path / "none")) == ("", ())
