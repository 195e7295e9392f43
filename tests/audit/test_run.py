"""An audit without a series loads nothing of the room that measures one."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
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
sys.exit(" ".join(name for name in sys.modules if name.startswith("auditor.forgetting")) or 0)
"""


def test_a_check_without_a_series_imports_nothing_of_forgetting(tmp_path: Path, tiny_model_dir: Path) -> None:
    rng = np.random.default_rng(0)
    for side in ("suspect", "heldout"):
        lines = [f'{{"text": "{" ".join(rng.choice(WORDS, 12))} {side}"}}\n' for _ in range(6)]
        (tmp_path / f"{side}.jsonl").write_text("".join(lines), encoding="utf-8")
    arguments = [sys.executable, "-c", CODE, str(tmp_path), str(tiny_model_dir), str(tmp_path / "store")]
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
