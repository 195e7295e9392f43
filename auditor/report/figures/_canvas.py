"""From matplotlib to a small inline SVG that follows the page: its colours, its font, its ids."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from auditor.report.figures._lean import lean
from auditor.report.figures._library import prepare_matplotlib

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Colours are drawn as placeholders and become the page's custom properties, so one figure serves light, dark and print.
# The value after the comma is what a viewer without the page's style sheet uses (Okabe-Ito).
INK, MUTED, LINE, SUSPECT, HELDOUT, GUARD, CONTROL, PAPER = (f"#0000f{digit}" for digit in range(8))
_PAINTS = {
    INK: "var(--ink, #1b1e23)",
    MUTED: "var(--muted, #565d66)",
    LINE: "var(--line, #d5d9df)",
    SUSPECT: "var(--suspect, #d55e00)",
    HELDOUT: "var(--heldout, #0072b2)",
    GUARD: "var(--guard, #007a59)",
    CONTROL: "var(--control, #a6527f)",
    PAPER: "var(--paper, #ffffff)",
}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "auditor",
    "font.family": ["DejaVu Sans"],
    "font.size": 12.0,
    "text.parse_math": False,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 1.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid.axis": "x",
    "grid.color": LINE,
    "grid.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.labelsize": 12.0,
    "ytick.labelsize": 12.0,
    "xtick.major.size": 4.0,
    "ytick.major.size": 4.0,
    "path.simplify": False,
}
_SVG = "{http://www.w3.org/2000/svg}"
_HREF = "{http://www.w3.org/1999/xlink}href"
_DECIMALS = re.compile(r"(-?\d+\.\d\d)\d+")
# matplotlib writes the font as one property or as several, depending on its version.
_FONT = re.compile(r"font: (?:(bold|\d+) )?([\d.]+px) [^;]*")
_FAMILY = re.compile(r"font-family: [^;]*;? ?")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
WIDTH = 640.0


def draw_svg(name: str, title: str, description: str, height: float, paint: Callable[[Figure], None]) -> str:
    """Draw one figure, 640 user units (CSS pixels) wide.

    Args:
        name: Prefix of every id, so that several figures can stand in one document.
        title: The figure's accessible name.
        description: Its text alternative.
        height: In user units.
        paint: Draws on an empty matplotlib figure.

    Returns:
        An `<svg>` element. The same arguments and the same matplotlib give the same bytes.
    """
    prepare_matplotlib()
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    drawn = io.StringIO()
    with mpl.rc_context(), warnings.catch_warnings():
        # The page's own font draws the text, so a glyph that matplotlib's font lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure = Figure(figsize=(WIDTH / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        paint(figure)
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(drawn, format="svg", transparent=True, metadata=metadata)
    return _inline(drawn.getvalue(), name, title, description)


def panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Add axes at a position in user units from the top left corner."""
    full = figure.get_figheight() * 72
    return figure.add_axes((left / WIDTH, 1 - (top + height) / full, width / WIDTH, height / full))


def _inline(document: str, name: str, title: str, description: str) -> str:
    root = ElementTree.fromstring(document)
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in {f"{_SVG}metadata", f"{_SVG}style"}:
                parent.remove(child)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        element.attrib = {key: value for pair in element.attrib.items() for key, value in [_attribute(name, *pair)]}
        if element.text is not None and not element.text.strip():
            element.text = None
        element.tail = None
    lean(root, name)
    root.attrib = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": root.attrib["viewBox"],
        "role": "img",
        "aria-labelledby": f"{name}-title",
        "aria-describedby": f"{name}-desc",
    }
    for position, (tag, text) in enumerate((("title", title), ("desc", description))):
        label = ElementTree.Element(tag, {"id": f"{name}-{tag}"})
        label.text = text
        root.insert(position, label)
    return ElementTree.tostring(root, encoding="unicode")


def _attribute(name: str, key: str, value: str) -> tuple[str, str]:
    if key == "id":
        return key, f"{name}-{value}"
    if key == _HREF:
        return "href", f"#{name}-{value.removeprefix('#')}"
    for placeholder, paint in _PAINTS.items():
        value = value.replace(placeholder, paint)
    if key == "style":
        value = _FAMILY.sub("", _FONT.sub(r"font-weight: \1; font-size: \2", value).replace("font-weight: ; ", ""))
    value = _REFERENCE.sub(rf"url(#{name}-\1)", value)
    return key, _DECIMALS.sub(r"\1", value)
