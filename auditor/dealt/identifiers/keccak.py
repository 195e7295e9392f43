"""Keccak-256 as Ethereum uses it: SHA-3 before its padding was changed, so `hashlib` does not have it."""

from __future__ import annotations

_WORD = (1 << 64) - 1
_RATE = 136
_ROUNDS = 24


def _constants() -> list[int]:
    """Round constants from the linear feedback register of FIPS 202, section 3.2.5."""
    register, found = 1, []
    for _ in range(_ROUNDS):
        constant = 0
        for bit in range(7):
            constant |= (register & 1) << ((1 << bit) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        found.append(constant)
    return found


_CONSTANTS = _constants()


def _turn(value: int, by: int) -> int:
    return ((value << by) | (value >> (64 - by))) & _WORD if by else value


def _permute(state: list[int]) -> list[int]:
    for constant in _CONSTANTS:
        columns = [state[x] ^ state[x + 5] ^ state[x + 10] ^ state[x + 15] ^ state[x + 20] for x in range(5)]
        state = [lane ^ columns[(at + 4) % 5] ^ _turn(columns[(at + 1) % 5], 1) for at, lane in enumerate(state)]
        x, y, carried = 1, 0, state[1]
        for step in range(24):
            x, y = y, (2 * x + 3 * y) % 5
            state[x + 5 * y], carried = _turn(carried, (step + 1) * (step + 2) // 2 % 64), state[x + 5 * y]
        rows = [state[y : y + 5] for y in range(0, 25, 5)]
        state = [row[x] ^ (~row[(x + 1) % 5] & row[(x + 2) % 5] & _WORD) for row in rows for x in range(5)]
        state[0] ^= constant
    return state


def keccak256(data: bytes) -> bytes:
    """The digest, 32 bytes. Source: Bertoni, Daemen, Peeters and Van Assche 2011."""
    padded = bytearray(data + b"\x01" + bytes(-(len(data) + 1) % _RATE))
    padded[-1] |= 0x80
    state = [0] * 25
    for start in range(0, len(padded), _RATE):
        for lane in range(_RATE // 8):
            state[lane] ^= int.from_bytes(padded[start + 8 * lane : start + 8 * lane + 8], "little")
        state = _permute(state)
    return b"".join(lane.to_bytes(8, "little") for lane in state[:4])
