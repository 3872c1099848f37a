"""Where ids stand in a text: offsets, and cutting a text so that it encodes to no more than so many ids.

Tokens are cut between bytes, people count characters. A token that holds a part of a character is given the whole of it, and a text is never cut
inside one. A shortened text can encode to more ids than it kept of the long one (its last blanks may be shared out otherwise), so what is cut is
encoded again and cut further until it fits.
"""

from collections.abc import Callable, Sequence

Span = tuple[int, int]


def character_numbers(data: bytes) -> list[int]:
    """Give the number of the character that each byte belongs to."""
    characters = data.decode("utf-8", "surrogateescape")
    return [number for number, c in enumerate(characters) for _ in c.encode("utf-8", "surrogateescape")]


def offsets(data: bytes, spans: Sequence[Span], unit: str) -> list[int]:
    """Give (start, end) of each token in bytes or in the characters that it touches, one after the other."""
    if unit == "bytes":
        return [place for span in spans for place in span]
    numbers = character_numbers(data)
    numbers.append(numbers[-1] + 1 if numbers else 0)
    return [place for start, end in spans for place in (numbers[start], numbers[end - 1] + 1 if end > start else numbers[start])]


def truncate(data: bytes, spans: Sequence[Span], max_tokens: int, keep: str, count: Callable[[bytes], int]) -> bytes:
    """Keep the head, the tail or the middle of a text whose tokens stand in these bytes."""
    numbers = [*character_numbers(data), -1]
    found, room, step, kept = len(spans), min(max_tokens, len(spans)), 1, data
    while found > max_tokens:
        spare = len(spans) - room
        first = {"head": 0, "tail": spare, "middle": spare // 2}[keep]
        start, end = (spans[first][0], spans[first + room - 1][1]) if room else (0, 0)
        while start and numbers[start] == numbers[start - 1]:
            start += 1
        while end and numbers[end] == numbers[end - 1]:
            end -= 1
        kept = data[start:end]
        found = count(kept)
        # By the excess, but in doubling steps: a cut that shifts all that follows it may be bad where its neighbour is good.
        room = max(0, room - min(step, max(0, found - max_tokens)))
        step *= 2
    return kept
