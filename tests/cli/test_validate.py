"""`auditor validate` and `auditor schema`, as they are called from a shell and by pre-commit."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from support.configuration import SMALLEST
from support.paths import ROOT

from auditor.cli.main import run
from auditor.cli.schemas import all_schemas


def test_a_sound_file_is_told_in_one_line_on_stdout(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "AUDITS.yaml").write_text(SMALLEST, encoding="utf-8")
    (here / "series.toml").write_text(
        "correction = 'benjamini-hochberg'\n[defaults]\nsuspect = 'suspect'\nheldout = 'heldout'\n"
        "[[audits]]\nname = 'a'\nmodel = 'model'\n"
        "[[audits]]\nname = 'b'\ncheckpoints = {base = 'base', later = 'later'}\n",
        encoding="utf-8",
    )
    assert run(["validate", "AUDITS.yaml", "series.toml"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out == (
        "AUDITS.yaml: 1 audit (1 check), correction holm\n"
        "series.toml: 2 audits (1 check, 1 forget), correction benjamini-hochberg\n"
    )


def test_quiet_is_silent_about_what_is_sound(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "AUDITS.yaml").write_text(SMALLEST, encoding="utf-8")
    (here / "bad.yaml").write_text(SMALLEST.replace("model:", "modle:"), encoding="utf-8")
    assert run(["validate", "-q", "AUDITS.yaml"]) == 0
    assert capsys.readouterr() == ("", "")
    assert run(["validate", "--quiet", "AUDITS.yaml", "bad.yaml"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "unknown key 'modle'" in printed.err


def test_everything_wrong_with_every_file_goes_to_stderr(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "good.yaml").write_text(SMALLEST, encoding="utf-8")
    bad = SMALLEST.replace("model:", "modle:").replace("heldout:", "\n heldout:")
    (here / "bad.yaml").write_text(bad, encoding="utf-8")
    (here / "worse.toml").write_text("audits = [\n", encoding="utf-8")
    assert run(["validate", "bad.yaml", "worse.toml", "good.yaml", "missing.yaml"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "good.yaml: 1 audit (1 check), correction holm\n"
    told = printed.err.splitlines()
    assert told[:2] == [
        "bad.yaml:1: this audit has no model and no checkpoints",
        "bad.yaml:2: unknown key 'modle'. Did you mean model?",
    ]
    assert told[2].startswith("worse.toml:2: this is not TOML")
    assert told[3].startswith("missing.yaml: no such file")
    assert len(told) == 4


def test_a_name_cannot_act_on_the_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "a\x1b[31m.yaml").write_text('audits: [{"k\\e[31mey": 1}]\n', encoding="utf-8")
    assert run(["validate", "a\x1b[31m.yaml"]) == 2
    said = capsys.readouterr().err
    assert "\x1b" not in said
    assert said.startswith("a[U+001B][31m.yaml:1: ")


def test_nothing_is_written_and_nothing_heavy_loaded(here: Path) -> None:
    (here / "AUDITS.yaml").write_text(SMALLEST, encoding="utf-8")
    before = sorted(here.rglob("*"))
    script = (
        "import sys\nfrom auditor.cli.main import run\ncode = run(['validate', '--', 'AUDITS.yaml'])\n"
        "heavy = ('torch', 'transformers', 'datasets', 'sklearn', 'scipy.stats', 'matplotlib', 'pyarrow')\n"
        "print([name for name in heavy if name in sys.modules])\n"
        "sys.exit(code)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(here), "XDG_CACHE_HOME": str(here / "cache")}
    done = subprocess.run(
        [sys.executable, "-B", "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.endswith("[]\n")
    assert sorted(here.rglob("*")) == before


def test_the_schemas_are_printed(capsys: pytest.CaptureFixture[str]) -> None:
    for name, entry in all_schemas().items():
        assert run(["schema", name]) == 0
        assert json.loads(capsys.readouterr().out) == entry.schema()
    assert run(["schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "AuditResult"
    assert run(["schema", "audit"]) == 2
    assert "Did you mean audits" in capsys.readouterr().err


def test_the_pre_commit_hook_checks_the_samples() -> None:
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert {"id", "name", "entry", "language", "files"} <= set(hook)
    assert hook["id"] == "auditor-validate"
    chosen = re.compile(hook["files"])
    for name in ("AUDITS.yaml", "samples/AUDITS.yaml", "a/audits.toml", "Audits.yml"):
        assert chosen.search(name), name
    for name in ("my-audits.yaml.bak", "audits/readme.md", "auditor/batch/audits.schema.json", "notaudits.yaml"):
        assert not chosen.search(name), name
    program, *arguments = hook["entry"].split()
    assert program == "auditor"
    assert run([*arguments, str(ROOT / "samples" / "AUDITS.yaml")]) == 0
