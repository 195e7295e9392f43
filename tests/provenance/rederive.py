"""Derives a deal again from an opened batch, with the standard library alone: a second implementation.

    python rederive.py commitment.json units-1.jsonl secret.json [beacon.json]

Text of units is ASCII-escaped in their file; canonical JSON (RFC 8785) of them needs sorted keys and no spaces alone.
"""

import hashlib
import hmac
import json
import sys
from pathlib import Path


def words(key, label, unit):
    for block in range(10**6):
        name = b"auditor/draw/1\0" + label + b"\0" + unit.encode() + b"\0" + block.to_bytes(8, "big")
        digest = hmac.new(key, name, hashlib.sha256).digest()
        yield from (int.from_bytes(digest[i : i + 8], "big") for i in range(0, 32, 8))


def below(stream, n):
    return next(word for word in stream if word < 2**64 // n * n) % n


def tree(leaves):
    if len(leaves) == 1:
        return leaves[0]
    half = 2 ** ((len(leaves) - 1).bit_length() - 1)
    return hashlib.sha256(b"\1" + tree(leaves[:half]) + tree(leaves[half:])).digest()


def rederive(written, units, secret, randomness=b""):
    commitment = json.loads(written)
    batch = commitment["batches"][secret["id"] - 1]
    key = bytes.fromhex(secret["key"])
    assert hashlib.sha256(b"auditor/key/1" + bytes.fromhex(secret["salt"]) + key).hexdigest() == batch["key"]
    leaves = []
    for index, unit in enumerate(units):
        content = json.dumps(unit, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        salt = hmac.new(key, b"salt" + index.to_bytes(8, "big"), hashlib.sha256).digest()
        leaves.append(hashlib.sha256(b"\0" + salt + content).digest())
    assert tree(leaves).hex() == batch["root"]
    key += hashlib.sha256(randomness + hashlib.sha256(written).digest()).digest()
    if commitment["design"] == "holdout":
        stream, order = words(key, b"holdout", "documents"), list(range(len(units)))
        for last in range(len(order) - 1, 0, -1):
            other = below(stream, last + 1)
            order[last], order[other] = order[other], order[last]
        withheld = order[: min(len(order) - 1, max(1, round(len(order) * commitment["withheld_share"])))]
        return [int(index not in withheld) for index in range(len(units))]
    label = b"coin" if commitment["design"] == "twins" else b"choice"
    return [below(words(key, label, unit["id"]), len(unit["candidates"])) for unit in units]


if __name__ == "__main__":
    read = [json.loads(Path(path).read_bytes()) for path in sys.argv[3:]]
    lines = [json.loads(line) for line in Path(sys.argv[2]).read_bytes().splitlines()]
    number = int(sys.argv[2].rpartition("-")[2].partition(".")[0])
    opened = next(batch for batch in read[0]["batches"] if batch["id"] == number)
    beacon = bytes.fromhex(read[1]["randomness"]) if len(read) > 1 else b""
    print(*rederive(Path(sys.argv[1]).read_bytes(), lines, opened, beacon))
