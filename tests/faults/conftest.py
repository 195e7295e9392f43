"""What the fault tests share: a small audit, disks that fill up, and what a folder holds."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.texts import WORDS

from auditor.cli.main import run


def _write_texts(path: Path, documents: int, seed: int) -> Path:
    """A .jsonl file of random sentences from one source."""
    rng = np.random.default_rng([seed, documents])
    texts = [" ".join(rng.choice(WORDS, size=24)).capitalize() + "." for _ in range(documents)]
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    return path


@dataclass(frozen=True)
class Audit:
    """A small audit that can be run again and again.

    Attributes:
        arguments: Of the command line, without where it writes.
        truth: Its figures when nothing disturbs it.
        texts: How many texts it scores.
    """

    arguments: tuple[str, ...]
    truth: dict[str, Any]
    texts: int

    def run(self, *, cache: Path, output: Path, more: tuple[str, ...] = ()) -> int:
        """Run it in this process and give its exit code."""
        return run([*self.arguments, *more, "--cache-dir", str(cache), "-o", str(output)])

    @staticmethod
    def figures(path: Path) -> dict[str, Any]:
        """What a result says, without when it was made and how much of it was scored in that run."""
        tree: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        for name in ("created", "texts_scored", "texts_from_store"):
            del tree["manifest"][name]
        # It is made over those too.
        del tree["content_sha256"]
        return tree

    @staticmethod
    def scored(path: Path) -> tuple[int, int]:
        """How many texts a run scored, and how many it found."""
        manifest = json.loads(path.read_text(encoding="utf-8"))["manifest"]
        return manifest["texts_scored"], manifest["texts_from_store"]


@pytest.fixture(scope="session")
def audit(tiny_model_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Audit:
    """Thirty-two documents a side, under a tiny random model."""
    folder = tmp_path_factory.mktemp("audit")
    sides = [str(_write_texts(folder / f"{side}.jsonl", 32, seed)) for seed, side in enumerate(("suspect", "heldout"))]
    arguments = ("check", *sides, "--model", str(tiny_model_dir), "--permutations", "199")
    output = folder / "r.json"
    undisturbed = Audit(arguments, {}, 0)
    assert undisturbed.run(cache=folder / "cache", output=output) == 3
    return Audit(arguments, undisturbed.figures(output), undisturbed.scored(output)[0])


class Disk:
    """A file system of its own that is as small as a test wants it."""

    def __init__(self, path: Path, kib: int) -> None:
        self.path = path
        self._mount("-t", "tmpfs", "-o", f"size={kib}k", "tmpfs")

    def _mount(self, *options: str) -> None:
        done = subprocess.run(["mount", *options, str(self.path)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"no file system can be mounted here: {done.stderr.strip()}")

    def resize(self, kib: int) -> None:
        """Make it larger."""
        self._mount("-o", f"remount,size={kib}k")

    def fill(self) -> Path:
        """Write a file that leaves no room."""
        ballast = self.path / "ballast"
        ballast.write_bytes(bytes(shutil.disk_usage(self.path).free))
        return ballast

    def read_only(self) -> None:
        """Let nothing be written from here on."""
        self._mount("-o", "remount,ro")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[int], Disk]]:
    """Mount a disk of so many KiB; skipped where mounting is not allowed."""
    if os.name != "posix" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("only root may mount a file system")
    made: list[Disk] = []

    def make(kib: int) -> Disk:
        path = tmp_path / f"disk{len(made)}"
        path.mkdir()
        made.append(Disk(path, kib))
        return made[-1]

    yield make
    for disk in made:
        subprocess.run(["umount", str(disk.path)], check=True)
