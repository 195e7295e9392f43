"""The wheel is whole: installed elsewhere, without the checkout, it runs an audit and renders its report."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
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
    assert printed.startswith("EVIDENCE (no control):")
    assert "<!doctype html>" in (away / "report.html").read_text(encoding="utf-8").lower()
    call("-m", "auditor", "report", "result.json", "-o", "again.html", **where)
    assert (away / "again.html").read_bytes() == (away / "report.html").read_bytes()


def in_the_repository() -> set[str]:
    """Files that are tracked or would be; in an unpacked source distribution, which has no history, all of them."""
    if not (ROOT / ".git").exists():
        return {str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file() and not _is_cache(path)}
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\0")
    return {name for name in names if name and (ROOT / name).exists()}


def _is_cache(path: Path) -> bool:
    return any(part in ("__pycache__", ".venv", ".pytest_cache", ".hypothesis") for part in path.parts)


def test_the_source_distribution_is_the_repository_and_its_tests_run(tmp_path: Path) -> None:
    """What a packager needs: tests, samples, documentation and licence, and nothing that lay beside them."""
    build = [sys.executable, "-m", "hatchling", "build", "-t", "sdist", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (archive,) = tmp_path.glob("llm_auditor-*.tar.gz")
    assert archive.stat().st_size < 20_000_000
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
        packed.extractall(tmp_path, filter="data")
    assert names == in_the_repository() | {"PKG-INFO"}
    away = tmp_path / archive.name.removesuffix(".tar.gz")
    test = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/core/test_seeds.py"]
    done = subprocess.run(test, cwd=away, env={**os.environ, "PYTHONPATH": str(away)}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
