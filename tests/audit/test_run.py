"""What an audit imports: no more than it needs, and once its scores are stored no library that takes seconds."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support.texts import WORDS

CODE = """
import sys
import auditor
from auditor.results.policy import Policy
folder, model, store = sys.argv[1:]
result = auditor.check(
    f"{folder}/suspect.jsonl", f"{folder}/heldout.jsonl", model=model, features="loss", permutations=99,
    policy=Policy(alpha=0.02, blind_alpha=0.02, clusters_alpha=0.02, controls_alpha=0.02),
    cache_dir=store,
    device="cpu",
)
assert result.forgetting is None
print(result.model_dump_json(exclude={"manifest", "content_sha256"}))
print(" ".join(sys.modules))
"""


def run(folder: Path, model: Path) -> tuple[str, set[str]]:
    """The figures of an audit, and what it imports, in a process of its own."""
    arguments = [sys.executable, "-c", CODE, str(folder), str(model), str(folder / "store")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    figures, modules = done.stdout.splitlines()
    return figures, set(modules.split())


@pytest.fixture(scope="module")
def sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("audit")
    rng = np.random.default_rng(0)
    for side in ("suspect", "heldout"):
        lines = [f'{{"text": "{" ".join(rng.choice(WORDS, 12))} {side}"}}\n' for _ in range(6)]
        (folder / f"{side}.jsonl").write_text("".join(lines), encoding="utf-8")
    return folder


def test_an_audit_of_stored_scores_imports_no_library_of_models(sides: Path, tiny_model_dir: Path) -> None:
    figures, modules = run(sides, tiny_model_dir)
    assert not {name for name in modules if name.startswith("auditor.forgetting")}
    again, warm = run(sides, tiny_model_dir)
    assert again == figures
    assert not warm & {"torch", "transformers", "sklearn", "pandas"}
    # What is remembered of a text is no answer for another.
    edited = (sides / "suspect.jsonl").read_text(encoding="utf-8").replace(" suspect", " Suspect!", 1)
    (sides / "suspect.jsonl").write_text(edited, encoding="utf-8")
    changed, _ = run(sides, tiny_model_dir)
    shutil.rmtree(sides / "store")
    anew, _ = run(sides, tiny_model_dir)
    assert changed == anew != figures
