"""Reads the configuration of a batch. Everything wrong with it is told at once, before anything is scored."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path, PurePath

from auditor.batch.config.audits import check_each, gate_of, settings_of
from auditor.batch.config.folders import folders
from auditor.batch.config.merge import Entries, merge
from auditor.batch.config.model import MOST_NAME, is_test
from auditor.batch.config.nodes import Faults, Node, mapping, shown
from auditor.batch.config.reading import read_written
from auditor.batch.config.sources import locate
from auditor.batch.config.structure import NodePath, audits, check_structure, defaults
from auditor.batch.kinds import level_of
from auditor.batch.plan import BatchPlan, PlannedAudit
from auditor.batch.reach import require_reach
from auditor.core.errors import UsageError
from auditor.core.text import shorten, visible
from auditor.dealt.settings import PlanTestSettings
from auditor.models.loading import base_of
from auditor.results.gate import make_gate


def read_batch(
    path: str | PathLike[str],
    *,
    name: str | None = None,
    fail_on: tuple[str, ...] | None = None,
    require_control: bool = False,
) -> BatchPlan:
    """Read and check a configuration. Neither documents nor models are opened, only looked for.

    Args:
        path: A YAML or TOML file; `auditor schema audits` says what it holds. Relative paths in it are relative to its
            folder. Data named `hf:NAME` and models named as on a hub are not looked for.
        name: How the batch is called, in place of what the file says (`--name`).
        fail_on: Verdicts and states that make those audits red that do not say themselves what does, in place of what
            the defaults say (`--fail-on`).
        require_control: Let nothing be EVIDENCE without a control in any audit, whatever it says (`--require-control`).

    Raises:
        UsageError: The message has one line for everything that is wrong, each `FILE:LINE: what. What to do.`; or
            the path or `name` cannot be written down, `fail_on` has an unknown word, or the permutations of an audit
            are too few for the correction over so many.
    """
    if fail_on is not None:
        make_gate(fail_on=fail_on)
    configuration = fspath(path)
    _check_texts(configuration, name)
    root, faults, sha256 = read_written(configuration)
    planned = [] if root is None else _planned(root, Path(configuration).parent, faults, fail_on)
    top = {} if root is None else mapping(root)
    if "correction" in top and top["correction"].value == "benjamini-hochberg":
        _check_levels(top["correction"], planned, faults)
    faults.raise_any(visible(configuration))
    if require_control:
        planned = [_with_control(audit, configuration) for audit in planned]
    called, correction = (top[key].value if key in top else None for key in ("name", "correction"))
    plan = BatchPlan(
        name=str(name or called or shorten(visible(PurePath(configuration).stem.strip()), MOST_NAME) or "batch"),
        correction="benjamini-hochberg" if correction == "benjamini-hochberg" else "holm",
        configuration=configuration,
        configuration_sha256=sha256,
        audits=tuple(planned),
    )
    require_reach(plan)
    return plan


def _with_control(audit: PlannedAudit, configuration: str) -> PlannedAudit:
    """An audit that requires a control; a test of a plan has one where it has a reference, and else is refused."""
    settings = audit.settings
    if isinstance(settings, PlanTestSettings):
        if not settings.references and base_of(settings.model, settings.load_options) is None:
            raise UsageError(
                f"{visible(configuration)}: a control is required, and the test {audit.name!r} has no reference",
                hint="Name references in it.",
            )
        return audit
    return replace(audit, settings=settings.model_copy(update={"require_control": True}))


def _planned(root: Node, folder: Path, faults: Faults, fail_on: tuple[str, ...] | None) -> list[PlannedAudit]:
    wrong = _by_entry(check_structure(root, faults))
    _check_names(root, faults)
    shared = _sound(defaults(root), wrong[("defaults",)])
    usable: set[str] = set()
    own_gates: list[bool] = []
    planned: list[PlannedAudit] = []
    for number, audit in enumerate(audits(root)):
        if faults.enough:
            break
        own = _sound(audit, wrong["audits", number])
        entry = None
        if not wrong["audits", number] and not wrong[("defaults",)]:
            entry = merge(audit, own, shared, faults)
        entries = locate({**shared, **own} if entry is None else entry.entries, folder, faults)
        check_each(audit.line, own, entries, faults, test=is_test(own, shared))
        if entry is None:
            continue
        usable |= entry.usable
        own_gates.append(entry.own_gate)
        entry = replace(entry, entries=entries)
        settings, gate = settings_of(entry, faults), gate_of(entry, faults, fail_on)
        if settings is not None and gate is not None:
            planned.append(PlannedAudit(str(own["name"].value), "", settings, gate))
    if len(planned) == len(audits(root)):
        for key in shared.keys() - usable:
            faults.add(shared[key].line, f"the default {key!r} is for none of these audits", "Leave it out.")
        if fail_on is not None and own_gates and all(own_gates):
            faults.add(root.line, "--fail-on is for none of these audits: each has a gate of its own", "Leave it out.")
    names = folders([audit.name for audit in planned])
    return [replace(audit, folder=name) for audit, name in zip(planned, names, strict=True)]


def _by_entry(wrong: set[NodePath]) -> defaultdict[NodePath, set[str | int | None]]:
    """What is wrong in the defaults and in each audit, by key; None stands for the whole of it."""
    children: defaultdict[NodePath, set[str | int | None]] = defaultdict(set)
    for path in wrong:
        depth = 1 if path[:1] == ("defaults",) else 2
        children[path[:depth]].add(path[depth] if len(path) > depth else None)
    return children


def _sound(node: Node, wrong: set[str | int | None]) -> Entries:
    """The entries in which nothing is wrong."""
    return {} if None in wrong else {key: child for key, child in mapping(node).items() if key not in wrong}


def _check_levels(correction: Node, planned: list[PlannedAudit], faults: Faults) -> None:
    """The share of false ones among all that Benjamini and Hochberg bound is at one level, which all have to have."""
    levels = {level_of(audit.settings): audit.name for audit in reversed(planned)}
    if len(levels) > 1:
        per_audit = ", ".join(f"{shown(name)} has {alpha:g}" for alpha, name in sorted(levels.items()))
        faults.add(
            correction.line,
            f"correction: benjamini-hochberg needs one alpha for all audits; {per_audit}",
            "Give all audits one alpha, or use holm.",
        )


def _check_texts(configuration: str, name: str | None) -> None:
    """What every output will show has to be text, and a name what a file could give.

    Raises:
        UsageError: It is not.
    """
    if any("\ud800" <= letter <= "\udfff" for letter in configuration):
        raise UsageError(
            f"{visible(configuration)}: the path holds bytes that are no text in UTF-8",
            hint="Rename the file or folder, or change into its folder and name the file alone.",
        )
    if name is None:
        return
    wrong = _wrong_with(name)
    if not name or len(name) > MOST_NAME:
        wrong = f"the name {shown(visible(name))} has {len(name):,} characters and not 1 to {MOST_NAME}"
    if wrong:
        raise UsageError(wrong, hint="Choose another --name.")


def _wrong_with(name: str) -> str:
    if visible(name) != name or name != name.strip():
        return f"the name {shown(name)} begins or ends with a space, or holds what cannot be seen"
    return ""


def _check_names(root: Node, faults: Faults) -> None:
    """Names are shown and made into folders: printable, and no two audits of one."""
    lines: dict[str, int] = {}
    for holder in (root, *audits(root)):
        node = mapping(holder).get("name")
        if node is None or not isinstance(node.value, str):
            continue
        name = node.value
        if wrong := _wrong_with(name):
            faults.add(node.line, wrong)
        if holder is not root and name in lines:
            faults.add(node.line, f"the audit at line {lines[name]} is called {shown(name)} too")
        elif holder is not root:
            lines[name] = node.line
