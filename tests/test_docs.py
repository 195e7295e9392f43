"""What the documentation says is what the program does."""

from __future__ import annotations

import importlib.util
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import click
import levels
import numpy as np
import pytest
from support.paths import ROOT

import auditor
from auditor.cli.main import cli, run
from auditor.dealt.check import all_conditions
from auditor.membership.guards.guard import all_guards
from auditor.results.forgetting.states import STATES
from auditor.results.policy import Policy
from auditor.verify.check import all_checks
from auditor.verify.dealt.checks import QUESTIONS

DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
FENCE = re.compile(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Each part of second level by its heading."""
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_the_pages_made_from_the_program_are_up_to_date() -> None:
    found = subprocess.run(
        [sys.executable, str(DOCS / "make_reference.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=ROOT,
    )
    assert found.returncode == 0, found.stderr


def test_the_reference_names_every_command_and_option() -> None:
    told = sections(page("reference/cli.md"))
    context = click.Context(cli)
    assert list(told) == [f"auditor {name}" for name in cli.list_commands(context)]
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        for option in (item for item in command.params if isinstance(item, click.Option)):
            assert all(f"`{flag}`" in told[f"auditor {name}"] for flag in (*option.opts, *option.secondary_opts))


def test_every_option_a_page_names_exists() -> None:
    context = click.Context(cli)
    commands = [cli.get_command(context, name) for name in cli.list_commands(context)]
    known = {flag for command in commands if command for item in command.params for flag in item.opts}
    for script in (*(ROOT / "benchmarks").glob("*.py"), DOCS / "make_reference.py"):
        known |= set(re.findall(r"\"(--[a-z-]+)\"", script.read_text(encoding="utf-8")))
    known |= {flag for command in commands if command for item in command.params for flag in item.secondary_opts}
    known.add("--help")
    for path in PAGES:
        named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", path.read_text(encoding="utf-8")))
        assert named <= known, path.name


def test_every_guard_has_its_section() -> None:
    told = sections(page("guards.md"))
    assert list(told) == [guard.name for guard in all_guards()]
    for guard in all_guards():
        parts = dict(re.findall(r"^\*\*([^*]+?)\.?\*\*\s+(.*?)(?=\n\n|\Z)", told[guard.name], re.MULTILINE | re.DOTALL))
        assert list(parts) == ["Asks", "Level", "Figures", "Passing does not mean", "Remedy"]
        assert " ".join(parts["Asks"].replace("*", "").split()) == guard.question
        level = guard.level(Policy())
        words = parts["Level"].split()
        if level:
            assert float(words[0].rstrip(".,")) == level
        else:
            assert words[0].rstrip(",.;") in ("Exact", "After")


def test_the_table_of_states_is_complete() -> None:
    rows = re.findall(r"^\| ([A-Z]) ([a-z -]+) \|", page("forgetting.md"), flags=re.MULTILINE)
    assert sorted(rows) == sorted((kind.code, kind.name) for kind in STATES.values())


def test_every_check_of_verify_is_told() -> None:
    rows = re.findall(r"^\| `([a-z]+)` \|", sections(page("lasting.md"))["What verify asks"], flags=re.MULTILINE)
    assert rows == [check.name for check in all_checks()]


def test_every_question_about_a_test_and_every_check_of_one_is_told() -> None:
    rows = re.findall(
        r"^\| `([a-z]+)` \|", sections(page("lasting.md"))["What verify asks of a test"], flags=re.MULTILINE
    )
    assert rows == list(QUESTIONS)
    rows = re.findall(r"^\| `([a-z-]+)` \|", sections(page("planting.md"))["Testing a model"], flags=re.MULTILINE)
    assert rows == [condition.name for condition in all_conditions()]


def test_the_python_page_names_the_public_names() -> None:
    told = page("reference/python.md")
    for name in set(auditor.__all__) - {"__version__"}:
        assert f"`{name}" in told, name


def statistics() -> dict[str, tuple[str, float, int]]:
    """Promise, measured rate and audits by procedure."""
    rows = re.findall(
        r"^\| \[([^\]]+)\]\(#[a-z-]+\) \|[^|]+\| ([^|]+) \| ([\d.]+) \([\d.]+\) \| (\d+) \|$",
        page("statistics.md"),
        flags=re.MULTILINE,
    )
    return {name: (promise, float(rate), int(audits)) for name, promise, rate, audits in rows}


def test_the_statistics_page_has_what_was_simulated() -> None:
    told = statistics()
    assert list(told) == [row.name for row in levels.ROWS]
    for row in levels.ROWS:
        promise, _, audits = told[row.name]
        assert promise == f"{row.promise} {row.nominal:.2f}"
        assert audits == row.reps


@pytest.mark.simulation
@pytest.mark.parametrize("name", ["uneven", "mcnemar", "holm", "benjamini-hochberg", "equivalence"])
def test_the_simulated_figures_come_out_again(name: str) -> None:
    row = next(row for row in levels.ROWS if row.name == name)
    rate = np.mean([row.happens(np.random.default_rng([seed, 11])) for seed in range(row.reps)])
    assert round(float(rate), 3) == statistics()[name][1]


def test_the_statistics_page_names_every_module_that_states_a_null() -> None:
    told = page("statistics.md")
    for path in (ROOT / "auditor").rglob("*.py"):
        name = path.relative_to(ROOT).as_posix()
        stated = re.search(r"^ +Null:", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        # What a figure of the result means is told there too; the test itself is elsewhere.
        if stated and "findings" not in name and not name.endswith(("_result.py", "detection.py")):
            assert f"`{name}`" in told, name


def commands_of(text: str) -> Iterator[tuple[str, ...]]:
    """The words of each command of the program in a page."""
    for kind, _, block in FENCE.findall(text):
        for line in block.splitlines() if kind == "console" else ():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            if words[:1] == ["auditor"]:
                yield tuple(itertools.takewhile(lambda word: word not in (">", ">>", "|"), words[1:]))


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_every_command_on_a_page_can_be_read(path: Path) -> None:
    context = click.Context(cli)
    for name, *arguments in commands_of(path.read_text(encoding="utf-8")):
        command = cli.get_command(context, name)
        assert command is not None, name
        command.make_context(name, arguments)


def follow(text: str, capsys: pytest.CaptureFixture[str]) -> int:
    """Write the files of a page, run its commands, and hold what they print against what stands there."""
    done, printed, code = 0, "", 0
    for found in FENCE.finditer(text):
        kind, title, block = found.groups()
        if title:
            Path(title).write_text(block, encoding="utf-8")
        elif kind == "console":
            printed = ""
            for words in commands_of(found.group()):
                code = run(list(words))
                printed += capsys.readouterr().out
                done += 1
                assert code in (0, 1, 3), words
            after = " ".join(text[found.end() :].partition("\n## ")[0].split())
            said = re.search(r"exit code(?: of the batch)? is (\d)", after)
            if said:
                assert code == int(said.group(1))
        elif kind == "text":
            flat = " ".join(printed.split())
            for line in block.splitlines():
                assert line in flat
    return done


@pytest.fixture
def _at_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sample_cache: Path) -> None:
    (tmp_path / "samples").symlink_to(ROOT / "samples")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AUDITOR_CACHE_DIR", str(sample_cache))


@pytest.mark.usefixtures("_at_the_root")
def test_the_tutorial_begins_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(sections(page("tutorial.md"))["An audit that finds something"], capsys) == 1


@pytest.mark.slow
@pytest.mark.usefixtures("_at_the_root")
def test_the_tutorial_goes_as_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    assert follow(page("tutorial.md"), capsys) == len(list(commands_of(page("tutorial.md"))))


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], ModuleType]]:
    """Put a file of the page on extending into the folder it names, and import it from there."""
    made = {title: block for _, title, block in FENCE.findall(page("extending.md")) if title}

    def put(title: str) -> ModuleType:
        path = Path(title)
        package = importlib.import_module(".".join(path.parts[:-1]))
        folder = tmp_path / "_".join(path.parts[:-1])
        folder.mkdir()
        (folder / path.name).write_text(made.pop(title), encoding="utf-8")
        monkeypatch.setattr(package, "__path__", [*package.__path__, str(folder)])
        names.append(f"{package.__name__}.{path.stem}")
        return importlib.import_module(names[-1])

    names: list[str] = []
    yield put
    for name in names:
        del sys.modules[name]


def test_the_example_of_a_feature_is_found(add: Callable[[str], ModuleType]) -> None:
    from auditor.features.catalogue import select_features
    from auditor.features.feature import Missing
    from auditor.signals.tokens import TokenSignals

    add("auditor/features/first_half.py")
    (feature,) = select_features("first-half-logprob")
    four, none = np.zeros(4, dtype=np.int32), np.zeros(0, dtype=np.int32)
    floats = np.array([-1, -3, -7, -9], dtype=np.float32)
    assert (
        feature.compute(TokenSignals(four, four, four, four, floats, floats, floats, floats, four, 4, 4, False)) == -2.0
    )
    empty = none.astype(np.float32)
    missing = feature.compute(TokenSignals(none, none, none, none, empty, empty, empty, empty, none, 0, 0, False))
    assert isinstance(missing, Missing)


def test_the_example_of_a_guard_is_found_and_judges(add: Callable[[str], ModuleType]) -> None:
    from types import SimpleNamespace

    add("auditor/membership/guards/balance.py")
    guard = next(guard for guard in all_guards() if guard.name == "balance")
    for sides, status in (((100, 80), "passed"), ((2100, 100), "failed")):
        membership = SimpleNamespace(groups_suspect=sides[0], groups_heldout=sides[1])
        assert guard.run(SimpleNamespace(membership=membership)).status == status  # type: ignore[arg-type]


def test_the_example_of_a_check_of_an_order_judges(add: Callable[[str], ModuleType]) -> None:
    from auditor.dealt.order_checks.check import run_order_checks
    from auditor.dealt.order_checks.table import order_table

    add("auditor/dealt/order_checks/initials.py")
    letters = np.random.default_rng(0).choice(list("abcdefghij"), 81).tolist()
    chained = [
        f"{first} {number * 7919 % 97} {second}" for number, (first, second) in enumerate(itertools.pairwise(letters))
    ]
    found = run_order_checks(order_table(chained, rows_per_block=2), seed=1)
    assert (found[-1].name, found[-1].status) == ("initials", "failed")


def test_the_example_of_a_kind_of_canary_makes_fit_canaries(add: Callable[[str], ModuleType]) -> None:
    from auditor.planting.kind import KindContext, canary_kinds, unfit
    from auditor.provenance.draws import Draws

    add("auditor/planting/kinds/numbers.py")
    made = list(itertools.islice(canary_kinds()["numbers"].make(Draws(b"key"), "canary-1", KindContext(())), 50))
    assert len(set(made)) == 50
    assert not any(map(unfit, made))


def test_the_example_of_a_condition_judges(add: Callable[[str], ModuleType]) -> None:
    from types import SimpleNamespace

    from auditor.dealt.check import all_conditions

    add("auditor/dealt/checks/batches.py")
    batches = all_conditions()[-1]
    for count, status in ((1, "warning"), (3, "passed")):
        case = SimpleNamespace(commitment=SimpleNamespace(batches=range(count)))
        assert batches.check(case).status == status  # type: ignore[arg-type]


def test_the_example_of_a_kind_of_identifier_is_found(add: Callable[[str], ModuleType]) -> None:
    from auditor.dealt.identifiers.survey import survey_identifiers

    add("auditor/dealt/identifiers/kinds/trace.py")
    value = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    (unit,) = survey_identifiers([("log", f"traceparent: {value}")], seed=1, decoys=2).units
    assert unit.kind == "trace identifier"
    assert all(len(decoy) == len(value) and decoy.endswith("-01") for decoy in unit.candidates)


def test_the_example_of_a_format_is_spliced(add: Callable[[str], ModuleType], tmp_path: Path) -> None:
    from auditor.splicing.edit import TextEdit
    from auditor.splicing.source import SourceCorpus

    (tmp_path / "a.rst").write_text("One. Two. Three.")
    add("auditor/splicing/formats/restructured.py")
    corpus = SourceCorpus.open(tmp_path / "a.rst")
    (point,) = corpus.insertion_points(0)
    corpus.publish(tmp_path / "published", changes={0: [TextEdit(point, point, " Put in.")]})
    assert (tmp_path / "published" / "a.rst").read_text() == "One. Two. Put in. Three."


def test_the_example_of_a_reader_reads(add: Callable[[str], ModuleType], tmp_path: Path) -> None:
    from auditor.corpora.read import read_corpus

    add("auditor/corpora/readers/paragraphs.py")
    path = tmp_path / "texts.par"
    path.write_text("One line\nand another.\n\n\nA second document.\n", encoding="utf-8")
    corpus = read_corpus(path)
    assert [(document.id, document.text) for document in corpus.documents] == [
        ("texts.par:1", "One line and another."),
        ("texts.par:5", "A second document."),
    ]


def test_the_example_of_a_renderer_renders(
    add: Callable[[str], ModuleType], small: auditor.AuditResult, tmp_path: Path
) -> None:
    from auditor.report.renderer import write_outputs

    add("auditor/report/line.py")
    write_outputs(small, [tmp_path / "audit.log"])
    assert (tmp_path / "audit.log").read_text(encoding="utf-8").split("\t")[:2] == [small.name, small.verdict.outcome]


@pytest.mark.long
def test_the_example_of_a_table_is_shown(add: Callable[[str], ModuleType]) -> None:
    from support.series import build_forget

    from auditor.report.renderer import render

    add("auditor/report/tables/frozen.py")
    result = build_forget()
    for name in ("html", "markdown"):
        page = render(result, name)
        assert page.index("Difference-in-differences") < page.index("Unchanged layers") < page.index("Verbatim memory")


STATE_EXAMPLE = """
import json
from auditor.cli.schemas import all_schemas
from auditor.forgetting.states.decide import decide_state
from auditor.forgetting.states.findings import CheckpointFindings
from auditor.forgetting.verdict import decide_series
from auditor.report.renderer import render
from auditor.results.gate import make_gate
from auditor.results.summary import evaluate_gate
from support.series import build_forget

result = build_forget(("A", "A"))
first, second = result.forgetting.checkpoints
still = second.suspect.change.model_copy(update={"value": 0.0, "low": 0.0, "high": 0.0})
findings = CheckpointFindings(
    name="later", position=1, reference=None, detection=second.detection, relearning=None, utility_loss=None,
    suspect=second.suspect.model_copy(update={"change": still}),
)
state = decide_state(findings, result.thresholds, result.forgetting.thresholds)
series = result.forgetting.model_copy(update={"checkpoints": (first, second.model_copy(update={"state": state}))})
changed = result.model_copy(
    update={"forgetting": series, "verdict": decide_series(series), "gate": make_gate(fail_on=["untouched"])}
)
outcome = evaluate_gate(changed)
page = render(changed, "html")
print(json.dumps([
    state.code, state.reason, changed.verdict.outcome, outcome.reason, outcome.exit_code,
    "No loss of the suspect set differs" in page, '"U"' in json.dumps(all_schemas()["result"].schema()),
]))
"""


def test_the_example_of_a_state_is_decided_judged_and_shown(tmp_path: Path) -> None:
    """In a copy of the package: the codes of the states are part of the types of a result."""
    examples = {title: block for _, title, block in FENCE.findall(page("extending.md")) if title}
    shutil.copytree(ROOT / "auditor", tmp_path / "auditor", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "templates", tmp_path / "templates")
    (row,) = (block for title, block in examples.items() if title.startswith("auditor/results/forgetting/states.py"))
    rows = tmp_path / "auditor" / "results" / "forgetting" / "states.py"
    before = '    StateKind(\n        code="A",'
    written = rows.read_text(encoding="utf-8")
    assert before in written
    rows.write_text(written.replace(before, row + before), encoding="utf-8")
    condition = "auditor/forgetting/states/untouched.py"
    (tmp_path / condition).write_text(examples[condition], encoding="utf-8")
    ran = subprocess.run(
        [sys.executable, "-c", STATE_EXAMPLE],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(tmp_path), str(ROOT / "tests")))},
    )
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout) == ["U", "losses-unchanged", "INCONCLUSIVE", "state U, untouched", 3, True, True]


def test_the_example_of_a_setting_is_an_option_a_variable_a_key_and_a_row(add: Callable[[str], ModuleType]) -> None:
    from pydantic import create_model

    from auditor.batch.config.model import check_keys, file_fields
    from auditor.cli.environment import variables_of
    from auditor.cli.options import setting_options

    settings = add("auditor/shortened.py").ShortenedSettings
    option = next(item for item in setting_options(settings) if item.name == "first_tokens")
    assert isinstance(option, click.Option)
    assert option.opts == ["--first-tokens"]
    assert isinstance(option.type, click.IntRange)
    assert option.type.min == 16
    assert option.help == "Score only this many tokens from the start of a document."
    assert variables_of("check", option) == ("AUDITOR_CHECK_FIRST_TOKENS", "AUDITOR_FIRST_TOKENS")
    assert variables_of("power", option) == ("AUDITOR_POWER_FIRST_TOKENS", "AUDITOR_FIRST_TOKENS")

    written = create_model("Written", **file_fields(settings, check_keys(settings)))
    schema = written.model_json_schema()
    key = schema["properties"]["first-tokens"]
    assert key["description"] == option.help
    assert key["anyOf"][0] == {"minimum": 16, "type": "integer"}

    spec = importlib.util.spec_from_file_location("make_reference", DOCS / "make_reference.py")
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    option.envvar = variables_of("check", option)
    row = reference.option_row(option, click.Context(click.Command("check")))
    assert row.startswith("| `--first-tokens` `INTEGER RANGE` | Score only this many tokens")
    assert "`AUDITOR_FIRST_TOKENS`" in row
    assert any(line.startswith("| `first-tokens` |") for line in reference.key_table(schema, schema["$defs"]))


def test_the_example_of_a_backend_carries_an_audit(add: Callable[[str], ModuleType], tmp_path: Path) -> None:
    """A table of the suspect documents' own bigrams, audited from end to end."""
    add("auditor/models/bigrams.py")
    rng = np.random.default_rng(4)
    letters = np.array(list("abcdefghij"))
    counts = np.zeros((257, 256))
    for side in ("suspect", "heldout"):
        texts = [" ".join("".join(rng.choice(letters, 5)) for _ in range(12)) for _ in range(40)]
        lines = [json.dumps({"text": text}) for text in texts]
        (tmp_path / f"{side}.jsonl").write_text("\n".join(lines), encoding="utf-8")
        for text in texts if side == "suspect" else ():
            before = np.array([256, *text.encode()])
            np.add.at(counts, (before[:-1], before[1:]), 1)
    model = tmp_path / "table.bigrams.json"
    model.write_text(json.dumps(counts.tolist()), encoding="utf-8")
    result = auditor.check(
        tmp_path / "suspect.jsonl",
        tmp_path / "heldout.jsonl",
        model=model,
        features="single-pass",
        permutations=999,
        cache_dir=tmp_path / "cache",
    )
    assert result.manifest.models[0].kind == "bigrams"
    # The first byte of a text is scored too, and every probability is that of the table.
    first = result.documents[0]
    text = json.loads((tmp_path / "suspect.jsonl").read_text(encoding="utf-8").splitlines()[0])["text"].encode()
    share = (counts + 1) / (counts + 1).sum(axis=1, keepdims=True)
    bits = -np.log2(share[np.array([256, *text[:-1]]), np.array([*text])]).sum() / len(text)
    assert first.bits_per_byte == pytest.approx(bits, rel=1e-5)
    assert first.tokens == len(text)


def test_the_site_builds_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    if importlib.util.find_spec("material") is None:
        pytest.skip("mkdocs-material is not installed; `make docs` installs it")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(tmp_path)],
        check=True,
        cwd=ROOT,
        timeout=120,
    )
    built = sorted(tmp_path.rglob("*.html"))
    assert len(built) >= len(PAGES)
    for path in built:
        text = path.read_text(encoding="utf-8")
        fetched = re.findall(r"<(?:script|img|iframe)[^>]+src=\"?(\S+?)[\"\s>]", text)
        fetched += re.findall(r"<link[^>]+(?:stylesheet|preconnect|icon|preload)[^>]*href=\"?(\S+?)[\"\s>]", text)
        assert fetched
        assert not [source for source in fetched if source.startswith(("http", "//"))]
