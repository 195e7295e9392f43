"""Write the pages that are made from the program: commands, configurations, the GitHub Action, what no result proves.

python docs/make_reference.py            # writes docs/reference/{cli,batch,action,unproven}.md
python docs/make_reference.py --check    # writes nothing; exit code 1 where a page is old
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import yaml

from auditor.batch.config.model import BatchModel
from auditor.cli.main import cli
from auditor.verify.unproven import CHOSEN, INVENTED, OF_A_BATCH, UNPROVEN

FOLDER = Path(__file__).parent / "reference"
MADE = "<!-- Made by docs/make_reference.py: change the program, then run `make docs`. -->"


def cell(text: str) -> str:
    """Text that stays in its cell of a table and is not read as markup."""
    one = " ".join(text.split())
    return one.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")


def commands() -> dict[str, click.Command]:
    """Every command by name."""
    context = click.Context(cli)
    found = {name: cli.get_command(context, name) for name in cli.list_commands(context)}
    return {name: command for name, command in found.items() if command is not None}


def prose(command: click.Command) -> Iterator[str]:
    """What the help says: paragraphs as they are, the examples as code."""
    for part in inspect.cleandoc(command.help or "").split("\n\n"):
        if not part.startswith("\b"):
            yield " ".join(part.split())
            continue
        lines = part.splitlines()[1:]
        yield lines[0]
        yield "\n".join(["```console", *(f"$ {line.strip()}" for line in lines[1:]), "```"])


def default_of(option: click.Option, context: click.Context) -> str:
    """The default as the help shows it; empty where there is none to show."""
    extra = option.get_help_extra(context)
    return f"`{extra['default']}`" if "default" in extra else ""


def option_row(option: click.Option, context: click.Context) -> str:
    """One row of the table of options."""
    flags = ", ".join(f"`{flag}`" for flag in (*option.opts, *option.secondary_opts))
    metavar = "" if option.is_flag else f" `{cell(option.make_metavar(context))}`"
    required = "Required. " if option.required else ""
    twins = (option.envvar,) if isinstance(option.envvar, str) else tuple(option.envvar or ())
    names = ", ".join(f"`{name}`" for name in twins)
    return f"| {flags}{metavar} | {required}{cell(option.help or '')} | {default_of(option, context)} | {names} |"


def cli_page() -> str:
    """The reference of the command line."""
    lines = [
        MADE,
        "",
        "# Command line",
        "",
        cli.help or "",
        "",
        cli.epilog or "",
        "",
        "An option can be given by the environment as well: the last column names the variables, of which the first "
        "that is set counts. The command line wins. Values of a repeatable option are separated by white space.",
    ]
    for name, command in commands().items():
        context = click.Context(command, info_name=f"auditor {name}")
        usage = " ".join(command.collect_usage_pieces(context))
        lines += ["", f"## auditor {name}", "", f"`auditor {name} {usage}`", ""]
        lines += ["\n\n".join(prose(command)), ""]
        options = [item for item in command.get_params(context) if isinstance(item, click.Option)]
        lines += ["| option | what it does | default | environment |", "|---|---|---|---|"]
        lines += [option_row(option, context) for option in options if not option.hidden and option.name != "help"]
    return "\n".join(lines) + "\n"


def kind_of(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    """What a key holds, in words."""
    if "$ref" in schema:
        return kind_of(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "anyOf" in schema:
        return " or ".join(kind_of(option, definitions) for option in schema["anyOf"] if option.get("type") != "null")
    if schema.get("type") == "array":
        return f"list of {kind_of(schema['items'], definitions)}" if "items" in schema else "list"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"mapping of names to {kind_of(inner, definitions)}" if isinstance(inner, dict) else "mapping, see below"
    return str(schema.get("type", "any")) + limits(schema)


def limits(schema: dict[str, Any]) -> str:
    """The bounds of a number."""
    words = {"exclusiveMinimum": "over", "minimum": "at least", "exclusiveMaximum": "under", "maximum": "at most"}
    said = [f"{word} {schema[key]}" for key, word in words.items() if key in schema]
    return f" ({', '.join(said)})" if said else ""


def key_table(schema: dict[str, Any], definitions: dict[str, Any]) -> list[str]:
    """The keys of one mapping."""
    lines = ["| key | holds | default | what it says |", "|---|---|---|---|"]
    for key, value in schema["properties"].items():
        shown = "" if value.get("default") in (None, []) else f"`{json.dumps(value['default'])}`"
        needed = "Required. " if key in schema.get("required", ()) else ""
        about = needed + cell(value.get("description", ""))
        lines.append(f"| `{key}` | {cell(kind_of(value, definitions))} | {shown} | {about} |")
    return lines


def batch_page() -> str:
    """The reference of a batch's configuration."""
    schema = BatchModel.model_json_schema()
    definitions = schema.get("$defs", {})
    lines = [
        MADE,
        "",
        "# Configuration of a batch",
        "",
        f"{cell(schema['description'])} The same keys are read from YAML and TOML. `auditor validate` checks a file "
        "without running anything; `auditor schema audits` prints the JSON Schema this page is made from.",
        "",
        "## The file",
        "",
        *key_table(schema, definitions),
    ]
    headings = {
        "AuditModel": "An audit, and what audits have in common",
        "WrittenPolicy": "policy",
        "WrittenForgettingPolicy": "forgetting-policy",
        "WrittenDealtPolicy": "plan-policy",
    }
    for name, definition in definitions.items():
        # The defaults hold the same keys as an audit, but for its name.
        if name == "DefaultsModel" or "properties" not in definition:
            continue
        lines += ["", f"## {headings.get(name, name)}", ""]
        if name == "AuditModel":
            lines += ["`defaults` takes the same keys, but for `name`; what an audit says itself wins.", ""]
        lines += key_table(definition, definitions)
    return "\n".join(lines) + "\n"


