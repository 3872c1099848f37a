"""A part of texts that stream by: spread evenly over them, the same in each run, of a bounded size. Curves are computed, and examples taken, from it."""

from collections import Counter
from collections.abc import Iterable, Iterator

from .script import scripts_of_bytes, table

EXCERPT = 240  # bytes of an example


class Sample:
    """Texts that are kept of those that pass.

    Every text is kept at first; each time that they have become more than `limit` bytes, every second one goes, and from then on half as many are kept.

    Examples
    --------
    >>> sample = Sample(limit=4)
    >>> list(sample.watch([b"a", b"b", b"c", b"d", b"e", b"f"]))
    [b'a', b'b', b'c', b'd', b'e', b'f']
    >>> sample.texts
    [b'a', b'c', b'e']
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.texts = limit, list[bytes]()

    def watch(self, texts: Iterable[bytes]) -> Iterator[bytes]:
        """Give the texts on, and keep some."""
        step, held = 1, 0
        for i, text in enumerate(texts):
            if i % step == 0:
                kept = text[: self.limit]
                self.texts.append(kept)
                held += len(kept)
            while held > self.limit and len(self.texts) > 1:
                self.texts, step = self.texts[::2], 2 * step
                held = sum(map(len, self.texts))
            yield text


def examples(texts: list[bytes], number: int = 6) -> list[bytes]:
    r"""Take a line in each of the most frequent scripts: the first that is long enough, or the longest.

    >>> examples([b"one\ntwo\nthree", "три".encode()]) == [b"three", "три".encode()]
    True
    """
    names, often, best = table()[1], Counter[str](), dict[str, bytes]()
    for line in (line for text in texts for line in text.splitlines()):
        excerpt = beginning(line)
        scripts = Counter(scripts_of_bytes(excerpt).tolist())
        del scripts[0]
        if scripts:
            script = names[scripts.most_common(1)[0][0]]
            often[script] += len(line)
            best[script] = max(best.get(script, b""), excerpt, key=len)
    return [best[script] for script, _ in often.most_common(number)]


def beginning(text: bytes) -> bytes:
    r"""Cut a text behind a whole character.

    >>> len(beginning(b"a" + "é".encode() * 200))
    239
    """
    end = min(EXCERPT, len(text))
    while 0 < end < len(text) and end > EXCERPT - 4 and text[end] & 0xC0 == 0x80:
        end -= 1
    return text[:end]
