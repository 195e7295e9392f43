"""`auditor test`: from a plan that was dealt and a model to a verdict that rests on coins."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from auditor.cli import run
from auditor.cli.console import current_console
from auditor.cli.options import SettingsCommand, report_options, to_stdout
from auditor.cli.plan_test import plan_test_options, plan_test_settings_of

if TYPE_CHECKING:
    from auditor.dealt.settings import PlanTestSettings


@click.command(
    cls=SettingsCommand,
    settings=plan_test_options,
    short_help="Does the model depend on what coins published? Needs no likeness of documents.",
)
@click.option(
    "--export",
    type=click.Path(path_type=Path),
    default=None,
    help="Write the candidates of the batch, without coins, to a .zip for whoever has the model, and stop.",
)
@click.option(
    "--blind",
    type=click.Path(path_type=Path),
    default=None,
    help="Score the candidates that --export wrote, without plan and coins; -o writes the sealed scores as .json.",
)
@report_options
def command(**values: Any) -> int:
    """Does MODEL depend on what the coins of a plan published?

    The plan was made by `auditor plant`, before publication. The test opens one batch of it, scores every candidate,
    published or not, and compares them. The p-value is exact whatever the documents are: only the coins decided which
    candidate was published. Opening a batch shows its candidates to whoever reads the result with --reveal, and is
    noted in the plan: for models that are trained later take another batch.

    Where the owner has the plan and another party the model, the owner exports the candidates, the other party scores
    them without the coins and seals the scores by their digest, and the owner opens the coins. The other party can
    hide what there is, so that NO EVIDENCE says nothing against one that wants to.

    Two tests need no plan. --order takes a file that was published with its rows in random order, and compares that
    order with others of the same rows; a file that is sorted, grouped or numbered is refused before a model is opened.
    --identifiers takes documents with digests, random UUIDs and the like, and compares each with others of its law.

    \b
    Examples:
      auditor test ./model --plan plan/ -o report.html
      auditor test ./model --plan plan/ --batch 2 --reference ./older --released 2026-05-01 -o result.json
      auditor test --plan plan/ --export candidates.zip
      auditor test ./model --blind candidates.zip -o scores.json
      auditor test --plan plan/ --scores scores.json -o report.html
      auditor test ./model --order questions.jsonl --field question --reference ./older -o report.html
      auditor test ./model --identifiers src/ -o report.html
    """
    from auditor.core.errors import UsageError
    from auditor.dealt.settings import make_plan_test_settings

    export, blind = values.pop("export"), values.pop("blind")
    if export is not None and blind is not None:
        raise UsageError("--export is for the owner and --blind for whoever has the model", hint="Give one of them.")
    taken = plan_test_settings_of(values)
    if blind is not None:
        return _score_blind(blind, taken, **values)
    if export is not None:
        return _export(export, taken, **values)
    return _run(make_plan_test_settings(**taken), **values)


def _run(settings: PlanTestSettings, *, outputs: Sequence[Path], name: str, cache_dir: str | None, **gate: Any) -> int:
    from auditor.cli.progress import make_progress
    from auditor.dealt.run import run_plan_test
    from auditor.report.dealt.renderer import check_dealt_outputs, dealt_renderers, write_dealt_outputs
    from auditor.results.summary import evaluate_gate
    from auditor.settings import make_options

    options = make_options(
        name=name,
        command=run.command_line(click.get_current_context()),
        cache_dir=cache_dir,
        gate=run.gate_of(**gate),
    )
    as_json, files = to_stdout(outputs)
    check_dealt_outputs(files, inputs=settings.inputs)
    with make_progress() as progress:
        result = run_plan_test(settings, options, progress=progress)
    write_dealt_outputs(result, files)
    known = dealt_renderers()
    run.print_rendered(known["text"].render(result), known["json"].render(result) if as_json else None, files)
    return evaluate_gate(result).exit_code


def _without_plan(taken: dict[str, Any]) -> bool:
    return taken["order"] is not None or taken["identifiers"] is not None


def _export(export: Path, taken: dict[str, Any], *, outputs: Sequence[Path], **rest: Any) -> int:
    from auditor.core.errors import UsageError
    from auditor.core.files import read_paths, refuse_read, write_bytes
    from auditor.dealt.blind import export_candidates

    if outputs or taken["model"] or not taken["plan"] or _without_plan(taken):
        raise UsageError("--export takes --plan and --batch alone", hint="It scores nothing and writes one .zip.")
    if export.suffix.lower() != ".zip":
        raise UsageError(f"output {str(export)!r}: candidates are written as a .zip")
    refuse_read(export, read_paths([taken["plan"]]))
    write_bytes(export, export_candidates(taken["plan"], taken["batch"]))
    console = current_console()
    console.note(f"wrote {export}: all candidates of batch {taken['batch']}, in an order that no coin decides")
    console.note("a model that is trained on them after this proves nothing: send them to whoever scores them alone")
    return 0


def _score_blind(
    blind: Path, taken: dict[str, Any], *, outputs: Sequence[Path], cache_dir: str | None, **rest: Any
) -> int:
    from auditor.cli.progress import make_progress
    from auditor.core.errors import UsageError
    from auditor.core.files import read_paths, refuse_read, write_bytes
    from auditor.dealt.blind import read_candidates, score_blind
    from auditor.dealt.settings import ScoringSettings, make_scoring_settings
    from auditor.report.json_ import write_json

    if taken["plan"] or taken["scores"] is not None or _without_plan(taken):
        raise UsageError("--blind scores without a plan", hint="Leave --plan, --order, --identifiers and --scores out.")
    if len(outputs) != 1 or outputs[0].suffix.lower() != ".json":
        raise UsageError("--blind writes one file of scores", hint="Name it with -o, such as scores.json.")
    settings = make_scoring_settings(**{name: taken[name] for name in ScoringSettings.model_fields})
    refuse_read(outputs[0], read_paths([str(blind), *settings.inputs]))
    candidates = read_candidates(blind)
    recorded = f"{run.command_line(click.get_current_context())} --blind {shlex.quote(str(blind))}"
    with make_progress() as progress:
        scores = score_blind(settings, candidates, command=recorded, cache_dir=cache_dir, progress=progress)
    write_bytes(outputs[0], write_json(scores).encode())
    console = current_console()
    console.note(f"wrote {outputs[0]}: scores of {len(candidates.texts):,} candidates, sealed by their digest")
    console.note(f"publish {scores.content_sha256}, dated, before the coins are opened; the owner compares it")
    return 0
