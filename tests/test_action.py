"""The GitHub Action and the GitLab job: their scripts are run here, with hostile values, and their files linted."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import ROOT

ACTION = ROOT / "action.yml"
GITLAB = ROOT / "docs" / "snippets" / "gitlab-ci.yml"
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SPEC: dict[str, Any] = yaml.safe_load(ACTION.read_text(encoding="utf-8"))
STEPS: list[dict[str, Any]] = SPEC["runs"]["steps"]
SCRIPTS = {step["name"]: step for step in STEPS if "run" in step}
EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="no bash here")

HOSTILE = [
    '"; touch pwned; "',
    "$(touch pwned)",
    "`touch pwned`",
    "a' && touch pwned #",
    "x\ntouch pwned\n",
    "--help",
    "* ? [a] ~ $HOME {a,b}",
    "ünï çødé",
]


class Runner:
    """Runs steps as a GitHub runner does, with programs of our own in place of Python and auditor."""

    def __init__(self, folder: Path) -> None:
        self.work, self.temp, self.programs = folder / "work", folder / "temp", folder / "programs"
        for made in (self.work, self.temp, self.programs):
            made.mkdir()
        self.tools = self.temp / "auditor" / "bin"
        self.asked = folder / "asked"
        self.output, self.summary = folder / "output", folder / "summary"
        self.variables: dict[str, str] = {}

    def program(self, path: Path, ending: str = "") -> None:
        """A program that writes down what it is given."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'#!{BASH}\nprintf "%s\\0" "$@" >> "{self.asked}"\n{ending}\n', encoding="utf-8")
        path.chmod(0o755)

    def run(self, name: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        step = SCRIPTS[name]
        given = {key: str(one.get("default", "")) for key, one in SPEC["inputs"].items()}
        given |= {key.replace("_", "-"): value for key, value in inputs.items()}
        known = {f"inputs.{key}": value for key, value in given.items()}
        known["steps.install.outputs.tools"] = str(self.tools)
        values = {key: EXPRESSION.sub(lambda found: known[found[1]], text) for key, text in step.get("env", {}).items()}
        script = self.temp / "script.sh"
        script.write_text(step["run"], encoding="utf-8")
        environment = {
            "PATH": f"{self.programs}:{os.environ['PATH']}",
            "HOME": str(self.work),
            "RUNNER_TEMP": str(self.temp),
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
        }
        return subprocess.run(
            [str(BASH), "--noprofile", "--norc", "-e", "-o", "pipefail", str(script)],
            cwd=self.work,
            env={**environment, **self.variables, **values},
            capture_output=True,
            text=True,
            check=False,
        )

    def words(self) -> list[str]:
        """Everything a program was given."""
        return self.asked.read_text(encoding="utf-8").split("\0")[:-1]

    def outputs(self) -> list[str]:
        return self.output.read_text(encoding="utf-8").splitlines()

    def nothing_was_run(self) -> bool:
        return not any(path.name == "pwned" for path in self.work.parent.rglob("*"))


@pytest.fixture
def runner(tmp_path: Path) -> Runner:
    made = Runner(tmp_path)
    made.program(made.tools / "auditor")
    return made


def scripts() -> Iterator[tuple[str, str]]:
    for path in (ACTION, *WORKFLOWS):
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
        steps = (
            found["runs"]["steps"] if "runs" in found else [s for job in found["jobs"].values() for s in job["steps"]]
        )
        for step in steps:
            yield path.name, step.get("run", "")


def test_no_script_has_an_expression_in_it() -> None:
    found = list(scripts())
    assert sum(bool(script) for _, script in found) >= 4
    assert not [name for name, script in found if "${{" in script]


def test_actions_of_others_are_pinned_to_a_commit_and_say_its_version() -> None:
    for path in (ACTION, *WORKFLOWS):
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if "uses:" in line]
        assert lines
        for line in lines:
            assert re.fullmatch(r" *- uses: [\w/-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", line), line


def test_every_input_is_used_and_every_used_one_declared() -> None:
    text = ACTION.read_text(encoding="utf-8").partition("outputs:")[2]
    used = {name for found in EXPRESSION.findall(text) for name in re.findall(r"inputs\.([\w-]+)", found)}
    assert used == set(SPEC["inputs"])


def holds(condition: str, **known: str) -> bool:
    """A condition of a step as a runner reads it, of the few forms that are used here."""
    names = {"steps." + name.replace("_", "."): value for name, value in known.items()}
    names["steps.batch.outputs.exit-code"] = names.pop("steps.code")
    names |= {f"inputs.{key}": str(one.get("default", "")) for key, one in SPEC["inputs"].items()}
    terms = EXPRESSION.fullmatch(condition)
    assert terms
    said = terms[1].split(" && ")
    assert said[0] == "always()"
    read = [re.fullmatch(r"([\w.-]+) (==|!=) '(\w*)'", term) for term in said[1:]]
    assert all(read)
    return all((names[term[1]] == term[3]) is (term[2] == "==") for term in read if term)


