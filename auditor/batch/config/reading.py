"""From a configuration file to its values, each with its line. The extension names the format."""

from __future__ import annotations

import hashlib
import re
import stat
from pathlib import Path

from auditor.batch.config.nodes import Faults, Node, bounded
from auditor.batch.config.toml_file import read_toml
from auditor.batch.config.yaml_file import read_yaml
from auditor.core.contents import HEAD_BYTES, refuse_stand_in, stand_in
from auditor.core.errors import UsageError, cannot_read
from auditor.core.text import close_names, visible
from auditor.corpora.streams import decode

MOST_BYTES = 2**20
"""Most a configuration file may hold: 1 MiB, some five thousand audits."""

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffe\uffff]")

_READERS = {".toml": read_toml, ".yaml": read_yaml, ".yml": read_yaml}


def read_text(text: str, suffix: str, faults: Faults) -> Node | None:
    """The values of a text in the format of an extension; None where it cannot be read, which is then a fault."""
    root = _READERS[suffix](text, faults)
    return None if root is None else bounded(root, faults)


def read_written(path: str) -> tuple[Node | None, Faults, str]:
    """What a configuration file holds, what is wrong with how it is written, and the SHA-256 of its bytes.

    Raises:
        UsageError: There is no such regular file, it is too large, of an unknown extension or not UTF-8.
    """
    name = visible(path)
    suffix = next((known for known in _READERS if path.lower().endswith(known)), None)
    raw = _bytes(path, name)
    if suffix is None:
        raise UsageError(f"{name}: not the extension of a configuration file", hint=f"Known: {', '.join(_READERS)}.")
    lines, offset = [], 0
    for number, line in enumerate(raw.splitlines(keepends=True), start=1):
        lines.append(decode(line, f"{name}:{number}", offset=offset))
        offset += len(line)
    text, faults = "".join(lines), Faults()
    if control := _CONTROL.search(text):
        faults.add(text.count("\n", 0, control.start()) + 1, f"a control character, U+{ord(control.group()):04X}")
    return None if faults else read_text(text, suffix, faults), faults, hashlib.sha256(raw).hexdigest()


def _bytes(path: str, name: str) -> bytes:
    try:
        # A pipe or a device would block or never end.
        if not stat.S_ISREG(Path(path).stat().st_mode):
            raise UsageError(f"{name}: not a regular file", hint="Name a configuration file.")
        with Path(path).open("rb") as stream:
            raw = stream.read(MOST_BYTES + 1)
    except FileNotFoundError:
        raise UsageError(f"{name}: no such file", hint=visible(close_names(Path(path)))) from None
    except OSError as error:
        raise cannot_read(name, error) from None
    except ValueError as error:
        raise UsageError(f"{name}: cannot be read: {error}", hint="Check the path of the configuration.") from None
    if len(raw) > MOST_BYTES:
        raise UsageError(f"{name}: larger than {MOST_BYTES // 2**20} MiB", hint="Split the batch.")
    if raw:
        refuse_stand_in(stand_in(raw[:HEAD_BYTES], "structured", whole=len(raw) <= HEAD_BYTES), name)
    return raw
