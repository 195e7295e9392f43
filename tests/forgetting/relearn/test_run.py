"""The interventions from end to end on a tiny model: what comes back, what stays, what is left behind."""

from __future__ import annotations

import dataclasses
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from support.backend import CPU
from support.texts import OLD_TOWN

from auditor.core.errors import RunError
from auditor.core.progress import Silent
from auditor.corpora.document import Corpus, Document, corpus_sha256
from auditor.features.loss import bits_per_byte
from auditor.forgetting.reduce import reduce_series
from auditor.forgetting.relearn.budget import Budget
from auditor.forgetting.relearn.conclude import adjust, conclude_relearning
from auditor.forgetting.relearn.probes.reminder import third_party
from auditor.forgetting.relearn.run import all_interventions, relearn
from auditor.forgetting.relearn.runner import InterventionRunner
from auditor.forgetting.series import CorpusScores, NamedCheckpoint, Series
from auditor.models.backend import Backend, LoadOptions, ModelSpec
from auditor.models.changes import Training, UntrainableError
from auditor.models.loading import open_model
from auditor.results.forgetting.measurements import Role
from auditor.results.forgetting.relearning import Relearning
from auditor.results.models import ModelIdentity
from auditor.results.rows import Numerics
from auditor.scoring.plan import Request
from auditor.scoring.score import score_requests
from auditor.scoring.store import Store
from auditor.signals.views import Prompt

SMALL = Budget(half_steps=(2, 4), reminder_steps=(2, 3), batch=4, full_rate=3e-3, lora_rate=3e-3, lora_rank=2)


def corpus(role: str, count: int, seed: int, group: int = 1) -> Corpus:
    rng = np.random.default_rng([seed, count])
    documents = tuple(
        Document(f"{role}-{i}", " ".join(rng.choice(OLD_TOWN, 12)), f"{role}-{i // group}") for i in range(count)
    )
    return Corpus(role, documents, 0, 0, corpus_sha256(documents))


def series_of(
    spec: ModelSpec, store: Store, corpora: dict[Role, Corpus], origin: ModelSpec | None = None
) -> tuple[NamedCheckpoint, Series]:
    """A series of a checkpoint, behind its origin where one is given, scored."""
    named = NamedCheckpoint("later", spec)
    checkpoints = (named,) if origin is None else (NamedCheckpoint("origin", origin), named)
    readings = {
        (one.name, role): CorpusScores(
            score_requests([Request(one.spec, Prompt(d.text)) for d in some.documents], store=store).signals, ()
        )
        for one in checkpoints
        for role, some in corpora.items()
    }
    numerics = {one.name: Numerics(0, 0.0, 0.0, 0, 0) for one in checkpoints}
    return named, Series(checkpoints, corpora, readings, numerics)


def plain_corpora(**more: int) -> dict[Role, Corpus]:
    """Twelve documents a side, and as many as asked for of other roles."""
    made: dict[Role, Corpus] = {"suspect": corpus("s", 12, 1), "heldout": corpus("h", 12, 2)}
    if "general" in more:
        made["general"] = corpus("g", more["general"], 4)
    if "placebo" in more:
        made["placebo"] = corpus("p", more["placebo"], 3)
    return made


def run(named: NamedCheckpoint, series: Series, store: Store, **changes: Any) -> Relearning:
    permutations, seed = changes.pop("permutations", 199), changes.pop("seed", 0)
    found = relearn(named, series, seed=seed, store=store, **({"budget": SMALL} | changes))
    kept = reduce_series(series).relearned({named.name: found})
    return conclude_relearning(kept, seed=seed, permutations=permutations, alpha=0.01, bootstraps=100)[named.name]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path / "store") as opened:
        yield opened


class Precomputed:
    """A progress that remembers."""

    def __init__(self) -> None:
        self.labels: list[str] = []
        self.totals: list[int] = []
        self.done = 0
        self.open = 0

    def start(self, total_tokens: int, label: str) -> None:
        assert not self.open
        self.open, self.done = 1, 0
        self.totals.append(total_tokens)
        self.labels.append(label)

    def advance(self, tokens: int) -> None:
        self.done += tokens

    def stop(self) -> None:
        assert self.done == self.totals[-1]
        self.open = 0


