"""Without the libraries that open models, what only reads works, and the rest says in one line what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from support.results import build

ROOT = Path(__file__).parents[2]
SAMPLES = ["samples/suspect", "samples/heldout"]

PROGRAM = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {names}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)
sys.meta_path.insert(0, Blocked())
import auditor.power.evidence
auditor.power.evidence.AUDITS = 3
from auditor.cli.main import run
sys.exit(run(sys.argv[1:]))
"""
NAMES = ("torch", "transformers", "datasets", "peft", "accelerate", "gguf", "tokenizers", "safetensors", "psutil")


def light(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command where nothing of the extra `models` can be imported."""
    program = PROGRAM.format(names=(*NAMES, "huggingface_hub", "pyarrow"))
    command = [sys.executable, "-c", program, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT, timeout=300)


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("light") / "result.json"
    path.write_text(build().model_dump_json(), encoding="utf-8")
    return path


def test_what_only_reads_works(result: Path) -> None:
    for arguments in (
        ("--help",),
        ("check", "--help"),
        ("report", result),
        ("report", result, "-o", result.with_suffix(".html")),
        ("bundle", result, "-o", result.with_suffix(".zip")),
        ("power", "--effect", "0.9"),
        ("schema",),
        ("schema", "audits"),
        ("validate", "samples/AUDITS.yaml"),
        *(("list", kind) for kind in ("features", "guards", "readers", "backends", "procedures", "environment")),
    ):
        done = light(*arguments)
        assert (done.returncode, done.stderr.replace("wrote", "")[:5]) in ((0, ""), (0, " /tmp")), (arguments, done)


def test_a_result_is_verified(result: Path) -> None:
    done = light("verify", result)
    # The figures of this result are made up, which only a recomputation can show.
    assert done.returncode == 1
    assert "schema" in done.stdout
    assert not done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["check", *SAMPLES, "--model", "samples/model"],
        ["forget", *SAMPLES, "--checkpoint", "a=samples/model", "--checkpoint", "b=samples/model"],
        ["batch", "samples/AUDITS.yaml"],
        ["doctor", "--model", "samples/model"],
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_opens_a_model_says_what_to_install(arguments: list[str], tmp_path: Path) -> None:
    more = [] if arguments[0] == "doctor" else ["-o", str(tmp_path / ("out" if arguments[0] == "batch" else "r.json"))]
    done = light(*arguments, *more, "-q", "--cache-dir", str(tmp_path / "cache"))
    assert done.returncode == 2
    wanted = f"auditor: auditor {arguments[0]} needs the model libraries: pip install 'llm-auditor[models]'\n"
    assert done.stderr == wanted
    assert not list(tmp_path.glob("*.json"))


def test_the_result_is_one(result: Path) -> None:
    assert json.loads(result.read_text(encoding="utf-8"))["kind"] == "check"
