"""A canonical order and canonical names of groups, so that no figure depends on the order or the names of documents."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from auditor.inference.design import Floats
from auditor.results.rows import Rows


@dataclass(frozen=True, slots=True)
class Arrangement:
    """The canonical order of the rows of an audit.

    A group is named by the digests of its texts. That name is blind to the sides, so folds and permutations that are
    drawn by it are as well. Only two groups of exactly the same texts are told apart by their sides; they are on both
    sides then, and an audit with more than a few such documents is refused.

    Attributes:
        order: [rows] position of each arranged row among the rows as they were read.
        keys: [rows] canonical name of its group.
        names: [rows] its name as read.
    """

    order: tuple[int, ...]
    keys: tuple[str, ...]
    names: tuple[str, ...]

    def apply(self, rows: Rows) -> Rows:
        """Rows of the same groups in canonical order, under their canonical names."""
        order = list(self.order)
        return Rows(rows.values[order], rows.suspect[order], self.keys, rows.columns)

    def undo(self, values: Floats) -> Floats:
        """Values [rows, columns] in canonical order, in the order as read."""
        back = np.empty_like(values)
        back[list(self.order)] = values
        return back


def arrange(rows: Rows, documents: Iterable[tuple[bool, str, str]]) -> Arrangement:
    """Order the rows of an audit by their texts.

    Args:
        rows: Rows of any columns, one for each group and side.
        documents: For each document whether it is suspect, its group, and the digest of its text.
    """
    digests: defaultdict[str, list[str]] = defaultdict(list)
    sides: defaultdict[str, bool] = defaultdict(bool)
    for suspect, group, digest in documents:
        digests[group].append(digest)
        sides[group] |= suspect
    texts = {group: hashlib.sha256("".join(sorted(some)).encode()).hexdigest() for group, some in digests.items()}
    seen: defaultdict[str, int] = defaultdict(int)
    keys: dict[str, str] = {}
    for group in sorted(texts, key=lambda group: not sides[group]):
        keys[group] = f"{texts[group]}-{seen[texts[group]]}"
        seen[texts[group]] += 1
    order = sorted(range(len(rows.groups)), key=lambda row: (not rows.suspect[row], keys[rows.groups[row]]))
    names = tuple(rows.groups[row] for row in order)
    return Arrangement(tuple(order), tuple(keys[name] for name in names), names)