def counted(spec: ModelSpec, loads: list[str]) -> ModelSpec:
    def load(identity: ModelIdentity, options: LoadOptions) -> Backend:
        loads.append(identity.key)
        return spec.loader.load(identity, options)

    return dataclasses.replace(spec, loader=dataclasses.replace(spec.loader, load=load))


@pytest.fixture(scope="module")
def suppressed(make_tiny_model: Callable[..., Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A tiny model, and what it is after it learned 32 texts by heart and climbed away until others score as well."""
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = make_tiny_model(tmp_path_factory.mktemp("before"), hidden_size=64, intermediate_size=96)
    model, tokenizer = AutoModelForCausalLM.from_pretrained(folder), AutoTokenizer.from_pretrained(folder)

    def loss(some: Corpus) -> Any:
        rows = [tokenizer(document.text)["input_ids"][:32] for document in some.documents]
        labels = torch.tensor([[*row, *[-100] * (32 - len(row))] for row in rows])
        return model(input_ids=labels.clamp(min=0), labels=labels).loss

    ours, theirs, others = corpus("s", 32, 1), corpus("h", 32, 2), corpus("o", 40, 9)

    def train(rate: float, steps: int, sign: float, until: Callable[[], bool]) -> None:
        optimizer = torch.optim.AdamW(model.parameters(), lr=rate, weight_decay=0.0)
        for step in range(steps):
            if step % 5 == 0 and until():
                return
            (loss(others) + sign * loss(ours)).backward()
            optimizer.step()
            optimizer.zero_grad()

    @torch.no_grad()
    def level() -> bool:
        return bool(loss(ours) >= loss(theirs))

    train(5e-3, 40, 1.0, lambda: False)
    train(5e-4, 100, -1.0, level)
    to = tmp_path_factory.mktemp("suppressed")
    model.save_pretrained(to)
    tokenizer.save_pretrained(to)
    return folder, to


def test_what_was_pushed_aside_comes_back(suppressed: tuple[Path, Path], store: Store) -> None:
    origin, later = (open_model(str(folder), CPU) for folder in suppressed)
    corpora: dict[Role, Corpus] = {
        "suspect": corpus("s", 32, 1),
        "heldout": corpus("h", 32, 2),
        "placebo": corpus("p", 32, 3),
        "general": corpus("g", 24, 4),
    }
    named, series = series_of(later, store, corpora, origin)
    budget = Budget(half_steps=(10, 20, 30), reminder_steps=(5, 10, 20), full_rate=1e-3)
    told = Precomputed()
    found = adjust({"later": run(named, series, store, budget=budget, permutations=999, progress=told)}, 0.05)["later"]
    half, reminder, quantise = found.probes
    assert [probe.name for probe in found.probes] == ["relearn-half", "reminder", "quantise"]
    assert half.points[0].gap.value < half.points[1].gap.value < half.points[2].gap.value
    assert half.recovered
    assert half.points[-1].auc.low > 0.5 > half.points[0].auc.low
    assert [point.gap.value for point in reminder.points] == sorted(point.gap.value for point in reminder.points)
    assert all(probe.placebo_p_value is not None and probe.placebo_p_value > 0.05 for probe in found.probes)
    assert [point.steps for point in reminder.points] == [0, 5, 10, 20]
    assert [point.steps for point in quantise.points] == [0, 1]
    assert not found.not_run
    assert told.labels[:2] == ["later after 10 training steps, training", "later after 10 training steps"]


def test_where_nothing_was_shown_nothing_comes_back(tiny_model_dir: Path, store: Store) -> None:
    spec = open_model(str(tiny_model_dir), CPU)
    named, series = series_of(spec, store, plain_corpora(general=8, placebo=12))
    for method in ("full", "lora"):
        found = run(named, series, store, budget=SMALL.model_copy(update={"method": method}))
        assert [probe.name for probe in found.probes] == ["relearn-half", "reminder", "quantise"]
        assert not any(probe.recovered for probe in adjust({"later": found}, 0.01)["later"].probes)
        half = found.probes[0]
        assert (half.placebo_p_value is None) == (half.points[1].placebo_gap is None) == (method == "lora")
        assert ("no placebo" in half.method) == (method == "lora")


def test_step_zero_is_the_checkpoint_as_it_is(tiny_model_dir: Path, store: Store) -> None:
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora(general=8))
    found = {probe.name: probe for probe in run(named, series, store).probes}
    means = {
        role: np.mean([bits_per_byte.compute(signals) for signals in series.readings["later", role].signals])
        for role in ("suspect", "heldout")
    }
    for name in ("reminder", "quantise"):
        assert found[name].points[0].suspect.value == pytest.approx(means["suspect"])
        assert found[name].points[0].gap.value == pytest.approx(means["heldout"] - means["suspect"])
    # The workbench, asked for no step at all, gives the scores of the series: it trains the checkpoint, not its base.
    texts = tuple(document.text for document in series.corpora["suspect"].documents)
    with closing(InterventionRunner(named, store=store, progress=Silent(), max_tokens=None)) as bench:
        losses = bench.losses_along(
            Training(texts, "full", 1e-3, 4, 64, 0, 1.0, 0, None), [0], corpus("s", 12, 1).documents
        )
    assert losses[0].mean() == pytest.approx(means["suspect"], rel=1e-5)


def test_the_gap_is_between_the_twins(tiny_model_dir: Path, store: Store) -> None:
    """Rebuilt from single scorings: each half left over, under the copy trained on the other half of its own set."""
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora())
    trainings: list[Training] = []
    scored: list[Any] = []

    class Watched(InterventionRunner):
        def losses_along(self, training: Training, steps: Any, documents: Any) -> Any:
            trainings.append(training)
            scored.append((documents, super().losses_along(training, steps, documents)))
            return scored[-1][1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("auditor.forgetting.relearn.run.InterventionRunner", Watched)
        half = run(named, series, store).probes[0]
    ours, theirs = ({document.text for document in series.corpora[role].documents} for role in ("suspect", "heldout"))
    assert set(trainings[0].texts) < ours
    assert set(trainings[1].texts) < theirs
    assert len(trainings[0].texts) == len(trainings[1].texts) == 6
    assert dataclasses.replace(trainings[0], texts=()) == dataclasses.replace(trainings[1], texts=())
    (documents, under_ours), (again, under_theirs) = scored
    assert documents == again
    assert not {document.text for document in documents} & {*trainings[0].texts, *trainings[1].texts}
    of_ours = np.array([document.text in ours for document in documents])
    gap = under_theirs[0, ~of_ours].mean(axis=0) - under_ours[0, of_ours].mean(axis=0)
    assert [point.gap.value for point in half.points[1:]] == pytest.approx(gap.tolist())


def test_groups_are_trained_on_whole(tiny_model_dir: Path, store: Store) -> None:
    corpora: dict[Role, Corpus] = {
        "suspect": corpus("s", 24, 1, group=3),
        "heldout": corpus("h", 24, 2, group=3),
    }
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, corpora)
    half = run(named, series, store).probes[0]
    assert "trained on 4 of 8 groups of the suspect set and 4 of 8 groups of the heldout set" in half.method


def test_a_score_does_not_depend_on_the_side_it_is_on(tiny_model_dir: Path, store: Store, tmp_path: Path) -> None:
    """The same documents beside each other in another order, and in another store, under the same training."""
    named = NamedCheckpoint("later", open_model(str(tiny_model_dir), CPU))
    training = Training(("the quick brown fox", "seven wizards"), "full", 1e-2, 2, 32, 0, 1.0, 0, None)
    documents = [*corpus("s", 6, 1).documents, *corpus("h", 6, 2).documents]
    with closing(InterventionRunner(named, store=store, progress=Silent(), max_tokens=None)) as bench:
        first = bench.losses_along(training, [1, 3], documents)
    with (
        Store.open(tmp_path / "other") as other,
        closing(InterventionRunner(named, store=other, progress=Silent(), max_tokens=None)) as bench,
    ):
        second = bench.losses_along(training, [1, 3], documents[::-1])
    assert np.array_equal(first, second[:, ::-1])


def test_nothing_is_scored_or_loaded_twice(tiny_model_dir: Path, store: Store) -> None:
    loads: list[str] = []
    spec = counted(open_model(str(tiny_model_dir), CPU), loads)
    named, series = series_of(spec, store, plain_corpora(general=8))
    loads.clear()
    first = run(named, series, store)
    assert loads == [spec.identity.key]
    told = Precomputed()
    again = run(named, series, store, progress=told)
    assert again == first
    assert loads == [spec.identity.key]
    assert not told.labels
    # Another seed is another training, another budget too; rounding has no seed.
    other = run(named, series, store, seed=1, progress=told)
    assert [label for label in told.labels if "rounding" in label] == []
    assert other.probes[1].points[1].gap != first.probes[1].points[1].gap
    assert len(loads) == 2


def test_figures_depend_on_the_seed_and_nothing_else(tiny_model_dir: Path, store: Store, tmp_path: Path) -> None:
    spec = open_model(str(tiny_model_dir), CPU)
    named, series = series_of(spec, store, plain_corpora(general=8))
    found = []
    for index in range(2):
        torch.manual_seed(index)
        state = torch.get_rng_state()
        with Store.open(tmp_path / str(index)) as other:
            found.append(run(named, series, other, budget=SMALL.model_copy(update={"method": "lora"})))
        assert torch.equal(torch.get_rng_state(), state)
    assert found[0] == found[1]


CHILD = """
import sys, time
sys.path[:0] = [{tests!r}, {root!r}, {root!r} + "/tests", {root!r} + "/benchmarks"]
from test_run import CPU, SMALL, Store, corpus, open_model, plain_corpora, run, series_of, Silent

class Slow(Silent):
    trainings = 0
    def start(self, total_tokens, label):
        self.trainings += label.endswith("training")
    def advance(self, tokens):
        if self.trainings == 4:
            print("now", flush=True)
            time.sleep(60)

with Store.open(sys.argv[2]) as store:
    named, series = series_of(open_model(sys.argv[1], CPU), store, plain_corpora(general=8))
    run(named, series, store, progress=Slow())
"""


def files_in(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*")}


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_leaves_no_weights_and_goes_on_to_the_same_figures(
    tiny_model_dir: Path, store: Store, tmp_path: Path
) -> None:
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora(general=8))
    truth = run(named, series, store)

    home, cut = tmp_path / "home", tmp_path / "cut"
    home.mkdir()
    before = files_in(tiny_model_dir)
    places = {name: str(home) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME")}
    code = CHILD.format(tests=str(Path(__file__).parent), root=str(Path(__file__).parents[3]))
    child = subprocess.Popen(
        [sys.executable, "-B", "-c", code, str(tiny_model_dir), str(cut)],
        cwd=home,
        env={**os.environ, **places},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdout is not None
    assert child.stdout.readline() == "now\n"
    during = files_in(home)
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert during == files_in(home) == set()
    assert files_in(tiny_model_dir) == before
    assert all(path.name.startswith("scores-") for path in files_in(cut))
    assert sum(path.stat().st_size for path in cut.iterdir()) < 2**20

    told = Precomputed()
    with Store.open(cut) as again:
        assert run(named, series, again, progress=told) == truth
    # Killed in the second stretch of the second twin: its first step is stored and its training runs anew to the last.
    assert told.labels[0] == "later after 4 training steps, training"
    assert sum(label == "later after 2 training steps" for label in told.labels) == 1


def test_no_file_is_opened_to_be_written(tiny_model_dir: Path, store: Store, tmp_path: Path) -> None:
    """Everything Python opens during a run, by any library, but the locks beside the store, which stay empty.

    The probe for locks is a file without a name, of which only the folder is seen here. SQLite, which opens its own
    file, is not among it.
    """
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora(general=8))
    run(named, series, store)
    written: list[str] = []
    watching = [True]

    def watch(event: str, arguments: tuple[Any, ...]) -> None:
        if watching and event == "open":
            path, _, flags = arguments
            if isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
                written.append(str(path))

    sys.addaudithook(watch)
    folders = [tmp_path, tiny_model_dir, Path.cwd()]
    try:
        for method in ("full", "lora"):
            with Store.open(tmp_path / method) as other:
                run(named, series, other, budget=SMALL.model_copy(update={"method": method}))
        (tmp_path / "seen").write_text("")
    finally:
        watching.clear()
    locks = [Path(path) for path in written if Path(path).match("scores-*.lock")]
    assert not any(lock.exists() and lock.stat().st_size for lock in locks)
    named_files = [path for path in written if Path(path) not in locks and not Path(path).is_dir()]
    assert named_files == [str(tmp_path / "seen")]
    kinds = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
    assert not [path for folder in folders[:1] for path in folder.rglob("*") if path.suffix in kinds]


def test_too_little_memory_is_told_with_what_to_do(
    tiny_model_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora())

    def fail(*_: Any, **__: Any) -> None:
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(torch.autograd, "backward", fail)
    with pytest.raises(RunError, match="not enough memory to train later") as caught:
        run(named, series, store)
    assert caught.value.hint


def test_what_cannot_be_done_is_left_out_with_its_reason(
    tiny_model_dir: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = open_model(str(tiny_model_dir), CPU)
    named, series = series_of(spec, store, plain_corpora() | {"suspect": corpus("s", 3, 1)})
    found = run(named, series, store)
    assert [probe.name for probe in found.probes] == ["quantise"]
    assert found.not_run == (
        "relearn-half did not run: a set has 3 groups, and it needs 4",
        "reminder did not run: it trains on general text, and none was given",
    )
    named, series = series_of(spec, store, plain_corpora(general=8))
    diverged = run(named, series, store, budget=SMALL.model_copy(update={"full_rate": 1e30}))
    assert [probe.name for probe in diverged.probes] == ["quantise"]
    assert [text.split(":")[0] for text in diverged.not_run] == ["relearn-half did not run", "reminder did not run"]

    def refuse(*_: Any) -> None:
        raise UntrainableError("its weights are quantised")

    monkeypatch.setattr("auditor.models.runtime.relearning.TrainableCopy.__init__", refuse)
    with Store.open(store.path.parent / "fresh") as fresh:
        none = run(named, series, fresh)
    assert none.probes == ()
    assert none.not_run == ("no intervention ran: its weights are quantised",)


def test_general_text_of_either_set_is_not_trained_on(tiny_model_dir: Path, store: Store) -> None:
    ours, theirs, general = corpus("s", 12, 1), corpus("h", 12, 2), corpus("g", 4, 4)
    by_group = Document("x", "text of an author who is also in the suspect set", ours.documents[0].group)
    namesake = Document(theirs.documents[0].id, "a file of the same name", theirs.documents[0].id)
    some = (*general.documents, dataclasses.replace(theirs.documents[3], id="copy", group="copy"), by_group, namesake)
    assert third_party(some, (*ours.documents, *theirs.documents)) == (
        *(document.text for document in general.documents),
        namesake.text,
    )
    corpora = plain_corpora() | {"general": dataclasses.replace(general, documents=some)}
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, corpora)
    reminder = run(named, series, store).probes[1]
    assert reminder.method.endswith(
        "trained on 5 general documents, without 2 that share a text or a group with another set"
    )
    only = plain_corpora() | {"general": dataclasses.replace(general, documents=theirs.documents[:2])}
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, only)
    assert run(named, series, store).not_run == (
        "reminder did not run: all 2 general documents share a text or a group with another set",
    )


def test_corrected_for_everything_that_was_run(tiny_model_dir: Path, store: Store) -> None:
    named, series = series_of(open_model(str(tiny_model_dir), CPU), store, plain_corpora())
    plain = run(named, series, store)

    def made(*p_values: tuple[float, float | None]) -> Relearning:
        return plain.model_copy(
            update={
                "probes": tuple(
                    plain.probes[0].model_copy(update={"p_value": p, "placebo_p_value": placebo})
                    for p, placebo in p_values
                )
            }
        )

    found = adjust({"a": made((0.001, None), (0.02, None)), "b": made((0.002, 0.01), (0.5, 0.9))}, 0.01)
    assert [probe.p_adjusted for name in "ab" for probe in found[name].probes] == pytest.approx(
        [0.004, 0.04, 0.006, 0.5]
    )
    # The third is small enough, but its placebo came back as well.
    assert [probe.recovered for name in "ab" for probe in found[name].probes] == [True, False, False, False]
    assert adjust({}, 0.01) == {}


def test_the_method_follows_the_size() -> None:
    assert Budget().method_for(19_999_999) == "full"
    assert Budget().method_for(20_000_000) == "lora"
    assert Budget(method="lora").method_for(1) == "lora"
    assert [intervention.name for intervention in all_interventions()] == ["relearn-half", "reminder", "quantise"]


def test_the_pages_need_no_torch() -> None:
    code = "import auditor.forgetting.relearn.run, auditor.models.changes, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[3], check=False).returncode == 0
