"""What the action and the GitLab job install: releases pinned, files by their digests, no place to fetch from."""

from __future__ import annotations

import re
import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.paths import ROOT

TEXT = (ROOT / "requirements.txt").read_text(encoding="utf-8")
ENTRIES = [
    entry.replace("\\\n", " ").split() for entry in re.split(r"\n(?=\w)", TEXT) if not entry.startswith(("#", " "))
]
PINNED = {str(canonicalize_name(words[0].split("==")[0])): words for words in ENTRIES}


def test_every_entry_is_one_release_with_the_digests_of_its_files() -> None:
    assert len(PINNED) == len(ENTRIES) > 60
    for words in ENTRIES:
        assert re.fullmatch(r"[\w.-]+==[\w.]+", words[0]), words[0]
        digests = [word for word in words if word.startswith("--hash")]
        assert digests
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in digests)


def test_nothing_says_where_to_fetch() -> None:
    """The settings of pip decide it: the digests hold wherever the files come from."""
    assert "://" not in TEXT
    assert not re.search(r"^-", TEXT, flags=re.MULTILINE)


def test_releases_are_those_that_the_tests_run_with() -> None:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    wanted = dict(line.split("==") for line in lines if "==" in line)
    tested = {str(canonicalize_name(name)): version for name, version in wanted.items()}
    differing = {
        name: (words[0], tested[name])
        for name, words in PINNED.items()
        if name in tested and words[0].split("==")[1] != tested[name]
    }
    assert differing == {}


def test_every_dependency_of_an_audit_and_the_build_backend_are_there() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["models"], "hatchling"]
    for requirement in map(Requirement, needed):
        release = PINNED[str(canonicalize_name(requirement.name))][0]
        assert requirement.specifier.contains(release.split("==")[1]), requirement
