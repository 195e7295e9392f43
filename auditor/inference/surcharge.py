"""What a p-value pays for keys that its owner may have tried in secret."""

from __future__ import annotations

import math


def paid_p(p_value: float, bits: int) -> float:
    """min(1, 2^bits p): a p-value for the luckiest of 2^bits keys.

    Null: the model depends on none of the keys. Unit: the key. Assumption: at most 2^bits keys were tried; none on what
    they were tried on or on their dependence. Source: the union bound, as Bonferroni's correction.

    Args:
        p_value: The exact p-value of the key that was shown.
        bits: Binary logarithm of the number of keys; 0 where a beacon chose the coins after the commitment.

    Raises:
        ValueError: The p-value lies outside 0 to 1, or the bits are negative.
    """
    if not 0 <= p_value <= 1 or bits < 0:
        raise ValueError(f"a p-value from 0 to 1 and whole bits from 0 are needed, not {p_value} and {bits}")
    # Compared before it is multiplied: the product may exceed every float.
    return 1.0 if p_value >= math.ldexp(1.0, -bits) else math.ldexp(p_value, bits)
