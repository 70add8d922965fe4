"""Feeds the spec language with text that nobody would write, for a bounded time: `make fuzz`.

Coverage leads the way where the fuzzer for this Python is installed; elsewhere mutations are drawn
blindly. A text that breaks a promise is written to a file, with the command that replays it.
"""

from __future__ import annotations

import argparse
import hashlib
import importlib.util
import json
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

FOLDER = Path(".fuzz")
LARGEST = 20_000
# Longer ones are matrices of ten thousands of variants, which leave no time for anything else.
LARGEST_SEED = 1_800
HERE = Path(__file__).parent


def main() -> int:
    """Runs until the time is over or a promise is broken; returns 1 then."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("replay", type=Path, nargs="*", help="texts to check instead")
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    options = parser.parse_args()
    if options.replay:
        check = load_check()
        for path in options.replay:
            check(path.read_bytes())
        return 0
    FOLDER.mkdir(exist_ok=True)
    print(f"Fuzzing for {options.seconds} s with seed {options.seed}")  # noqa: T201
    print(f"Texts that fail, hang or grow are kept as {FOLDER}/failing-*, timeout-* and oom-*;")  # noqa: T201
    print(f"replay one: python -m tests.spec.fuzz {FOLDER}/NAME", flush=True)  # noqa: T201
    if importlib.util.find_spec("atheris"):
        return guided(options.seconds, options.seed)
    return blind(options.seconds, options.seed)


def load_check() -> Callable[[bytes], None]:
    """What has to hold for every text: it is read, or explained with places."""
    from tests.spec.test_properties import check

    return check


def guided(seconds: int, seed: int) -> int:
    """Led by the coverage of what is run; ends the process."""
    import atheris

    with atheris.instrument_imports(include=["runner.spec"]):
        check = load_check()
    corpus = FOLDER / "corpus"
    corpus.mkdir(exist_ok=True)
    for content in seeds():
        (corpus / hashlib.sha256(content).hexdigest()[:16]).write_bytes(content)
    words = FOLDER / "words.dict"
    words.write_text("".join(f"{json.dumps(word)}\n" for word in vocabulary()), encoding="utf-8")

    def one(content: bytes) -> None:
        watched(check, content)

    arguments = [
        *("-timeout=60", "-rss_limit_mb=1500", f"-max_len={LARGEST}", f"-seed={seed}"),
        *(f"-max_total_time={seconds}", f"-dict={words}", f"-artifact_prefix={FOLDER}/"),
        *("-print_final_stats=1", "-verbosity=0", str(corpus)),
    ]
    atheris.Setup([sys.argv[0], *arguments], one)
    atheris.Fuzz()
    return 0


def blind(seconds: int, seed: int) -> int:
    """Random mutations of known texts."""
    check, chance = load_check(), random.Random(seed)
    known, words = list(seeds()), [word.encode() for word in vocabulary()]
    end, count = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        content = chance.choice(known)
        for _ in range(chance.randrange(1, 6)):
            content = mutated(content, chance.choice(known), chance.choice(words), chance)
        watched(check, content[:LARGEST])
        count += 1
    print(f"{count} texts, every one read or explained")  # noqa: T201
    return 0


def mutated(content: bytes, other: bytes, word: bytes, chance: random.Random) -> bytes:
    """One piece put in, cut out, taken from another text, or changed in a bit."""
    start = chance.randrange(len(content) + 1)
    end = min(len(content), start + chance.randrange(30))
    piece = chance.choice(
        [b"", word, other[start:end], content[start:end] * 2, bytes([chance.randrange(256)])]
    )
    return content[:start] + piece + content[end:]


def watched(check: Callable[[bytes], None], content: bytes) -> None:
    """Checks a text; one that fails is kept."""
    try:
        check(content)
    except BaseException:
        path = FOLDER / f"failing-{hashlib.sha256(content).hexdigest()[:12]}.yaml"
        path.write_bytes(content)
        sys.stderr.write(
            f"\nThis text fails: {path}\nReplay it: python -m tests.spec.fuzz {path}\n"
        )
        raise


def seeds() -> list[bytes]:
    """Valid and invalid specs to start from."""
    paths = [*HERE.glob("valid/*.yaml"), *HERE.glob("invalid/*.yaml")]
    contents = [path.read_bytes() for path in sorted(paths)]
    return [content for content in contents if len(content) <= LARGEST_SEED]


def vocabulary() -> list[str]:
    """The keys and words of the language, and the signs of YAML."""
    from runner.spec.schema import spec_schema
    from tests.spec.test_properties import FRAGMENTS

    found = dict.fromkeys(one for one in FRAGMENTS if one.isascii() and one.isprintable())
    waiting: list[Any] = [spec_schema()]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found |= dict.fromkeys(f"{key}: " for key in one.get("properties", ()))
            found |= dict.fromkeys(word for word in one.get("enum", ()) if isinstance(word, str))
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return list(found)


if __name__ == "__main__":
    sys.exit(main())
