"""Whether something is as frequent on one side as on the other."""

from __future__ import annotations


def uneven_p(counts: tuple[int, int], totals: tuple[int, int]) -> float:
    """Two-sided p-value of Fisher's exact test that both sides have the same rate; 1 where neither has any.

    Args:
        counts: How many of each side have it.
        totals: How many there are of each side.
    """
    if not any(counts):
        return 1.0
    from scipy.stats import fisher_exact  # takes a second to import: only where it is computed

    table = [[counts[0], totals[0] - counts[0]], [counts[1], totals[1] - counts[1]]]
    return float(fisher_exact(table).pvalue)
