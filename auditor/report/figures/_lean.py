"""The same picture in fewer bytes: short names, no empty groups, no style repeated in a row."""

from __future__ import annotations

import re
from itertools import groupby
from xml.etree.ElementTree import Element, SubElement

_URL = re.compile(r"(?<=url\(#)[^)]*")
_UNTURNED = re.compile(r"rotate\(-?0 [^)]*\)")
_NOT_INHERITED = re.compile(r"(?:^|; ?)(?:opacity|filter|mask)\s*:")
_DECIMAL = re.compile(r"-?\d+\.\d+")
_COMMAND = re.compile(r"\s*([A-Za-z])\s*")
_AXIS = "matplotlib.axis"
_KINDS = {"defs": 0, "path": 1, "use": 2, "text": 3}


def lean(root: Element, name: str) -> None:
    """Rewrite an SVG tree in place; what it draws stays the same but for a twentieth of a unit.

    Args:
        root: Lower-case tags without a namespace, `href` without one too.
        name: Prefix of the names that are left.
    """
    axes = {element for element in root.iter() if _AXIS in element.get("id", "")}
    _rename(root, name)
    for element in root.iter():
        if _UNTURNED.fullmatch(element.get("transform", "")):
            del element.attrib["transform"]
        if "d" in element.attrib:
            element.set("d", _path(element.attrib["d"]))
    _style_once(root)
    _unwrap(root, axes)


def _rename(root: Element, name: str) -> None:
    """Number the names that something asks for, and drop the others."""
    new_ids: dict[str, str] = {}
    for element in root.iter():
        for key, value in element.attrib.items():
            for found in [value[1:]] if key == "href" else _URL.findall(value):
                new_ids.setdefault(found, f"{name}-{len(new_ids)}")
    for element in root.iter():
        if "id" in element.attrib and element.attrib["id"] not in new_ids:
            del element.attrib["id"]
        for key, value in element.attrib.items():
            if key == "id":
                element.set(key, new_ids[value])
            elif key == "href":
                element.set(key, f"#{new_ids[value[1:]]}")
            else:
                element.set(key, _URL.sub(lambda found: new_ids[found[0]], value))


def _path(steps: str) -> str:
    """A path to a tenth of a unit, without the spaces and the L of a line that its grammar lets one leave out."""
    rounded = _DECIMAL.sub(lambda found: f"{float(found[0]):.1f}".removesuffix(".0"), steps)
    tight = _COMMAND.sub(r"\1", " ".join(rounded.split()))
    return tight.replace("L", " ") if set(re.findall("[A-Za-z]", tight)) <= set("MLz") else tight


def _style_once(root: Element) -> None:
    """A mark that is used again and again in one style bears that style itself."""
    marks = {f"#{element.get('id')}": element for element in root.iter("path") if "id" in element.attrib}
    uses: dict[str, list[Element]] = {}
    for use in root.iter("use"):
        uses.setdefault(use.get("href", ""), []).append(use)
    for href, found in uses.items():
        styles = {use.get("style", "") for use in found}
        style = next(iter(styles))
        if href in marks and len(styles) == 1 and not _NOT_INHERITED.search(style):
            declared = _declared(style) | _declared(marks[href].get("style", ""))
            marks[href].set("style", "; ".join(f"{key}: {value}" for key, value in declared.items()))
            for use in found:
                use.attrib.pop("style", None)


def _declared(style: str) -> dict[str, str]:
    pairs = (part.split(":", 1) for part in style.split(";") if ":" in part)
    return {key.strip(): value.strip() for key, value in pairs}


def _unwrap(parent: Element, axes: set[Element]) -> None:
    children: list[Element] = []
    for child in parent:
        _unwrap(child, axes)
        if child.tag == "g" and not child.attrib:
            children += child
        elif child.tag not in {"g", "defs"} or len(child):
            children.append(child)
    if parent in axes:
        # Grid lines, ticks and labels of one axis do not lie on each other, so they may be sorted by kind.
        children.sort(key=lambda child: _KINDS.get(child.tag, 1))
    parent[:] = []
    for shared, run in groupby(children, _shared):
        alike = list(run)
        if shared and len(alike) > 1:
            group = SubElement(parent, "g", dict(shared))
            for child in alike:
                for key, _ in shared:
                    del child.attrib[key]
            group.extend(alike)
        else:
            parent.extend(alike)


def _shared(element: Element) -> tuple[tuple[str, str], ...]:
    """What an element's neighbours may have in common with it, so that a group around them can say it for all."""
    if element.tag not in {"path", "use", "text"} or "transform" in element.attrib:
        return ()
    if _NOT_INHERITED.search(element.get("style", "")):
        return ()
    return tuple((key, element.attrib[key]) for key in ("clip-path", "style") if key in element.attrib)