@pytest.mark.parametrize(
    ("install", "batch", "code", "kept"),
    [
        ("success", "success", "0", True),
        ("success", "failure", "1", True),
        ("success", "failure", "4", True),
        # Cancelled, or past the time of the job: the step had no time to say how it ended.
        ("success", "cancelled", "", True),
        ("success", "cancelled", "130", True),
        ("success", "failure", "2", False),
        ("success", "skipped", "", False),
        ("failure", "skipped", "", False),
        ("cancelled", "", "", False),
    ],
)
def test_what_a_red_or_cancelled_run_leaves_is_kept(install: str, batch: str, code: str, kept: bool) -> None:
    number = next(number for number, step in enumerate(STEPS) if step.get("id") == "batch")
    later = [step["if"] for step in STEPS[number + 1 :]]
    assert len(later) == 3
    assert [holds(one, install_outcome=install, batch_outcome=batch, code=code) for one in later] == [kept] * 3


@pytest.mark.parametrize("value", HOSTILE)
def test_values_reach_the_batch_as_they_are(value: str, runner: Runner) -> None:
    done = runner.run("Run the audits", config=value, output=value, fail_on=value)
    assert done.returncode == 0, done.stderr
    cache = f"--cache-dir={runner.temp}/auditor-scores"
    assert runner.words() == ["batch", f"--output={value}", cache, f"--fail-on={value}", "--", value]
    assert runner.nothing_was_run()


@pytest.mark.parametrize("value", HOSTILE)
def test_arguments_are_separated_by_white_space_and_nothing_else(value: str, runner: Runner) -> None:
    (runner.work / "file").touch()
    done = runner.run("Run the audits", config="audits.yaml", args=value)
    assert done.returncode == 0, done.stderr
    cache = f"--cache-dir={runner.temp}/auditor-scores"
    assert runner.words() == ["batch", "--output=auditor-report", cache, *value.split(), "--", "audits.yaml"]
    assert runner.nothing_was_run()


@pytest.mark.parametrize("code", [0, 1, 2, 3, 4, 130])
def test_the_exit_code_of_the_batch_decides(code: int, runner: Runner) -> None:
    runner.program(runner.tools / "auditor", f"exit {code}")
    assert runner.run("Run the audits", config="audits.yaml").returncode == code
    assert runner.outputs() == [f"exit-code={code}"]


@pytest.mark.parametrize("variable", ["", "AUDITOR_CACHE_DIR", "AUDITOR_BATCH_CACHE_DIR", "AUDITOR_BATCH_OUTPUT"])
def test_scores_and_reports_are_kept_where_they_are_saved(variable: str, runner: Runner) -> None:
    if variable:
        runner.variables[variable] = "elsewhere"
    done = runner.run("Run the audits", config="audits.yaml")
    saved = [step["with"]["path"] for step in STEPS if "/cache/" in step.get("uses", "")]
    assert saved == ["${{ runner.temp }}/auditor-scores"] * 2
    assert runner.words()[1:3] == ["--output=auditor-report", f"--cache-dir={runner.temp}/auditor-scores"]
    assert ("not followed" in done.stdout) is bool(variable)
    assert "elsewhere" not in done.stdout


@pytest.mark.parametrize(
    "args",
    [
        "-o elsewhere",
        "-oelsewhere",
        "-qo elsewhere",
        "--output elsewhere",
        "--output=-",
        "-q --cache-dir=elsewhere",
        "--cache-dir elsewhere",
    ],
)
def test_arguments_cannot_move_what_the_action_keeps(args: str, runner: Runner) -> None:
    done = runner.run("Run the audits", config="audits.yaml", args=args)
    assert done.returncode == 2
    assert done.stdout.startswith("::error::")
    assert "elsewhere" not in done.stdout
    assert runner.outputs() == ["exit-code=2"]
    assert not runner.asked.exists()


def test_arguments_that_only_look_like_these_are_taken(runner: Runner) -> None:
    args = "--no-progress -q --name=-o"
    assert runner.run("Run the audits", config="audits.yaml", args=args).returncode == 0
    assert runner.words()[3:-2] == args.split()


