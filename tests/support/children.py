"""Processes of their own, for tests that kill one or look at what it imports.

They are forked off a process that has PyTorch and transformers imported, so that each costs what it does and not the
imports, and what is killed is the work. A model's own code and what runs it are imported by the child.
"""

from __future__ import annotations

import multiprocessing
import sys
import time
from collections.abc import Callable, Sequence
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

PRELOADED = [
    "torch",
    "transformers.models.auto.modeling_auto",
    "transformers.models.auto.tokenization_auto",
    "auditor.models.hf",
    "auditor.scoring.score",
]


def start(work: Callable[..., None], *arguments: Any) -> BaseProcess:
    """Run a function of this module in a process of its own."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    child = context.Process(target=work, args=arguments, daemon=True)
    child.start()
    return child


def score_slowly(model: Path, store: Path, texts: Sequence[str], seconds: float, captures: Sequence[Any]) -> None:
    """Score texts with a pause before every batch; text i is asked for capture i modulo their number."""
    from auditor.models.loading import open_model
    from auditor.models.runtime.causal import CausalBackend
    from auditor.scoring.plan import Request
    from auditor.scoring.score import score_requests
    from auditor.scoring.store import Store
    from auditor.signals.views import Prompt
    from support.backend import CPU

    class Slow(CausalBackend):
        def __init__(self, *arguments: Any, **options: Any) -> None:
            super().__init__(*arguments, **options)
            self.token_budget, self.workers = 200, 1

        def score(self, *arguments: Any, **options: Any) -> Any:
            time.sleep(seconds)
            return super().score(*arguments, **options)

    sys.modules[CausalBackend.__module__].CausalBackend = Slow  # type: ignore[attr-defined]
    spec = open_model(str(model), CPU)
    with Store.open(store) as opened:
        requests = [
            Request(spec, Prompt(text), wanted=captures[index % len(captures)]) for index, text in enumerate(texts)
        ]
        score_requests(requests, store=opened)


def identify(model: Path) -> None:
    """Open a model, and end with an error where its weights or its code are read for that."""
    from auditor.models.loading import open_model
    from support.backend import CPU

    assert open_model(str(model), CPU).identity.weights_sha256
    loaded = [name for name in sys.modules if "modeling_llama" in name or name.endswith("runtime.causal")]
    assert not loaded, loaded


def hold_folder(folder: str, ready: Any, go: Any) -> None:
    """Hold the folder of a batch until told to go."""
    from auditor.batch.folder import BatchFolder
    from auditor.batch.plan import BatchPlan

    with BatchFolder(Path(folder), BatchPlan("release", "holm", "audits.yaml", "ab" * 32, ())).held():
        ready.set()
        go.wait(30)


def check_apart(folder: Path, model: Path) -> None:
    """Audit two files of a folder, and write beside them the figures and then what has been imported."""
    import auditor
    from auditor.results.policy import Policy

    result = auditor.check(
        folder / "suspect.jsonl",
        folder / "heldout.jsonl",
        model=model,
        features="loss",
        permutations=99,
        policy=Policy(alpha=0.02, blind_alpha=0.02, clusters_alpha=0.02, controls_alpha=0.02),
        cache_dir=folder / "store",
        device="cpu",
    )
    assert result.forgetting is None
    figures = result.model_dump_json(exclude={"manifest", "content_sha256"})
    (folder / "figures").write_text(f"{figures}\n{' '.join(sys.modules)}\n", encoding="utf-8")
