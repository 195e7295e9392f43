"""`auditor verify`: check that a stored result is whole and follows from its measurements."""

from __future__ import annotations

from pathlib import Path

import click

from auditor.cli.console import console_options, print_result


def read_pairs(context: click.Context, parameter: click.Parameter, value: tuple[str, ...]) -> dict[str, str]:
    """Parse NAME=PATH; a bare path of a model is that of the audited one."""
    paths: dict[str, str] = {}
    for text in value:
        name, equals, source = text.partition("=")
        if not equals and parameter.name == "models":
            name, source = "target", text
        if not name.strip() or not source.strip():
            raise click.BadParameter(f"{text!r} is not NAME=PATH", context, parameter)
        if name.strip() in paths:
            raise click.BadParameter(f"{name.strip()!r} is given twice", context, parameter)
        paths[name.strip()] = source.strip()
    return paths


@click.command(short_help="Check that a stored result is whole, unchanged and follows from its measurements.")
@click.argument("result", type=click.Path(path_type=Path))
@click.option(
    "--data",
    multiple=True,
    callback=read_pairs,
    metavar="ROLE=PATH",
    help="Documents to compare with the result: suspect, heldout, placebo or general; of `auditor test` without a plan "
    "order or identifiers. Repeatable.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    callback=read_pairs,
    metavar="[NAME=]PATH",
    help="A model to compare with the result: the audited one, or a reference or checkpoint by name. Repeatable.",
)
@click.option(
    "--base",
    default=None,
    metavar="PATH",
    help="Base of the audited adapter and of checkpoints that are adapters, in place of the one that they name.",
)
@click.option(
    "--tokenizer",
    default=None,
    metavar="PATH",
    help="Folder of the tokenizer of the audited model and of checkpoints, in place of their own.",
)
@click.option(
    "--batch",
    type=click.Path(path_type=Path),
    default=None,
    help="The batch.json to check the correction for other audits against.  [default: the one in a folder above]",
)
@click.option(
    "--config",
    "configuration",
    type=click.Path(path_type=Path),
    default=None,
    help="The configuration of its batch, to compare the settings with; read in the folder that the batch was run in.",
)
@click.option(
    "--again",
    "rescoring",
    is_flag=True,
    help="Score everything again and compare; needs --data and --model for every set and model of the audit.",
)
@click.option(
    "--plan",
    type=click.Path(path_type=Path),
    default=None,
    help="Of `auditor test`: the folder of the plan, to derive key, coins and ties of the opened batch again.",
)
@click.option("--long", is_flag=True, help="Recompute figures also where that takes more than minutes.")
@console_options
def command(
    result: Path,
    data: dict[str, str],
    models: dict[str, str],
    base: str | None,
    tokenizer: str | None,
    batch: Path | None,
    configuration: Path | None,
    rescoring: bool,
    plan: Path | None,
    long: bool,
) -> int:
    """Check RESULT, a result.json or a zip of `auditor bundle`. Without --again neither model nor torch is needed.

    Settings that are not the default are named first. Schema and digests are checked; the recorded command must give
    the recorded settings; every figure is recomputed from the features in the result and compared; the verdict is
    derived again from the stored figures and thresholds. With --data the documents are read again and compared, with
    --model the files of the models are hashed, with --again everything is scored again.

    Without --again nothing shows that the features in the result are what the model says of the texts: whoever invents
    features can make figures, verdict and digest that fit them, and passes all other checks, also with --data and
    --model. Seed, thresholds and other settings are the choice of whoever ran the audit. The output says what was not
    shown.

    Of `auditor test`, figures and verdict are made again from the scores in the result, and the root of the commitment
    from its leaves; with --plan, or on a bundle made with --reveal, also key, coins and ties. No secret of any other
    batch is read. Of a test by --order or --identifiers, --data order=FILE or --data identifiers=PATH reads the files
    and judges them again. With --plan or --data, --model for every model and --again the candidates are scored again.

    Exit codes: 0 verified, 1 a difference, 2 cannot be read.

    \b
    Examples:
      auditor verify result.json
      auditor verify audit.zip --model ./model
      auditor verify result.json --data suspect=suspect/ --data heldout=heldout/ --model ./model --again
    """
    from auditor.cli.recorded import read_command, settings_of_batch
    from auditor.core.errors import UsageError
    from auditor.verify.check import verify
    from auditor.verify.command import CommandReader
    from auditor.verify.dealt.checks import verify_dealt
    from auditor.verify.dealt.open import open_dealt
    from auditor.verify.dealt.text import render_dealt_text
    from auditor.verify.open import open_subject
    from auditor.verify.text import is_verified, render_text

    reader = CommandReader(read_command, settings_of_batch, configuration)
    dealt = open_dealt(
        result,
        plan=plan,
        data=data,
        batch=batch,
        models=models,
        base=base,
        tokenizer=tokenizer,
        rescoring=rescoring,
        long=long,
        reader=reader,
    )
    if dealt is not None:
        if set(data) - {dealt.role} or (models and not rescoring) or (plan and dealt.role):
            against = f"--data {dealt.role}=PATH" if dealt.role else "--plan"
            what = against if dealt.role else "its plan"
            raise UsageError(
                f"the result of this test is compared with {what}, and with --again with its models",
                hint=f"Give {against}, and for its models --again.",
            )
        answers = verify_dealt(dealt)
        print_result(render_dealt_text(dealt, answers))
        return 0 if is_verified(answers) else 1
    if plan is not None:
        raise UsageError(f"{result} is no result of auditor test, and --plan is for these alone")
    subject = open_subject(
        result,
        data=data,
        models=models,
        base=base,
        tokenizer=tokenizer,
        batch=batch,
        rescoring=rescoring,
        long=long,
        reader=reader,
    )
    answers = verify(subject)
    print_result(render_text(subject, answers))
    return 0 if is_verified(answers) else 1
