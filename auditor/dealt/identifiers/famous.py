"""Identifiers that stand in many texts, and such as no random draw gives: no evidence of any one file."""

from __future__ import annotations

import hashlib
import re
import string
from functools import cache

_HASHED = (
    *(
        "",
        " ",
        "\n",
        "\0",
        "0",
        "1",
        "a",
        "abc",
        "{}",
        "[]",
        "null",
        "true",
        "false",
        "test",
        "test\n",
        "hello",
        "hello\n",
    ),
    *(
        "hello world",
        "hello world\n",
        "Hello World",
        "Hello World!",
        "Hello, World!",
        "Hello, world!",
        "foo",
        "foo\n",
        "bar",
    ),
    *(
        "foobar",
        "password",
        "Password",
        "passwd",
        "admin",
        "root",
        "user",
        "guest",
        "secret",
        "qwerty",
        "letmein",
        "welcome",
    ),
    *(
        "123",
        "1234",
        "12345",
        "123456",
        "1234567",
        "12345678",
        "123456789",
        "1234567890",
        "111111",
        "000000",
        "iloveyou",
    ),
    *("message digest", "The quick brown fox jumps over the lazy dog", "The quick brown fox jumps over the lazy dog."),
    *(string.ascii_lowercase, string.ascii_uppercase + string.ascii_lowercase + string.digits, "1234567890" * 8),
    *("example", "example.com", "hello, world", "data", "demo", "changeme", "default", "monkey", "dragon", "football"),
)
"""Texts whose digests are in every tutorial, test and table of passwords."""

_NAMED = frozenset(
    (
        *("4b825dc642cb6eb9a060e54bf8d69288fbee4904", "e69de29bb2d1d6434b8b29ae775ad8c2e48c5391"),  # git: empty
        "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",  # git: the empty tree in SHA-256
        *("f47ac10b58cc4372a5670e02b2c3d479", "550e8400e29b41d4a716446655440000"),  # UUIDs of documentation
        *("9125a8dc52ee436587c2b7a36b5e9c4a", "3fa85f6457174562b3fc2c963f66afa6", "6fa459eaee8a3ca4894edb77e160355e"),
        "c02aaa39b223fe8d0a0e5c4f27ead9083c756cc2",  # contracts: wrapped ether, USDT, USDC, DAI, two of Uniswap's
        *("dac17f958d2ee523a2206206994597c13d831ec7", "a0b86991c6218b36c1d19d4a2e9eb0ce3606eb48"),
        *("6b175474e89094c44da98b954eedeac495271d0f", "7a250d5630b4cf539739df2c5dacb4c659f2488d"),
        "5c69bee701ef814a2b6a3edd4b1652cb9cc5aa6f",
        *("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "fb6916095ca1df60bb79ce92ce3ea74c37c5d359"),  # EIP-55
        *("dbf03b407c01e7cd3cbea99509d93f8dddc8c6fb", "d1220a0cf47c7b9be7a2e6ba89f429762e7b9adb"),
        *("f39fd6e51aad88f6f4ce6ab8827279cfffb92266", "70997970c51812dc3a010c7d01b50e0d17dc79c8"),  # test wallets
    )
)

_RUN = re.compile(r"(.)\1{6}")
_COUNTING = ("0123456789"[:7], "1234567", "2345678", "3456789", "abcdef0", "9876543", "8765432", "7654321", "deadbeef")
_FEWEST_DIGITS = 8


@cache
def famous_payloads() -> frozenset[str]:
    """Payloads of identifiers that are known to many."""
    digests = {
        hashlib.new(name, text.encode()).hexdigest()
        for text in _HASHED
        for name in ("md5", "sha1", "sha256", "sha384", "sha512")
    }
    return frozenset(digests) | _NAMED


def patterned(payload: str) -> bool:
    """Whether a payload has a form that people choose: a run of one digit, counting, few different digits.

    A random payload of 32 digits has such a form with a probability of about 1e-5. Decoys are held to the same, so that
    identifier and decoys keep one law.
    """
    return (
        _RUN.search(payload) is not None
        or any(counting in payload for counting in _COUNTING)
        or len(set(payload)) < _FEWEST_DIGITS
    )
