"""The draw: from weights to one id, exactly as often as they say, by throwing darts.

The ids stand side by side on a line, each as long as its weight, and a random number says where the dart hits. To know how long the line is takes the
weight of every id: an exponential for each of a vocabulary. But the best logit of a block of 256 ids tells how long the block can be at most. So put the
blocks on the line, each at its greatest possible length, and measure a block only when it is hit: the dart is on an id, and that is the draw; or in the
gap behind the block's last id, then close the gap and throw again. Every throw hits each id with a probability proportional to its weight, so the first
that hits an id draws exactly; and of five hundred blocks some twenty get measured.
"""

from collections.abc import Callable, Sequence

from ..philox import odd_bits

BLOCK = 256


def at(lengths: Sequence[int], point: int) -> tuple[int, int]:
    """Say in which piece a point of a line lies, and how far from the piece's start; the number of pieces, if it is behind the last."""
    for piece, length in enumerate(lengths):
        if point < length:
            return piece, point
        point -= length
    return len(lengths), point


def draw(longest: Sequence[int], masses: Callable[[int], Sequence[int]], seed: int, position: int, purpose: int) -> int:
    """Draw an id: `longest` says how long each block can be, `masses` gives the weights of a block's ids."""
    lengths, turn = list(longest), 0
    while True:
        block, point = at(lengths, odd_bits(seed, position, purpose, turn) * sum(lengths) >> 53)
        weights = masses(block)
        place, _ = at(weights, point)
        if place < len(weights):
            return block * BLOCK + place
        lengths[block] = sum(weights)
        turn += 1
