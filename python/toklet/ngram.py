"""NGram: a language model made of counts, so that the whole loop from corpus to generated text runs with no weights.

What comes next? Look at the last few ids, find every place of the corpus where the same ids stood, and see what came next there. A run of n ids is an
n-gram; the model of order 3 counts 3-grams and so looks back 2 ids. With c(h, w) for how often w came after the ids h, and c(h) for how often anything did,
c(h, w) / c(h) is a fair guess where h is frequent, and a bad one where it isn't: it says 0 for whatever has not happened yet. So no order is believed
alone. Each one mixes what it counted with what the next lower order says (h' is h without its first id):

    p(w | h) = (c(h, w) + T(h) p(w | h')) / (c(h) + T(h))        T(h): how many different ids came after h

T(h) is how often something new came after h while the corpus was read, so it is the weight that h deserves to give to what it has never seen (Witten and
Bell, 1991). Under the lowest order lies 1 / V for each of the V ids: no id is ever impossible, and the probabilities add up to 1 at every order.

In: ids. Out: log-probabilities, which serve as logits. The counts are exact. They form a trie, a level an order: an entry is an n-gram, and its key is
(the entry of its first n - 1 ids) * V + (its last id). The keys of a level are sorted, so what came after one n-gram stands together, and a look-up is a
binary search. Why no dict: the 8 million ids of the demo at order 5 take 6 seconds and 0.2 GB this way, against 25 seconds and 2 GB in dicts of tuples.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_ids
from .batch import Batch
from .progress import Report, reporting
from .reference.error import MAX_IDS, ArgumentError, CorpusError, TokenError, number

Places = NDArray[np.int64]


class Level(NamedTuple):
    """All n-grams of one length, in the order of their keys."""

    keys: NDArray[np.uint64]  # parent * V + last id, ascending: an n-gram's number is its place here
    before: Places  # how many occurrences all n-grams in front of this one have, and at the end the total: counts are differences
    first: Places  # where the children of each entry of the level above begin, and at the end len(keys)


class NGram:
    """A language model that counts.

    Parameters
    ----------
    order : int
        The longest n-grams that are counted: the model looks back `order - 1` ids. From 1 to 16.

    Raises
    ------
    ArgumentError
        If the order is out of range, or the model is used before `fit`.

    Notes
    -----
    Memory: at most 24 bytes for each distinct n-gram of each length, and about 150 bytes an id while `fit` works. A probability is exact up to the rounding
    of double precision.

    Examples
    --------
    >>> import numpy as np
    >>> lm = NGram(order=2).fit([0, 1, 0, 1, 0, 2], vocab_size=3)
    >>> np.exp(lm([0])).round(3)
    array([0.178, 0.533, 0.289], dtype=float32)
    """

    __slots__ = ("_levels", "_order", "_vocab_size")
    _levels: tuple[Level, ...]

    def __init__(self, order: int = 6) -> None:
        order = number("order", order, "an integer from 1 to 16", 1, 16, whole=True)
        self._order, self._vocab_size, self._levels = order, 0, ()

    @property
    def order(self) -> int:
        """The longest n-grams that are counted."""
        return self._order

    @property
    def vocab_size(self) -> int:
        """How many ids the model knows: the length of what it returns. 0 before `fit`."""
        return self._vocab_size

    def fit(self, ids: Batch | Iterable[int] | ArrayLike, vocab_size: int, *, progress: bool | Report | None = None) -> "NGram":
        """Count the n-grams of a corpus; what was counted before is forgotten.

        Parameters
        ----------
        ids : Batch, or ids
            Of a Batch, no n-gram crosses from one text to the next.
        vocab_size : int
            How many ids there are: `tok.vocab_size`.
        progress : True or callable, optional
            A bar on standard error, or a function of (orders done, orders).

        Returns
        -------
        NGram
            The model itself.

        Raises
        ------
        TokenError
            If an id is not under `vocab_size`.
        CorpusError
            If there are no ids.

        Examples
        --------
        >>> NGram(order=2).fit([0, 1, 0, 1, 0, 2], vocab_size=3)
        <NGram order=2 vocab_size=3: 6 distinct n-grams>
        """
        vocab_size = number("vocab_size", vocab_size, f"an integer from 1 to {MAX_IDS}", 1, MAX_IDS, whole=True)
        flat, room = texts(ids, vocab_size)
        levels: list[Level] = []
        starts = np.arange(len(flat))  # where the n-grams of this length begin
        node = np.zeros(len(flat), np.uint64)  # which n-gram of the level above begins there
        with reporting(progress, "n-grams", " orders") as report:
            for length in range(1, self._order + 1):
                if length > 1:
                    starts = starts[room[starts] >= length]
                parents = len(levels[-1].keys) if levels else 1
                level, places = counted(node[starts] * np.uint64(vocab_size) + flat[starts + (length - 1)], parents, vocab_size)
                if length < self._order:
                    node[starts[places]] = np.repeat(np.arange(len(level.keys), dtype=np.uint64), np.diff(level.before))
                levels.append(level)
                if report:
                    report(length, self._order)
        self._levels, self._vocab_size = tuple(levels), vocab_size
        return self

    def __call__(self, ids: Iterable[int] | ArrayLike) -> NDArray[np.float32]:
        """Give the log-probability, in nats, of each id to come next.

        Parameters
        ----------
        ids : sequence of int, or integer array of shape (n,)
            What came before; the last `order - 1` of them count. May be empty.

        Returns
        -------
        float32 array, shape (vocab_size,)
            They can be sampled from as they are: logits are log-probabilities up to a constant.

        Examples
        --------
        >>> import numpy as np
        >>> lm = NGram(order=3).fit([0, 1, 2, 0, 1, 2, 0, 1], vocab_size=3)
        >>> int(np.argmax(lm([0, 1]))), int(np.argmax(lm([1, 2])))
        (2, 0)
        """
        self._fitted()
        flat = within(as_ids(ids), self._vocab_size)
        p = np.full(self._vocab_size, 1 / self._vocab_size)
        for length in range(min(self._order, len(flat) + 1)):
            node = self._node(flat[len(flat) - length :])
            if node is None:
                break  # what never occurred has no longer form that did
            keys, before, first = self._levels[length]
            start, end = int(first[node]), int(first[node + 1])
            kinds, total = end - start, int(before[end] - before[start])
            if kinds == 0:
                break  # it occurred at the end of a text only
            p *= kinds / (total + kinds)
            p[keys[start:end] - np.uint64(node * self._vocab_size)] += np.diff(before[start : end + 1]) / (total + kinds)
        logits: NDArray[np.float32] = np.log(p).astype(np.float32)
        return logits

    def cross_entropy(self, ids: Batch | Iterable[int] | ArrayLike) -> float:
        """Give the mean, in nats a token, of -log p(id | the ids before it).

        Parameters
        ----------
        ids : Batch, or ids
            Of a Batch, each text begins anew: nothing before it counts.

        Returns
        -------
        float
            Its exponential is the perplexity; `toklet.bits_per_byte(it * len(ids), n_bytes)` can be compared between vocabularies.

        Raises
        ------
        TokenError
            If an id is not under `vocab_size`.
        CorpusError
            If there are no ids.

        Examples
        --------
        >>> lm = NGram(order=2).fit([0, 1, 0, 1, 0, 2], vocab_size=3)
        >>> round(lm.cross_entropy([0, 1]), 4)
        0.7198
        """
        self._fitted()
        flat, room = texts(ids, self._vocab_size)
        size = np.uint64(self._vocab_size)
        p = np.full(len(flat), 1 / self._vocab_size)
        starts, node = np.arange(len(flat)), np.zeros(len(flat), np.int64)  # contexts that the model has seen: where each begins, and its entry
        for length, (keys, before, first) in enumerate(self._levels):
            if not len(keys):
                break  # no text of the corpus was that long
            known = room[starts] > length
            starts, node = starts[known], node[known]
            kinds = first[node + 1] - first[node]
            total = before[first[node + 1]] - before[first[node]]
            target = starts + length
            places, found = located(keys, node.astype(np.uint64) * size + flat[target])
            count = np.where(found, before[places + 1] - before[places], 0)
            mixed = (count + kinds * p[target]) / np.maximum(total + kinds, 1)
            p[target] = np.where(kinds > 0, mixed, p[target])
            starts, node = starts[found], places[found]
        return float(-np.log(p).mean())

    def _node(self, gram: NDArray[np.uint32]) -> int | None:
        """Find an n-gram's number; None if it never occurred."""
        node = 0
        for level, id in zip(self._levels, gram.tolist(), strict=False):
            start, end = int(level.first[node]), int(level.first[node + 1])
            key = np.uint64(node * self._vocab_size + id)
            node = start + int(np.searchsorted(level.keys[start:end], key))
            if node == end or level.keys[node] != key:
                return None
        return node

    def _fitted(self) -> None:
        if not self._levels:
            raise ArgumentError("this NGram", "empty", "fitted before it is used: NGram(order).fit(ids, vocab_size=tok.vocab_size)")

    def __repr__(self) -> str:
        if not self._levels:
            return f"<NGram order={self._order}, not fitted>"
        return f"<NGram order={self._order} vocab_size={self._vocab_size}: {sum(len(level.keys) for level in self._levels)} distinct n-grams>"


