"""`auditor test`: from a plan that was dealt and a model to a verdict that rests on coins."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from auditor.cli import run
from auditor.cli.options import SettingsCommand, report_options, to_stdout
from auditor.cli.plan_test import plan_test_options, plan_test_settings_of


@click.command(
    cls=SettingsCommand,
    settings=plan_test_options,
    short_help="Does the model depend on what coins published? Evidence that needs no likeness of documents.",
)
@report_options
def command(**values: Any) -> int:
    """Does MODEL depend on what the coins of a plan published?

    The plan was made by `auditor plant`, before publication. The test opens one batch of it, scores every candidate,
    published or not, and compares them. The p-value is exact whatever the documents are: only the coins decided which
    candidate was published. Opening a batch shows its candidates to whoever reads the result with --reveal, and is
    noted in the plan: for models that are trained later take another batch.

    \b
    Examples:
      auditor test ./model --plan plan/ -o report.html
      auditor test ./model --plan plan/ --batch 2 --reference ./older --released 2026-05-01 -o result.json
      auditor test ./checkpoint --plan plan/ --fail-on evidence,inconclusive -o junit.xml
    """
    from auditor.dealt.settings import make_plan_test_settings

    settings = make_plan_test_settings(**plan_test_settings_of(values))
    return _run(settings, **values)


def _run(settings: Any, *, outputs: Sequence[Path], name: str, cache_dir: str | None, **gate: Any) -> int:
    from auditor.cli.progress import make_progress
    from auditor.dealt.run import run_plan_test
    from auditor.dealt.settings import plan_test_inputs
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
    check_dealt_outputs(files, inputs=plan_test_inputs(settings))
    with make_progress() as progress:
        result = run_plan_test(settings, options, progress=progress)
    write_dealt_outputs(result, files)
    known = dealt_renderers()
    run.print_rendered(known["text"].render(result), known["json"].render(result) if as_json else None, files)
    return evaluate_gate(result).exit_code
