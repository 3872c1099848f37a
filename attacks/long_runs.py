"""A million characters without an end in sight, for every pattern, on a thread with a stack of 256 KiB: the text comes back, in linear time."""

import random
import threading

from run import holds, main, seconds

import toklet

SIZE = 1_000_000
LETTERS = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz", k=SIZE))
TEXTS = {
    "spaces and a letter": " " * (SIZE - 1) + "a",
    "line breaks": "\n" * SIZE,
    "spaces and line breaks": " \n \r\n" * (SIZE // 5),
    "one letter": "a" * SIZE,
    "random letters": LETTERS,
    "alternating case": "aA" * (SIZE // 2),
    "upper case": "A" * SIZE,
    "digits": "1" * SIZE,
    "combining marks": "\u0301" * SIZE,
    "letters of either case": "ª" * SIZE,
    "either and upper case": "ªA" * (SIZE // 2),
    "one of either, then upper case": "ª" + "A" * SIZE,
    "apostrophes": "'" * SIZE,
    "contractions": "'ll" * (SIZE // 3),
    "slashes and line breaks": "/\n" * (SIZE // 2),
    "broken UTF-8": b"\xe2\x82" * (SIZE // 2),
}


def attack() -> str:
    """Encode, decode and count each text."""
    worst, slowest = 0.0, ""
    for pattern in toklet.patterns:
        tok = toklet.train(["a aa aaa ab abc the and ªA 11 111 \n\n  'll"] * 9, 290, pattern=pattern)
        for name, text in TEXTS.items():
            data = text.encode() if isinstance(text, str) else text
            holds(tok.decode_bytes(tok.encode(text)) == data, f"{name}, {pattern}: the text does not come back")
            holds(tok.truncate(text, 10**9) == text and tok.count(text) > 0, f"{name}, {pattern}: it is cut or not counted")
            took = seconds(lambda tok=tok, text=text: tok.encode(text))
            worst, slowest = max((worst, slowest), (took, f"{name}, {pattern}"))
    holds(worst < 5, f"{slowest}: {worst:.1f} s for a million characters")
    return f"{len(TEXTS)} texts of a million characters, {len(toklet.patterns)} patterns; the slowest ({slowest}) took {worst:.2f} s"


def on_a_small_stack() -> str:
    """Run the attack on a thread with little room."""
    said: list[str | BaseException] = []

    def work() -> None:
        try:
            said.append(attack())
        except BaseException as error:
            said.append(error)

    threading.stack_size(256 << 10)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    if isinstance(said[0], BaseException):
        raise said[0]
    return said[0]


main(on_a_small_stack)
