"""How numbers and foreign text are written down, the same in every format."""

from __future__ import annotations

import re
from collections.abc import Iterator

from auditor.results.forgetting.estimate import Estimate
from auditor.results.separability import Interval

_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_EXPONENT = re.compile(r"e([+-])0*(\d+)")


def _exact_enough(written: Iterator[str], value: float, *limits: float | None) -> str:
    """The first spelling that stands on the same side of each limit as the value; on it only where the value is."""

    def side(of: float) -> list[int]:
        return [(of > limit) - (of < limit) for limit in limits if limit is not None]

    return next((text for text in written if side(float(text.replace(",", ""))) == side(value)), repr(value))


def format_number(value: float, limit: float | None = None) -> str:
    """Write a number in plain ASCII: whole, to one decimal from 1,000, or to three significant digits.

    Args:
        value: The number.
        limit: What it was held against; digits are added until rounding no longer moves the value across it.
    """
    if value == int(value) and abs(value) < 1e15:
        return f"{int(value):,}"
    if abs(value) >= 1000:
        return _exact_enough((f"{value:,.{decimals}f}" for decimals in range(1, 18)), value, limit)
    return _exact_enough((f"{value:.{digits}g}" for digits in range(3, 18)), value, limit)


def format_p(value: float, limit: float | None = None) -> str:
    """A p-value to four decimals, or to two digits below 0.001; more where rounding would move it across `limit`."""
    if value < 0.001:
        return _exact_enough((f"{value:.{digits}g}" for digits in range(2, 18)), value, limit)
    return _exact_enough((f"{value:.{decimals}f}" for decimals in range(4, 20)), value, limit)


def format_z(value: float, limit: float | None = None) -> str:
    """A standardised statistic to two decimals; more where rounding would move it across `limit`."""
    return _exact_enough((f"{value:.{decimals}f}" for decimals in range(2, 20)), value, limit)


def format_auc(value: float) -> str:
    """An AUC, to three decimals."""
    return f"{value:.3f}"


def format_difference(value: float) -> str:
    """A difference of AUCs to three decimals; more where rounding would hide on which side of zero it lies."""
    written = f"{value:.3f}"
    return format_number(value) if float(written) == 0 and value != 0 else written


def format_fixed(value: float, *limits: float) -> str:
    """A number to three decimals; more where rounding would move it across one of `limits`."""
    written = (f"{value:,.{decimals}f}" for decimals in range(3, 20))
    spelled = _exact_enough(written, value, *limits)
    return "0.000" if spelled == "-0.000" else spelled


def format_estimate(value: Estimate, *limits: float) -> str:
    """A figure and both ends of its interval, none of them rounded across one of `limits`."""
    return f"{format_fixed(value.value, *limits)} ({ends(value, *limits)})"


def ends(value: Estimate, *limits: float) -> str:
    """Both ends of an interval, neither rounded across one of `limits`."""
    return f"{format_fixed(value.low, *limits)} to {format_fixed(value.high, *limits)}"


def format_interval(value: Interval) -> str:
    """Both ends of an interval of AUCs."""
    return f"{format_auc(value.low)} to {format_auc(value.high)}"


def format_percent(share: float) -> str:
    """A share as per cent."""
    return f"{format_number(100 * share)}%"


def in_hundred(value: float) -> str:
    """An AUC as 'so many in 100', never rounded to certainty."""
    if 0.995 <= value < 1:
        return "more than 99"
    return "fewer than 1" if 0 < value < 0.005 else f"{100 * value:.0f}"


def typeset(written: str) -> str:
    """A number written by this module with the signs a printed page uses: a true minus, powers of ten."""

    def power(match: re.Match[str]) -> str:
        sign = "⁻" if match.group(1) == "-" else ""
        return f" × 10{sign}{match.group(2).translate(_SUPERSCRIPT)}"

    return _EXPONENT.sub(power, written).replace("-", "\N{MINUS SIGN}")


def moment(iso: str) -> str:
    """A time in ISO 8601 as people read it, to the minute: `2026-03-14 09:26 UTC`; anything else as it is."""
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)T(\d\d:\d\d)(?::\d\d(?:\.\d+)?)?(Z|\+00:00)", iso)
    return f"{match[1]} {match[2]} UTC" if match else iso