def within(flat: NDArray[np.uint32], vocab_size: int) -> NDArray[np.uint32]:
    """Give the ids back; refuse one that the vocabulary doesn't have."""
    if flat.max(initial=0) >= vocab_size:
        place = int((flat >= vocab_size).argmax())
        raise TokenError(f"the id at position {place}", str(flat[place]), f"under vocab_size, which is {vocab_size}")
    return flat


def texts(ids: Batch | Iterable[int] | ArrayLike, vocab_size: int) -> tuple[NDArray[np.uint32], Places]:
    """Give ids in one array, and for each how many ids its text has from it on."""
    flat = within(as_ids(ids.ids if isinstance(ids, Batch) else ids), vocab_size)
    if not len(flat):
        raise CorpusError("ids", "empty", "at least one id long")
    ends = np.asarray(ids.offsets[1:] if isinstance(ids, Batch) else [len(flat)]).astype(np.int64)
    return flat, np.repeat(ends, np.diff(ends, prepend=0)) - np.arange(len(flat))


def counted(keys: NDArray[np.uint64], parents: int, vocab_size: int) -> tuple[Level, Places]:
    """Make a level from the key of each occurrence, in place; say also in which order the occurrences stand in it."""
    bits = len(keys).bit_length()
    if (parents * vocab_size).bit_length() + bits <= 64:
        # Sorting (key, place) in one word takes a third of the time of argsort, and gives the same order.
        keys <<= np.uint64(bits)
        keys |= np.arange(len(keys), dtype=np.uint64)
        keys.sort()
        places = (keys & np.uint64((1 << bits) - 1)).astype(np.int64)
        keys >>= np.uint64(bits)
    else:
        places = np.argsort(keys, kind="stable")
        keys = keys[places]
    new = np.flatnonzero(keys[1:] != keys[:-1]) + 1
    before = np.concatenate(([0] if len(keys) else [], new, [len(keys)])).astype(np.int64)
    distinct = keys[before[:-1]]
    children = np.bincount((distinct // np.uint64(vocab_size)).astype(np.int64), minlength=parents)
    return Level(distinct, before, np.concatenate(([0], np.cumsum(children)))), places


def located(keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[Places, NDArray[np.bool_]]:
    """Search many keys: where each stands, and whether it is there. In ascending order neighbouring searches share the cache, 15 times faster."""
    order = np.argsort(wanted)
    places = np.empty(len(wanted), np.int64)
    places[order] = np.searchsorted(keys, wanted[order])
    places = np.minimum(places, len(keys) - 1)
    return places, keys[places] == wanted
