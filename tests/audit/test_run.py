"""An audit without a series loads nothing of the room that measures one, and a repeated audit no library of models."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from support import children
from support.texts import WORDS

CODE = """
import sys
from pathlib import Path
from support.children import check_apart
check_apart(*map(Path, sys.argv[1:]))
"""


def run_forked(folder: Path, model: Path) -> tuple[str, set[str]]:
    """The figures of an audit and what it imports, in a process that has PyTorch and transformers already."""
    child = children.start(children.check_apart, folder, model)
    child.join()
    assert child.exitcode == 0
    return written(folder)


def run_anew(folder: Path, model: Path) -> tuple[str, set[str]]:
    """The same in a process that has imported nothing."""
    tests = Path(children.__file__).parents[1]
    subprocess.run([sys.executable, "-c", CODE, str(folder), str(model)], cwd=tests, check=True)
    return written(folder)


def written(folder: Path) -> tuple[str, set[str]]:
    figures, modules = (folder / "figures").read_text(encoding="utf-8").splitlines()
    (folder / "figures").unlink()
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
    figures, modules = run_forked(sides, tiny_model_dir)
    assert not {name for name in modules if name.startswith("auditor.forgetting")}
    again, warm = run_anew(sides, tiny_model_dir)
    assert again == figures
    assert not warm & {"torch", "transformers", "sklearn", "pandas"}
    # What is remembered of a text is no answer for another.
    edited = (sides / "suspect.jsonl").read_text(encoding="utf-8").replace(" suspect", " Suspect!", 1)
    (sides / "suspect.jsonl").write_text(edited, encoding="utf-8")
    changed, _ = run_forked(sides, tiny_model_dir)
    shutil.rmtree(sides / "store")
    anew, _ = run_forked(sides, tiny_model_dir)
    assert changed == anew != figures
