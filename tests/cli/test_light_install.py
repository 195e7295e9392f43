"""Without the libraries that open models, what only reads works, and the rest says in one line what to install."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.results import build

from auditor.results.io import with_content_digest

ROOT = Path(__file__).parents[2]
SAMPLES = ["samples/suspect", "samples/heldout"]
INSTALL = "pip install 'llm-auditor[models]'"

PROGRAM = """
import contextlib, io, json, sys

BLOCKED = {"torch", "transformers", "datasets", "peft", "accelerate", "gguf", "tokenizers", "safetensors", "psutil"}


class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in BLOCKED | {"huggingface_hub", "pyarrow"}:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


sys.meta_path.insert(0, Blocked())
import auditor.power.evidence
from auditor.cli.main import run

auditor.power.evidence.AUDITS = 3
answers = []
for arguments in json.loads(sys.argv[1]):
    out, err = io.TextIOWrapper(io.BytesIO(), "utf-8"), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(arguments)
    out.seek(0)
    answers.append([code, out.read(), err.getvalue()])
print(json.dumps(answers))
"""


def light(commands: list[list[str]]) -> list[tuple[int, str, str]]:
    """Exit code, stdout and stderr of commands where nothing of the extra `models` can be imported."""
    program = [sys.executable, "-c", PROGRAM, json.dumps(commands)]
    done = subprocess.run(program, capture_output=True, text=True, check=True, cwd=ROOT, timeout=300)
    return [(code, out, err) for code, out, err in json.loads(done.stdout)]


def test_what_only_reads_works(tmp_path: Path) -> None:
    result = str(tmp_path / "result.json")
    Path(result).write_text(with_content_digest(build()).model_dump_json(), encoding="utf-8")
    commands = [
        ["--help"],
        ["check", "--help"],
        ["report", result],
        ["report", result, "-o", str(tmp_path / "report.html")],
        ["bundle", result, "-o", str(tmp_path / "audit.zip"), "-q"],
        ["power", "--effect", "0.9"],
        ["schema"],
        ["schema", "audits"],
        ["validate", "samples/AUDITS.yaml"],
        *(["list", kind] for kind in ("features", "guards", "readers", "backends", "procedures", "environment")),
    ]
    for arguments, (code, _, err) in zip(commands, light(commands), strict=True):
        assert code == 0, (arguments, err)
        assert "Traceback" not in err
        assert INSTALL not in err


def test_a_result_is_verified(tmp_path: Path) -> None:
    result = tmp_path / "result.json"
    result.write_text(with_content_digest(build()).model_dump_json(), encoding="utf-8")
    ((code, out, err),) = light([["verify", str(result)]])
    # The figures of this result are made up, which only a recomputation can show.
    assert code == 1, err
    assert "schema" in out
    assert not err


@pytest.fixture(scope="module")
def opening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, tuple[int, str, str]]]:
    """What each command that opens a model says, all in one process."""
    folder = tmp_path_factory.mktemp("opening")
    commands = {
        "check": [*SAMPLES, "--limit", "40", "--model", "samples/model", "-o", str(folder / "check.json")],
        "forget": [*SAMPLES, "--limit", "40", "--checkpoint", "a=samples/model", "--checkpoint", "b=samples/model"],
        "batch": ["samples/AUDITS.yaml", "-o", str(folder / "batch")],
        "doctor": ["--model", "samples/model"],
    }
    ending = ["-q", "--cache-dir", str(folder / "cache")]
    answers = light([[kind, *arguments, *ending] for kind, arguments in commands.items()])
    yield dict(zip(commands, answers, strict=True))
    assert not (folder / "check.json").exists()


@pytest.mark.parametrize("kind", ["check", "forget", "batch", "doctor"])
def test_what_opens_a_model_says_what_to_install(kind: str, opening: dict[str, tuple[int, str, str]]) -> None:
    code, out, err = opening[kind]
    assert (code, out, err) == (2, "", f"auditor: auditor {kind} needs the model libraries: {INSTALL}\n")
