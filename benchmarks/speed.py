"""Tokens per second of scoring, beside the bare forward pass and the per-document loop of published tools.

    python benchmarks/speed.py MODEL TEXTS [--documents 32] [--repeats 3] [--threads N]

TEXTS is a .txt (one document per line), .jsonl (field "text") or .csv (column "text") file. Each way is timed on the
same texts, in turn, several times; the best of each is reported, with the ratios of the medians, so that other load on
the machine touches all alike. The loop runs in a process of its own with torch's default settings.
"""

from __future__ import annotations

import argparse
import csv
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

BUDGETS = (256, 512, 1024, 2048, 4096)


def describe_texts(path: Path, count: int) -> list[str]:
    """The first documents of a file that hold at least 200 characters."""
    with path.open(encoding="utf-8", newline="") as stream:
        if path.suffix == ".jsonl":
            rows = (json.loads(line)["text"] for line in stream)
        elif path.suffix == ".csv":
            rows = (row["text"] for row in csv.DictReader(stream))
        else:
            rows = (line.rstrip("\n") for line in stream)
        return [text for text, _ in zip((text for text in rows if len(text) >= 200), range(count), strict=False)]


def peak_gib() -> float:
    """Peak resident memory of this process."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def timed(work: Callable[[], int], device: str) -> float:
    """Tokens per second of some work that returns how many tokens it read."""
    import torch

    start = time.perf_counter()
    tokens = work()
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return tokens / (time.perf_counter() - start)


def loop(model: Any, tokenizer: Any, texts: Sequence[str], context: int) -> int:
    """One document at a time, full float32 log-softmax, Min-K%++ moments: what published tools do."""
    import torch

    tokens = 0
    for text in texts:
        ids = tokenizer(text, return_tensors="pt", truncation=True, max_length=context).input_ids.to(model.device)
        with torch.no_grad():
            logits = model(ids, labels=ids).logits
        logp = torch.log_softmax(logits[0, :-1].float(), dim=-1)
        p = torch.softmax(logits[0, :-1].float(), dim=-1)
        own = logp.gather(1, ids[0, 1:, None]).squeeze(1)
        mean = (p * logp).sum(-1)
        std = (p * logp.square()).sum(-1) - mean.square()
        ((own - mean) / std.clamp_min(1e-6).sqrt()).sort().values.tolist()
        tokens += ids.shape[1]
    return tokens


def run_loop(options: argparse.Namespace) -> None:
    """The loop alone, in a fresh process; prints its figures as JSON."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    if options.threads:
        torch.set_num_threads(options.threads)
    dtype = torch.float32 if options.device == "cpu" else "auto"
    model = AutoModelForCausalLM.from_pretrained(options.model, dtype=dtype).to(options.device).eval()
    tokenizer = AutoTokenizer.from_pretrained(options.model)
    texts = describe_texts(options.texts, options.documents)
    loop(model, tokenizer, texts[:1], options.max_context)
    rate = timed(lambda: loop(model, tokenizer, texts, options.max_context), options.device)
    print(json.dumps({"rate": rate, "peak": peak_gib()}))


def run_scoring(options: argparse.Namespace) -> None:
    """What a user gets: requests through planning, scoring and an empty store; prints its figures as JSON."""
    import torch

    from auditor.models.backend import LoadOptions
    from auditor.models.loading import open_model
    from auditor.scoring.plan import Request
    from auditor.scoring.score import score_requests
    from auditor.scoring.store import Store
    from auditor.signals.views import Prompt

    if options.threads:
        torch.set_num_threads(options.threads)
    spec = open_model(options.model, LoadOptions(options.device, max_context=options.max_context))
    texts = describe_texts(options.texts, options.documents)
    rates: list[float] = []

    class Clock:
        """Times from the moment the model is loaded and the texts are encoded until the last record is stored."""

        def start(self, total_tokens: int, label: str) -> None:
            self.tokens, self.began = total_tokens, time.perf_counter()

        def advance(self, tokens: int) -> None:
            """Each batch."""

        def stop(self) -> None:
            rates.append(self.tokens / (time.perf_counter() - self.began))

    for some in (texts[:1], texts):
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder)) as store:
            score_requests([Request(spec, Prompt(text)) for text in some], store=store, progress=Clock())
    print(json.dumps({"rate": rates[-1], "peak": peak_gib()}))


def run_raw(options: argparse.Namespace) -> None:
    """The bare forward pass, body and head, at the batch size that suits it best, under the settings of scoring."""
    import torch

    from auditor.models.backend import LoadOptions
    from auditor.models.loading import open_model
    from auditor.models.runtime.precision import fast_settings
    from auditor.scoring.plan import passes
    from auditor.signals.views import Prompt

    if options.threads:
        torch.set_num_threads(options.threads)
    backend: Any = open_model(options.model, LoadOptions(options.device, max_context=options.max_context)).load()
    texts = describe_texts(options.texts, options.documents)
    windows = sorted((w for text in texts for w in backend.encode(Prompt(text)).windows), key=len, reverse=True)
    budgets = BUDGETS if options.device == "cpu" else (*BUDGETS[2:], 8192, 16384)
    model = backend.model

    def forward(budget: int) -> int:
        tokens = 0
        with torch.inference_mode(), fast_settings(model.device):
            for some in passes(windows, budget):
                longest = max(map(len, some))
                ids = torch.zeros(len(some), longest, dtype=torch.long)
                for row, window in zip(ids, some, strict=True):
                    row[: len(window)] = torch.from_numpy(window.token_ids)
                model(input_ids=ids.to(model.device), use_cache=False)
                tokens += sum(map(len, some))
        return tokens

    forward(budgets[0])
    rates = {budget: timed(lambda budget=budget: forward(budget), options.device) for budget in budgets}  # type: ignore[misc]
    best = max(rates, key=lambda budget: rates[budget])
    print(json.dumps({"rate": rates[best], "peak": peak_gib(), "budget": best}))


WAYS = {
    "per-document loop, default settings": run_loop,
    "bare forward pass, best batch": run_raw,
    "auditor": run_scoring,
}


def main() -> None:
    """Time all ways in turn, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("texts", type=Path)
    parser.add_argument("--documents", type=int, default=32)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 leaves the default")
    parser.add_argument("--max-context", type=int, default=2048)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--way", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    ways = list(WAYS)
    if options.way is not None:
        WAYS[ways[options.way]](options)
        return
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ways}
    for _ in range(options.repeats):
        for number, name in enumerate(ways):
            command = [sys.executable, __file__, *sys.argv[1:], "--way", str(number)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            found[name].append(json.loads(done.stdout.splitlines()[-1]))
    ours = statistics.median(run["rate"] for run in found["auditor"])
    print(f"{options.documents} documents, {options.repeats} repeats, {options.device}")
    print(f"{'':38}{'best':>10}{'median':>10}  {'auditor is':>12}{'peak GiB':>10}")
    for name, runs in found.items():
        rates = [run["rate"] for run in runs]
        middle = statistics.median(rates)
        peak = max(run["peak"] for run in runs)
        print(f"{name:38}{max(rates):10.0f}{middle:10.0f}  {ours / middle:11.2f}x{peak:10.2f}")
    print(f"batch of the bare forward pass: {[int(run['budget']) for run in found['bare forward pass, best batch']]}")


if __name__ == "__main__":
    main()
