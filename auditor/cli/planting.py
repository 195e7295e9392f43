"""How `auditor plant` runs: which of its steps is asked for, and what it prints."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from auditor.cli.environment import flag_of
from auditor.cli.options import take
from auditor.cli.progress import make_progress
from auditor.core.errors import UsageError
from auditor.core.text import amount
from auditor.planting.make import MadePlan, make_plan, write_stamp_request
from auditor.planting.publish import Published, add_stamp, publish
from auditor.planting.reach import reach_lines
from auditor.planting.settings import PlantSettings
from auditor.planting.survey import LEAST_SURVIVING, survey, survey_pipeline
from auditor.planting.words import describe_plan, grade_lines, next_steps
from auditor.provenance.folder import RESTORATION, PlanFolder
from auditor.settings import validated

_STEPS = ("coins", "checked", "cleaned", "review")
_NEEDED = ("design", "to", "plan")
_OF_STEP = {"beacon": "coins", "public": "coins", "pipeline": "checked"}


def run_plant(values: dict[str, Any]) -> list[str]:
    """Do the step that a command's values ask for.

    Returns:
        What to print, by line.

    Raises:
        UsageError: The values ask for two steps or for none that is whole, or the step is refused.
        RunError: The file system refuses.
    """
    steps = [name for name in _STEPS if values[name]]
    if len(steps) > 1:
        raise UsageError(f"{' and '.join(map(_flag, steps))} are different steps", hint="Do one after the other.")
    for name, step in _OF_STEP.items():
        if values[name] and not values[step] and not (name == "public" and values["no_beacon"]):
            raise UsageError(f"{_flag(name)} goes with {_flag(step)}", hint=f"Give {_flag(step)} too, or leave it out.")
    if values["stamp_root"] and not values["stamp"]:
        raise UsageError("--stamp-root goes with --stamp", hint="Give --stamp too, or leave it out.")
    if not steps and not values["stamp"]:
        return _plan(values)
    _refuse_settings(values, allowed=("corpus", "to") if steps == ["cleaned"] else ("corpus",))
    folder = PlanFolder(Path(values["corpus"]))
    folder.require_plan()
    lines = _stamped(folder, values["stamp"], values["stamp_root"]) if values["stamp"] else []
    step = steps[0] if steps else ""
    if step == "coins":
        lines += _published(publish(folder, beacon=values["beacon"], public=values["public"]))
    elif step == "checked":
        lines += _survey(folder, values["checked"], pipeline=values["pipeline"])
    elif step == "cleaned":
        lines += _clean(folder, values["cleaned"], values["to"])
    elif step == "review":
        lines += _review(folder)
    return lines


def _plan(values: dict[str, Any]) -> list[str]:
    no_beacon = values["no_beacon"]
    missing = [name for name in _NEEDED if not values[name]]
    if missing:
        raise UsageError(
            f"a plan needs {' and '.join(map(_flag, missing))}",
            hint="Or name the folder of a plan with --coins, --check, --clean, --review or --stamp.",
        )
    settings = validated(PlantSettings, take(values, PlantSettings))
    with make_progress() as progress:
        sentences = None
        if settings.kind == "sampled" and settings.model is not None:
            from auditor.models.backend import LoadOptions
            from auditor.planting.sentences import sentence_writer

            sentences = sentence_writer(settings.model, LoadOptions(), progress)
        made = make_plan(settings, beacon=not no_beacon, sentences=sentences)
    lines = [*describe_plan(made.commitment), *reach_lines(made.commitment), *_skipped(made), *_copied(made)]
    lines += _request(made.folder)
    if no_beacon:
        lines += _published(publish(made.folder))
    steps = next_steps(made.commitment, plan=settings.plan, to=settings.to)
    lines += ["next:", *(f"  {number}. {step}" for number, step in enumerate(steps, 1))]
    return [*lines, f"what to keep and what to lose sleep over: {made.folder.path / 'READ-ME.txt'}"]


def _copied(made: MadePlan) -> list[str]:
    """Files that are in the copy as they are, in which what is withheld may stand."""
    copied, left_out = made.corpus.copied, made.corpus.histories
    lines = []
    if copied:
        kinds = ", ".join(f"{count:,} {why}" for why, count in copied.items())
        lines.append(f"copied as they are: {kinds}; look that none of them holds what is withheld")
    if left_out:
        lines.append(f"left out of the copy: {', '.join(left_out)}, which would show what is withheld")
    return lines


def _skipped(made: MadePlan) -> list[str]:
    if not made.skipped or made.commitment.design == "canaries":
        return []
    return [f"{amount(made.skipped, 'document')} in no unit: published as they are"]


def _request(folder: PlanFolder) -> list[str]:
    try:
        return [f"request for a time stamp: {write_stamp_request(folder)}"]
    except UsageError as error:
        return [f"no request for a time stamp was written: {error.message}. {error.hint}"]


def _stamped(folder: PlanFolder, token: Path, root: Path | None) -> list[str]:
    stamp = add_stamp(folder, token, root)
    lines = [f"time stamp of {stamp.time:%Y-%m-%d %H:%M:%S} UTC by {stamp.authority}: {stamp.checked}"]
    if stamp.checked != "verified":
        lines.append("it counts only once it is verified: give the root of its certificate with --stamp-root")
    return lines


def _published(published: Published) -> list[str]:
    parts = [f"{amount(published.changed, 'document')} changed"] if published.changed else []
    parts += [f"{amount(published.withheld, 'document')} withheld"] if published.withheld else []
    lines = [f"wrote {published.to}: {' and '.join(parts) or 'nothing changed'}", *grade_lines(published.grade)]
    if published.beacon == "not verified here":
        lines.append(
            "the signature of the beacon was not verified here, so its coins count as the owner's: pip install "
            "'llm-auditor[plant]'"
        )
    return lines


def _survey(folder: PlanFolder, copy: Path, *, pipeline: bool) -> list[str]:
    counts = survey(folder, copy)
    lines = [
        f"{counts.present:,} of {counts.published:,} published texts are in {copy} ({counts.share:.1%})",
        f"{counts.leaked:,} of {counts.withheld:,} withheld texts are in it",
    ]
    if counts.similar != counts.present:
        lines.insert(
            1, f"{counts.similar:,} are where white space, quotes, dashes and invisible characters do not matter"
        )
    if counts.share < LEAST_SURVIVING:
        lines.append(
            f"fewer than {LEAST_SURVIVING:.0%} survive: a test has less power, as if its AUC of a were "
            f"0.5 + {counts.share:.2f} (a - 0.5)"
        )
    if counts.leaked:
        lines.append("withheld texts in the copy take power from the test: take them out")
    return [*lines, *(_pipeline(folder, copy) if pipeline else [])]


def _pipeline(folder: PlanFolder, copy: Path) -> list[str]:
    result = survey_pipeline(folder, copy)
    stages = (
        f"  after {stage.stage}: {stage.texts:,} canaries; {stage.documents:,} of {result.documents:,} documents that "
        f"carry one, {stage.documents_without:,} if they did not"
        for stage in result.stages
    )
    return [
        f"through a pipeline of training data: {sum(result.left):,} of {result.texts:,} canaries are left, "
        f"{result.share:.1%} of their copies",
        *stages,
    ]


def _clean(folder: PlanFolder, copy: Path, to: str | None) -> list[str]:
    from auditor.splicing.restore import Restoration, restore

    if not to:
        raise UsageError("--clean needs --to", hint="Name a new folder for the corpus as it was.")
    if not folder.is_dealt:
        raise UsageError(
            f"{folder.path} does not know of a published copy: it was not dealt, or an earlier run was killed",
            hint="Run --coins again: the coins are the same.",
        )
    restored = restore(copy, folder.read(RESTORATION, Restoration), Path(to))
    lines = [f"wrote {to}: {'the corpus as it was, byte for byte' if restored.exact else 'not the corpus as it was'}"]
    lines += [
        f"{file.file} was changed since: {file.undone} of {file.undone + file.left} changes undone, "
        f"{amount(file.lacks, 'withheld document')} not put back{f' ({file.reason})' if file.reason else ''}"
        for file in restored.changed
    ]
    lines += [f"{name} was published and is not there any more" for name in restored.missing]
    lines += [f"{name} was added since, and is copied as it is" for name in restored.added]
    return lines


def _review(folder: PlanFolder) -> list[str]:
    lines = []
    for batch in folder.commitment.batches:
        for unit in folder.units(batch.id):
            lines += [f"{unit.id} ({unit.kind})", *(f"  {' '.join(text.split())}" for text in unit.candidates)]
    return lines


def _refuse_settings(values: dict[str, Any], allowed: tuple[str, ...]) -> None:
    """Refuse settings of a plan where a plan that exists is named: they would be read and ignored."""
    context = click.get_current_context()
    names = [*PlantSettings.model_fields, "no_beacon"]
    stray = [
        name
        for name in names
        if name not in allowed and context.get_parameter_source(name) is ParameterSource.COMMANDLINE
    ]
    if stray:
        raise UsageError(
            f"{_flag(stray[0])} was fixed when the plan was committed to", hint="Leave it out, or make a new plan."
        )


def _flag(name: str) -> str:
    context = click.get_current_context()
    return next(flag_of(option) for option in context.command.params if option.name == name)
