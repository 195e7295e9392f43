"""`auditor list`: the features, guards, readers, backends and everything else that has a name."""

from __future__ import annotations

from collections.abc import Callable

import click

from auditor.cli.console import print_result

Rows = list[tuple[str, ...]]


def _features() -> Rows:
    from auditor.features.catalogue import all_features

    signs = {1: "higher", -1: "lower", 0: "either"}
    return [
        (
            feature.name,
            feature.family,
            signs[feature.direction],
            ",".join(sorted(feature.sets)),
            feature.summary,
            feature.source,
        )
        for feature in all_features()
    ]


def _guards() -> Rows:
    from auditor.membership.guards.guard import all_guards

    return [(guard.name, guard.question, guard.blind_spots) for guard in all_guards()]


def _readers() -> Rows:
    from auditor.corpora.read import all_readers

    return [(reader.name, reader.formats) for reader in all_readers()]


def _backends() -> Rows:
    from auditor.models.loading import all_loaders

    return [(loader.name, loader.summary) for loader in all_loaders()]


def _procedures() -> Rows:
    from auditor.membership.procedures.published import all_procedures

    return [(procedure.name, procedure.source) for procedure in all_procedures().values()]


def _renderers() -> Rows:
    from auditor.report.renderer import renderers

    return [(renderer.name, ", ".join(renderer.extensions)) for renderer in renderers().values()]


def _designs() -> Rows:
    from auditor.planting.design import designs

    return [(design.name, design.statistic, design.summary) for design in designs().values()]


def _canaries() -> Rows:
    from auditor.planting.kind import canary_kinds

    return [(kind.name, kind.summary) for kind in canary_kinds().values()]


def _environment() -> Rows:
    from auditor.cli.environment import flag_of, variables_of
    from auditor.cli.main import cli

    context = click.Context(cli)
    commands = [(name, cli.get_command(context, name)) for name in cli.list_commands(context)]
    rows = [
        (variable, name, flag_of(option))
        for name, command in commands
        if command is not None
        for option in command.params
        if isinstance(option, click.Option)
        for variable in variables_of(name, option)
    ]
    return [*sorted(rows), ("AUDITOR_DEBUG", "any", "show where a defect arose")]


_KINDS: dict[str, tuple[tuple[str, ...], Callable[[], Rows]]] = {
    "features": (("name", "family", "member-like", "sets", "what", "source"), _features),
    "guards": (("name", "question", "blind spot"), _guards),
    "readers": (("name", "reads"), _readers),
    "backends": (("name", "opens"), _backends),
    "procedures": (("name", "source"), _procedures),
    "renderers": (("name", "extensions"), _renderers),
    "designs": (("name", "statistic", "coins decide"), _designs),
    "canaries": (("name", "what"), _canaries),
    "environment": (("variable", "command", "option"), _environment),
}


@click.command(short_help="List features, guards, readers, backends and more.")
@click.argument("kind", type=click.Choice(list(_KINDS)))
def command(kind: str) -> None:
    """Print everything of a KIND, one a line, columns separated by tabs."""
    header, rows = _KINDS[kind]
    print_result("".join("\t".join(row) + "\n" for row in (header, *rows())))
