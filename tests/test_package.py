"""The wheel is whole: installed elsewhere, without the checkout, it runs an audit and renders its report."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from support.paths import ROOT


def test_the_installed_wheel_runs_the_demo_from_another_folder(tmp_path: Path, sample_cache: Path) -> None:
    def call(*arguments: object, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, *map(str, arguments)],
            cwd=environment.pop("cwd", str(tmp_path)),
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    call("-m", "hatchling", "build", "-t", "wheel", "-d", tmp_path / "dist", cwd=str(ROOT))
    (wheel,) = (tmp_path / "dist").glob("llm_auditor-*.whl")
    site, away = tmp_path / "site", tmp_path / "away"
    away.mkdir()
    call("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--target", site, wheel)
    assert (site / "auditor" / "templates").is_dir()
    assert (site / "auditor" / "py.typed").is_file()
    where = {"cwd": str(away), "PYTHONPATH": str(site), "AUDITOR_CACHE_DIR": str(sample_cache)}
    assert call("-c", "import auditor; print(auditor.__file__)", **where).startswith(str(site))
    samples = ROOT / "samples"
    demo = ["check", samples / "suspect", samples / "heldout", "--model", samples / "model", "--exit-zero"]
    printed = call("-m", "auditor.cli.main", *demo, "-o", "report.html", "-o", "result.json", **where)
    assert printed.startswith("EVIDENCE:")
    assert "<!doctype html>" in (away / "report.html").read_text(encoding="utf-8").lower()
    call("-m", "auditor", "report", "result.json", "-o", "again.html", **where)
    assert (away / "again.html").read_bytes() == (away / "report.html").read_bytes()