def action_page() -> str:
    """The inputs and outputs of the GitHub Action."""
    action = yaml.safe_load((FOLDER.parents[1] / "action.yml").read_text(encoding="utf-8"))
    lines = [MADE, "", "# GitHub Action", "", cell(action["description"]), "", "## Inputs", ""]
    lines += ["| input | default | what it is |", "|---|---|---|"]
    for name, given in action["inputs"].items():
        shown = f"`{given['default']}`" if given.get("default") else ""
        needed = "Required. " if given.get("required") else ""
        lines.append(f"| `{name}` | {shown} | {needed}{cell(given['description'])} |")
    lines += ["", "## Outputs", "", "| output | what it is |", "|---|---|"]
    lines += [f"| `{name}` | {cell(given['description'])} |" for name, given in action["outputs"].items()]
    return "\n".join(lines) + "\n"


def unproven_page() -> str:
    """The fields that no check can prove."""
    lines = [
        "# What no file can prove",
        MADE,
        "Whoever writes a result can make these fields say anything; all others follow from the measurements, the "
        "settings or each other, and `auditor verify` finds a change of one of them. In paths `[*]` is any item, "
        "`.*` any key, `**` all that is below.",
        "## All of it together",
        *(f"* {cell(choice.reason)}" for choice in (INVENTED, *CHOSEN, OF_A_BATCH)),
        "## One by one",
    ]
    rows = [
        f"| {cell(fields.reason)} | {', '.join(f'`{part}`' for part in fields.parts)} | "
        f"{', '.join(f'`{shown}`' for shown in sorted(fields.shown_by)) or 'nothing'} |"
        for fields in UNPROVEN
    ]
    table = ["| what | fields | what shows it |", "|---|---|---|", *rows]
    return "\n\n".join([*lines, "\n".join(table)]) + "\n"


PAGES = {"cli.md": cli_page, "batch.md": batch_page, "action.md": action_page, "unproven.md": unproven_page}


def main() -> int:
    """Write the pages, or say which are old."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--check", action="store_true", help="Write nothing; exit code 1 where a page is old.")
    check = parser.parse_args().check
    old = []
    for name, page in PAGES.items():
        path, text = FOLDER / name, page()
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            old.append(name)
            if not check:
                path.write_text(text, encoding="utf-8", newline="\n")
    if check and old:
        sys.stderr.write(f"old: {', '.join(old)}; run python docs/make_reference.py\n")
    return int(check and bool(old))


if __name__ == "__main__":
    sys.exit(main())