@pytest.mark.process
def test_the_real_batch_takes_these_options(runner: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    (runner.tools / "auditor").write_text(
        f'#!{BASH}\nPYTHONPATH="{ROOT}" exec "{sys.executable}" -m auditor.cli.main "$@"\n', encoding="utf-8"
    )
    (runner.work / "audits.yaml").write_text("audits: [{nome: x}]\n", encoding="utf-8")
    done = runner.run("Run the audits", config="audits.yaml", fail_on="evidence,fading", args="-q --no-progress")
    assert done.returncode == 2, done.stderr
    assert runner.outputs() == ["exit-code=2"]
    assert "audits.yaml:1" in done.stderr
    assert "nome" in done.stderr


def test_the_summary_is_that_of_the_batch(runner: Runner) -> None:
    folder = runner.work / "out $(touch pwned)"
    folder.mkdir()
    (folder / "summary.md").write_text("# All is well\n", encoding="utf-8")
    runner.summary.write_text("before\n", encoding="utf-8")
    assert runner.run("Write the summary", output=folder.name).returncode == 0
    assert runner.summary.read_text(encoding="utf-8") == "before\n# All is well\n"
    assert runner.nothing_was_run()


@pytest.mark.parametrize("size", [None, 2**20, 2**20 + 1])
def test_a_summary_that_would_be_refused_is_not_written(size: int | None, runner: Runner) -> None:
    folder = runner.work / "auditor-report"
    folder.mkdir()
    if size is not None:
        (folder / "summary.md").write_bytes(b"x" * size)
    assert runner.run("Write the summary").returncode == 0
    assert runner.summary.stat().st_size < 100


def test_the_code_of_the_action_is_installed_and_all_else_by_digest(runner: Runner) -> None:
    shutil.rmtree(runner.temp / "auditor")
    runner.program(runner.programs / "python")
    runner.program(runner.tools / "python")
    assert runner.run("Install auditor").returncode == 0
    words = runner.words()
    assert words[:3] == ["-m", "venv", f"{runner.temp}/auditor"]
    pip = ["-m", "pip", "install", "--quiet"]
    own = ["--no-deps", "--no-index", "--no-build-isolation", str(ROOT)]
    assert words[3:] == [*pip, "--require-hashes", "--requirement", f"{ROOT}/requirements.txt", *pip, *own]
    assert runner.outputs() == [f"tools={runner.tools}"]
    assert runner.nothing_was_run()


def test_the_gitlab_job_runs_and_keeps_what_a_red_run_leaves(tmp_path: Path) -> None:
    spec = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    (job,) = spec.values()
    runner = Runner(tmp_path)
    runner.program(runner.programs / "auditor", "exit 3")
    runner.program(runner.programs / "python")
    runner.program(runner.programs / "git")
    script = "\n".join([*job["before_script"], *job["script"]])
    variables = {
        "AUDITS": "my audits.yaml",
        "REPORT": "$(touch pwned)",
        "REPOSITORY": "https://example.org/a b",
        "COMMIT": "$(touch pwned)",
        "PATH": f"{runner.programs}:{os.environ['PATH']}",
    }
    assert set(variables) - {"PATH"} < set(job["variables"])
    done = subprocess.run([str(BASH), "-e", "-c", script], cwd=runner.work, env=variables, check=False)
    assert done.returncode == 3
    code, pip = [".auditor-source"], ["-m", "pip", "install", "--quiet"]
    fetched = [
        *("init", "--quiet", *code),
        *("-C", *code, "fetch", "--quiet", "--depth", "1", "https://example.org/a b", "$(touch pwned)"),
        *("-C", *code, "checkout", "--quiet", "FETCH_HEAD"),
    ]
    install = [
        *(*pip, "--require-hashes", "--requirement", ".auditor-source/requirements.txt"),
        *(*pip, "--no-deps", "--no-index", "--no-build-isolation", "./.auditor-source"),
    ]
    assert runner.words() == [*fetched, *install, "batch", "my audits.yaml", "--output", "$(touch pwned)"]
    assert runner.nothing_was_run()
    artifacts = job["artifacts"]
    assert artifacts["when"] == job["cache"]["when"] == "always"
    assert artifacts["reports"]["junit"] == "$REPORT/junit.xml"
    assert artifacts["paths"] == ["$REPORT/"]
    assert job["variables"]["AUDITOR_CACHE_DIR"] == "$CI_PROJECT_DIR/" + job["cache"]["paths"][0].rstrip("/")


def test_the_linter_has_nothing_to_say() -> None:
    beside = Path(sys.executable).with_name("zizmor")
    zizmor = str(beside) if beside.exists() else shutil.which("zizmor")
    if zizmor is None:
        pytest.skip("zizmor is not installed")
    files = [str(path) for path in (ACTION, *WORKFLOWS)]
    done = subprocess.run([zizmor, "--offline", "--no-progress", *files], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
