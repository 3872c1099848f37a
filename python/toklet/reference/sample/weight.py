"""The arithmetic of sampling: the same bits on every machine, and sums that don't depend on their order.

A logit's weight is 2**((x - best) * log2(e) / T): the best one's is 1. It is computed in single precision from operations that IEEE 754 rounds in one way only
(subtraction, multiplication, fused multiply-add), and then written as a whole number of 2**-44. Whole numbers add up the same in every order, so a sum over
a vocabulary can be taken 16 at a time, on two threads, or from the left; there is no summation tree to agree on.

What is read as a number rather than drawn from (`softmax`, log-probabilities) uses `exp` and `ln`, in double precision, by the same few operations.
"""

import math
import struct
from collections.abc import Iterable

UNIT = 2**44  # the weight of the best logit, as a whole number
LARGEST = 3.4028234663852886e38  # of a single
LOWEST = -125.0  # under this power of two a weight counts as 0
TERMS = tuple(map(float.fromhex, ("0x1.5bf8c2p-10", "0x1.3cea66p-7", "0x1.c6b6a2p-5", "0x1.ebf9bcp-3", "0x1.62e42ap-1", "0x1p+0")))  # 2**r, minimax, 1e-7
LOG2_E, LN2, LN2_HIGH, LN2_LOW = 1.4426950408889634, 0.6931471805599453, 0.6931471803691238, 1.9082149292705877e-10
TAYLOR = [1.0 / math.factorial(n) for n in range(13, -1, -1)]  # of e**r, highest power first


def single(x: float) -> float:
    """Round to single precision; `x` is not beyond its range."""
    return float(struct.unpack("f", struct.pack("f", x))[0])


def fma(a: float, b: float, c: float) -> float:
    """Give a * b + c of singles, rounded once, to a single.

    The product is exact in double precision, the sum nearly: only where it falls in the middle between two singles does the part that was lost decide.
    """
    product = a * b
    total = product + c
    (bits,) = struct.unpack("q", struct.pack("d", total))
    if bits & 0x1FFFFFFF == 0x10000000:
        part = total - product
        lost = (product - (total - part)) + (c - part)
        if lost:
            total = math.nextafter(total, math.copysign(math.inf, lost))
    return single(total)


class Scale:
    """1/T in base 2, as two singles whose sum is exact enough, and the difference of logits under which a weight is 0."""

    def __init__(self, temperature: float) -> None:
        self.temperature = temperature
        exact = min(LOG2_E / temperature, 2.0**100)
        self.high = single(exact)
        self.low = single(exact - self.high)
        self.least = single(max(LOWEST / exact, -LARGEST))

    def weight(self, x: float, best: float) -> float:
        """Give e**((x - best) / T) for x <= best.

        >>> [round(Scale(0.5).weight(x, 3.0), 6) for x in (3.0, 2.0, 1.0)]
        [1.0, 0.135335, 0.018316]
        """
        if x == best:
            return 1.0
        if x == -math.inf:
            return 0.0
        d = single(max(x - best, self.least))
        if d == self.least != -LARGEST:
            return 0.0
        k = round(d * self.high)  # of the exact product, half to even
        r = fma(d, self.low, fma(d, self.high, -k))
        power = TERMS[0]
        for term in TERMS[1:]:
            power = fma(power, r, term)
        return math.ldexp(power, k)

    def mass(self, x: float, best: float) -> int:
        """Give the weight as a whole number of 2**-44."""
        return round(self.weight(x, best) * UNIT)  # half to even


def fraction(p: float) -> int:
    """Give a probability as a whole number of 2**-53, the unit of the random numbers."""
    return round(p * 2**53)


def exp(x: float) -> float:
    """Give e**x for x <= 0, within one unit in the last place or two; 0 under -708.

    x = k ln 2 + r with |r| <= ln 2 / 2: e**x is 2**k times the Taylor sum at r. Only +, -, * and floor: the same bits everywhere.
    """
    if x < -708.0:
        return 0.0
    k = math.floor(x * LOG2_E + 0.5)
    r = (x - k * LN2_HIGH) - k * LN2_LOW
    total = 0.0
    for term in TAYLOR:
        total = total * r + term
    return math.ldexp(total, k)


def ln(x: float) -> float:
    """Give the natural logarithm of x > 0, within one unit in the last place or two.

    x = m 2**k with m around 1: ln m is twice the area tangent of z = (m - 1) / (m + 1), a series in odd powers.

    >>> ln(1.0), abs(ln(10.0) - math.log(10.0)) < 1e-15
    (0.0, True)
    """
    m, k = math.frexp(x)
    if m < 0.7071067811865476:
        m, k = m * 2, k - 1
    z = (m - 1) / (m + 1)
    total = 0.0
    for n in range(21, 0, -2):
        total = total * (z * z) + 1.0 / n
    return k * LN2_HIGH + (k * LN2_LOW + 2 * z * total)


def add(values: Iterable[tuple[int, float]]) -> float:
    """Add doubles by id: sixteen sums, of the ids that leave the same remainder, in the order of the ids; then those from the left."""
    lanes = [0.0] * 16
    for id, value in values:
        lanes[id % 16] += value
    total = 0.0
    for lane in lanes:
        total += lane
    return total
