"""The one figure of a test, a small inline SVG: where published text stands among its rivals."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from auditor.report.dealt.words import is_natural
from auditor.results.dealt.result import DealtResult

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _TOP = 720, 240, 56, 44, 16
_BINS = 20
_NOUNS = {"file-order": "blocks in their own order", "identifiers": "identifiers"}
_SUSPECT, _INK, _LINE = "var(--suspect, #d55e00)", "var(--ink, #1b1e23)", "var(--line, #d5d9df)"


@dataclass(frozen=True, slots=True)
class RankFigure:
    """The figure with its words.

    Attributes:
        svg: The drawing.
        title: What it is called.
        caption: How it is read.
        words: What it shows, in a sentence.
        bars: Label and count of each bar, and the count that chance gives.
    """

    svg: str
    title: str
    caption: str
    words: str
    bars: tuple[tuple[str, int, float], ...]


def draw(result: DealtResult) -> RankFigure | None:
    """Bars of where the published texts stand; None where nothing was scored."""
    bars, title, across = _twins(result) if result.plan.design == "twins" else _ranks(result)
    total = sum(count for _, count, _ in bars)
    if not total:
        return None
    middle, noun = len(bars) // 2, _NOUNS.get(result.plan.design, "published texts")
    chance = "chance" if is_natural(result) else "coins"
    upper = sum(count for _, count, _ in bars[-middle:])
    share = sum(expected for _, _, expected in bars[-middle:]) / total
    return RankFigure(
        svg=_svg(bars, title, across),
        title=title,
        caption=f"Each bar counts {noun}; the line is what {chance} alone would give. Bars that grow to the right "
        f"say that the model prefers {'them' if is_natural(result) else 'what was published'}.",
        words=f"{upper:,} of {total:,} {noun} stand in the {middle} bars on the right, where {chance} alone "
        f"would give about {share * total:.0f}.",
        bars=bars,
    )


def _ranks(result: DealtResult) -> tuple[tuple[tuple[str, int, float], ...], str, str]:
    """Published texts by the share of rivals that they exceed."""
    holdout = result.plan.design == "holdout"
    chosen = [unit for unit in result.units if unit.rank is not None and (unit.published == 1 or not holdout)]
    rivals = max((unit.rivals for unit in chosen), default=0)
    bins = min(_BINS, rivals + 1)
    where = Counter((unit.rank or 0) * bins // (unit.rivals + 1) for unit in chosen)
    widths = Counter(rank * bins // (rivals + 1) for rank in range(rivals + 1))
    bars = tuple(
        (_label(one, bins, rivals), where[one], len(chosen) * widths[one] / (rivals + 1)) for one in range(bins)
    )
    what = "documents" if holdout else "candidates of the same unit"
    if is_natural(result):
        noun = _NOUNS[result.plan.design]
        return bars, f"Where {noun} stand", "rivals that score below"
    return bars, "Where published texts stand", f"{what} that score below the published one"


def _label(one: int, bins: int, rivals: int) -> str:
    members = [rank for rank in range(rivals + 1) if rank * bins // (rivals + 1) == one]
    return str(members[0]) if len(members) == 1 else f"{members[0]} to {members[-1]}"


def _twins(result: DealtResult) -> tuple[tuple[tuple[str, int, float], ...], str, str]:
    """Differences by size, those against the published wording on the left."""
    margins = [unit.margin for unit in result.units if unit.margin is not None]
    largest = max((abs(margin) for margin in margins), default=0.0)
    bins = 16
    width = 2 * largest / bins if largest else 1.0
    places = Counter(min(bins - 1, max(0, int((margin + largest) / width))) for margin in margins)
    bars = tuple(
        (
            f"{-largest + one * width:.3g} to {-largest + (one + 1) * width:.3g}",
            places[one],
            (places[one] + places[bins - 1 - one]) / 2,
        )
        for one in range(bins)
    )
    return bars, "Published less withheld wording", "difference of the two scores (nats)"


def _svg(bars: tuple[tuple[str, int, float], ...], title: str, across: str) -> str:
    tallest = max(max(count, expected) for _, count, expected in bars) or 1
    step = (_WIDTH - _LEFT - 12) / len(bars)
    floor = _HEIGHT - _BOTTOM

    def height(count: float) -> float:
        return round((floor - _TOP) * count / tallest, 1)

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{title}" focusable="false">',
        f'<path d="M{_LEFT} {floor}H{_WIDTH - 12}" stroke="{_LINE}" fill="none"/>',
        f'<text x="{_LEFT - 8}" y="{_TOP + 10}" text-anchor="end" font-size="12" fill="{_INK}">{tallest:,.0f}</text>',
        f'<text x="{_LEFT - 8}" y="{floor}" text-anchor="end" font-size="12" fill="{_INK}">0</text>',
    ]
    for one, (label, count, expected) in enumerate(bars):
        left = round(_LEFT + one * step, 1)
        parts.append(
            f'<rect x="{left + 1}" y="{floor - height(count)}" width="{round(step - 2, 1)}" height="{height(count)}" '
            f'fill="{_SUSPECT}"><title>{label}: {count:,}</title></rect>'
        )
        parts.append(
            f'<path d="M{left} {floor - height(expected)}h{round(step, 1)}" stroke="{_INK}" stroke-width="1.5" '
            'fill="none"/>'
        )
    ends = (bars[0][0], "start", _LEFT), (bars[-1][0], "end", _WIDTH - 12)
    parts += [
        f'<text x="{x}" y="{floor + 16}" text-anchor="{anchor}" font-size="12" fill="{_INK}">{label}</text>'
        for label, anchor, x in ends
    ]
    middle = (_LEFT + _WIDTH) // 2
    parts.append(
        f'<text x="{middle}" y="{_HEIGHT - 8}" text-anchor="middle" font-size="12" fill="{_INK}">{across}</text>'
    )
    return "".join([*parts, "</svg>"])
