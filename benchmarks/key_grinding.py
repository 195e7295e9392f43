"""An innocent model, convicted by a key that was chosen for it: what a beacon and the surcharge are for.

    python benchmarks/key_grinding.py
    python benchmarks/key_grinding.py --bits 20 --correlation 0.95

An owner deals 400 documents with two versions each. Before he commits to a key he tries 2^bits of them on a public
model and keeps the one by which its published versions look most familiar. No model has read anything. Which version a
model prefers is largely a matter of wording, so the preferences of the accused model correlate with those of the public
one, and the key that was lucky on one is lucky on the other. The commitment is genuine and time-stamped: it proves when
the key was fixed, and not that it was the first.

With a beacon the coins depend on randomness after the commitment, so there is nothing to choose from. Without one, the
p-value is multiplied by the number of keys that may have been tried, and is then valid for the luckiest of them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass

import numpy as np

from auditor.inference.design import Floats
from auditor.inference.signed_rank import signed_rank_test
from auditor.inference.surcharge import paid_p

DOCUMENTS = 400
ALPHA = 0.01
_CHUNK = 1 << 14


@dataclass(frozen=True)
class Grinding:
    """One owner.

    Attributes:
        shown: p-value of the accused model by the key that was chosen.
        paid: The same after the surcharge.
        beacon: p-value of the accused model where a beacon makes the coins.
    """

    shown: float
    paid: float
    beacon: float


def grind(bits: int, correlation: float, rng: np.random.Generator) -> Grinding:
    """Try 2^bits keys on a public model and bring the luckiest against another, neither of which read anything.

    Args:
        bits: Binary logarithm of the keys.
        correlation: Of the two models' preferences between versions.
        rng: Draws the preferences and, in the place of the hash of a key, the coins.
    """
    public, own = rng.standard_normal((2, DOCUMENTS))
    accused = correlation * public + np.sqrt(1 - correlation**2) * own
    chosen = luckiest_key(public, 2**bits, rng)
    shown = p_of(accused * chosen)
    beacon = p_of(accused * rng.choice((-1.0, 1.0), DOCUMENTS))
    return Grinding(shown, paid_p(shown, bits), beacon)


def luckiest_key(preferences: Floats, keys: int, rng: np.random.Generator) -> Floats:
    """The coins [documents], each 1 or -1, by which published versions are preferred most."""
    best, coins = -np.inf, preferences
    for start in range(0, keys, _CHUNK):
        tried = rng.integers(0, 2, size=(min(_CHUNK, keys - start), len(preferences)), dtype=np.int8) * 2 - 1
        sums = tried.astype(np.float32) @ preferences.astype(np.float32)
        if sums.max() > best:
            best, coins = sums.max(), tried[sums.argmax()].astype(np.float64)
    return coins


def p_of(differences: Floats) -> float:
    """The exact p-value of published against withheld versions; no two differences are equal."""
    units = len(differences)
    return signed_rank_test(differences, np.arange(units), np.zeros(units, dtype=bool)).p_value


def main() -> None:
    """Grind for several owners and count the convictions."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--bits", type=int, nargs="+", default=[10, 14, 18])
    parser.add_argument("--correlation", type=float, nargs="+", default=[0.5, 0.8, 0.95])
    parser.add_argument("--owners", type=int, default=40)
    options = parser.parse_args()
    print(f"{'keys':>8}{'correlation':>13}{'median p shown':>16}{'convicted':>11}{'paid for':>10}{'beacon':>8}")
    for bits in options.bits:
        for correlation in options.correlation:
            found = [grind(bits, correlation, np.random.default_rng([seed, bits])) for seed in range(options.owners)]
            convicted, paid, beacon = (
                np.mean([getattr(owner, name) <= ALPHA for owner in found]) for name in ("shown", "paid", "beacon")
            )
            median = float(np.median([owner.shown for owner in found]))
            print(f"{f'2^{bits}':>8}{correlation:>13.2f}{median:>16.1e}{convicted:>11.0%}{paid:>10.0%}{beacon:>8.0%}")


if __name__ == "__main__":
    main()
