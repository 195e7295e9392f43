"""Smaller pictures that show the same."""

from __future__ import annotations

from xml.etree import ElementTree

from auditor.report.figures._lean import lean


def leaned(svg: str) -> str:
    root = ElementTree.fromstring(f"<svg>{svg}</svg>")
    lean(root, "f")
    return ElementTree.tostring(root, encoding="unicode").removeprefix("<svg>").removesuffix("</svg>")


def test_names_that_nothing_asks_for_go_and_others_are_numbered() -> None:
    svg = '<g id="axes"><clipPath id="f-p12"><rect id="r" /></clipPath><path clip-path="url(#f-p12)" d="" /></g>'
    assert leaned(svg) == '<clipPath id="f-0"><rect /></clipPath><path clip-path="url(#f-0)" d="" />'


def test_paths_are_rounded_and_keep_their_meaning() -> None:
    assert leaned('<path d="M 10.04 -20  L 30.26 4.97  z " />') == '<path d="M10 -20 30.3 5z" />'
    assert (
        leaned('<path d="M 0 3.25  C 0.86 3.25 1.68 2.9 2.3 2.3  L 1 1 " />')
        == '<path d="M0 3.2C0.9 3.2 1.7 2.9 2.3 2.3L1 1" />'
    )
    assert leaned('<path d="M 1 2  L 3 4  M 5 6  L 7 8 " />') == '<path d="M1 2 3 4M5 6 7 8" />'


def test_a_style_that_neighbours_share_is_said_once() -> None:
    svg = '<path d="M1 1" style="fill: none" /><path d="M2 2" style="fill: none" /><path d="M3 3" style="fill: red" />'
    assert (
        leaned(svg) == '<g style="fill: none"><path d="M1 1" /><path d="M2 2" /></g><path d="M3 3" style="fill: red" />'
    )


def test_opacity_is_not_shared_since_a_group_would_mix_otherwise() -> None:
    svg = '<path d="M1 1" style="fill: red; opacity: 0.3" /><path d="M2 2" style="fill: red; opacity: 0.3" />'
    assert leaned(svg) == svg


def test_what_is_turned_keeps_its_clip() -> None:
    turned = '<path clip-path="url(#c)" transform="rotate(5 1 1)" d="M1 1" />'
    assert leaned(2 * turned).count("url(#f-0)") == 2
    assert "transform" not in leaned('<text transform="rotate(-0 3.5 4)">a</text>')


def test_a_mark_used_in_one_style_bears_it() -> None:
    mark = '<defs><path id="m" d="M0 0" style="stroke: red" /></defs>'
    use = '<use href="#m" x="1" style="fill: blue; stroke: green" />'
    assert leaned(f"{mark}{use}<text />{use}") == (
        '<defs><path id="f-0" d="M0 0" style="fill: blue; stroke: red" /></defs>'
        '<use href="#f-0" x="1" /><text /><use href="#f-0" x="1" />'
    )


def test_a_mark_used_in_two_styles_stays() -> None:
    mark = '<defs><path id="m" d="M0 0" /></defs>'
    one, other = (f'<use href="#m" style="fill: {colour}" />' for colour in ("blue", "red"))
    assert leaned(f"{mark}{one}<text />{other}").count("style=") == 2


def test_empty_groups_go_and_order_stays_outside_an_axis() -> None:
    assert leaned('<g id="a"><g id="b" /><text>1</text><path d="M1 1" /></g>') == '<text>1</text><path d="M1 1" />'
    axis = '<g id="matplotlib.axis_1"><text>1</text><path d="M1 1" /><text>2</text></g>'
    assert leaned(axis) == '<path d="M1 1" /><text>1</text><text>2</text>'
