"""NGram: a language model made of counts, so that the whole loop from corpus to generated text runs with no weights, and tokenizers can be judged by it.

What comes next? Look at the last few ids, find every place of the corpus where the same ids stood, and see what came next there. A run of n ids is an
n-gram; the model of order 3 counts 3-grams and so looks back 2 ids. With a(h, w) for the count of the history h and the id w after it, and a(h) for the sum
of that over w, a(h, w) / a(h) is a fair guess where h is frequent, and a bad one where it isn't: it says 0 for whatever has not happened yet. So each order
gives up a little of each count, and what it gave up goes to what the next lower order says (h' is h without its first id):

    p(w | h) = (a(h, w) - D(a(h, w))) / a(h) + left(h) p(w | h')        left(h): the sum of D(a(h, w)) over w, divided by a(h)

That is interpolated, modified Kneser-Ney smoothing (Chen and Goodman, 1999), the field's strongest model of counts. Its two thoughts: D has three values, for
counts of 1, 2 and more, which follow from how many n-grams have the counts 1 to 4 (`discounts`). And a lower order is only asked where the higher one doesn't
know; so it doesn't count how often an n-gram came, but how many different ids came before it (the beginning of a text is one more of them). "Francisco" is
frequent, but always after "San": elsewhere it isn't to be expected. Only the highest order counts occurrences. Under the lowest lies 1 / V for each of the V
ids: no id is ever impossible, and the probabilities add up to 1 at every order.

In: ids. Out: log-probabilities, which serve as logits. The n-grams form a trie, a level an order: an entry is an n-gram, and its key is (the entry of its first
n - 1 ids) * V + (its last id). The keys of a level are sorted, so what came after one n-gram stands together, and a look-up is a binary search. Which ids
came before an n-gram is known from the level above, whose entries without their first id are its entries.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arrays import as_ids
from .batch import Batch
from .checks import as_list
from .probabilities import bits_per_byte
from .progress import Report, reporting
from .reference.error import MAX_IDS, ArgumentError, CorpusError, TokenError, number

if TYPE_CHECKING:
    from .tokenizer import Tokenizer

Places = NDArray[np.int64]
Floats = NDArray[np.float32]


class Level(NamedTuple):
    """All n-grams of one length, in the order of their keys, and what they make probable."""

    keys: NDArray[np.uint64]  # parent * V + last id, ascending: an n-gram's number is its place here
    first: Places  # where the children of each entry of the level above begin, and at the end len(keys)
    share: Floats  # of each n-gram: (a - D(a)) / a(h)
    left: Floats  # of each entry of the level above, as a history: what goes to the next lower order; 1 where nothing came after it


class NGram:
    """A language model that counts: interpolated, modified Kneser-Ney.

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
    Memory: at most 24 bytes for each distinct n-gram of each length, and about 100 bytes an id while `fit` works. Probabilities are in single precision.

    Examples
    --------
    >>> import numpy as np
    >>> lm = NGram(order=2).fit([0, 1, 0, 1, 0, 2], vocab_size=3)
    >>> np.exp(lm([0])).round(3)
    array([0.208, 0.479, 0.313], dtype=float32)
    """

    __slots__ = ("_levels", "_lowest", "_order", "_vocab_size")
    _levels: tuple[Level, ...]
    _lowest: Floats  # the log-probabilities of the lowest order, as it says them

    def __init__(self, order: int = 6) -> None:
        order = number("order", order, "an integer from 1 to 16", 1, 16, whole=True)
        self._order, self._vocab_size, self._levels, self._lowest = order, 0, (), np.empty(0, np.float32)

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
        begins = np.flatnonzero(np.concatenate(([True], room[:-1] == 1)))  # where a text does
        starts = np.arange(len(flat))  # where the n-grams of this length begin
        node = np.zeros(len(flat), np.uint64)  # which n-gram of the length before begins there
        levels: list[Level] = []
        keys, parents = np.empty(0, np.uint64), 1
        with reporting(progress, "n-grams", " orders") as report:
            for length in range(1, self._order + 1):
                starts = starts[room[starts] >= length]
                found, ends, places = distinct(node[starts] * np.uint64(vocab_size) + flat[starts + (length - 1)], vocab_size * parents)
                at = starts[places]  # in the order of their n-grams
                if length > 1:
                    before = np.bincount(node[at[ends - 1] + 1].astype(np.int64), minlength=parents)  # how many different ids
                    before[np.unique(node[begins[room[begins] >= length - 1]]).astype(np.int64)] += 1
                    levels.append(smoothed(keys, before, len(levels[-1].keys) if levels else 1, vocab_size))
                counts = np.diff(ends, prepend=0)
                if length == self._order:
                    levels.append(smoothed(found, counts, parents, vocab_size))
                else:
                    node[at] = np.repeat(np.arange(len(found), dtype=np.uint64), counts)
                keys, parents = found, len(found)
                if report:
                    report(length, self._order)
        lowest = np.full(vocab_size, levels[0].left[0] / vocab_size)
        lowest[levels[0].keys.astype(np.int64)] += levels[0].share
        self._levels, self._vocab_size, self._lowest = tuple(levels), vocab_size, np.log(lowest).astype(np.float32)
        return self

    def __call__(self, ids: Iterable[int] | ArrayLike) -> Floats:
        """Give the log-probability, in nats, of each id to come next.

        Parameters
        ----------
        ids : sequence of int, or integer array of shape (n,)
            What came before; the last `order - 1` of them count. May be empty.

        Returns
        -------
        float32 array, shape (vocab_size,)
            They can be sampled from as they are: logits are log-probabilities up to a constant.

        Notes
        -----
        What never came after the last id has the lowest order's probability, times what is left to it: one addition serves all of those.

        Examples
        --------
        >>> import numpy as np
        >>> lm = NGram(order=3).fit([0, 1, 2, 0, 1, 2, 0, 1], vocab_size=3)
        >>> int(np.argmax(lm([0, 1]))), int(np.argmax(lm([1, 2])))
        (2, 0)
        """
        self._fitted()
        flat = within(as_ids(ids), self._vocab_size)
        left, known, p = 1.0, np.empty(0, np.int64), np.empty(0)  # the ids that came after the last one, and their probabilities
        for length in range(1, min(self._order, len(flat) + 1)):
            node = self._node(flat[len(flat) - length :])
            if node is None:
                break  # what never occurred has no longer form that did
            level = self._levels[length]
            start, end = int(level.first[node]), int(level.first[node + 1])
            after = (level.keys[start:end] - np.uint64(node * self._vocab_size)).astype(np.int64)
            if length == 1:
                known, p = after, np.exp(self._lowest[after].astype(np.float64))
            left *= float(level.left[node])
            p *= level.left[node]
            p[np.searchsorted(known, after)] += level.share[start:end]
        logits = self._lowest + np.float32(np.log(left))
        logits[known] = np.log(p)
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
            Its exponential is the perplexity. It can't be compared between vocabularies: `bits_per_byte` can.

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
        0.8056
        """
        self._fitted()
        flat, room = texts(ids, self._vocab_size)
        size = np.uint64(self._vocab_size)
        p = np.full(len(flat), 1 / self._vocab_size)
        starts, node = np.arange(len(flat)), np.zeros(len(flat), np.int64)  # histories that the model has seen: where each begins, and its entry
        for length, level in enumerate(self._levels):
            if not len(level.keys):
                break  # no text of the corpus was that long
            known = room[starts] > length
            starts, node = starts[known], node[known]
            target = starts + length
            places, found = located(level.keys, node.astype(np.uint64) * size + flat[target])
            p[target] = np.where(found, level.share[places], 0) + level.left[node] * p[target]
            starts, node = starts[found], places[found]
        return float(-np.log(p).mean())

    def bits_per_byte(self, tok: "Tokenizer", texts: Iterable[str | bytes]) -> float:
        """Give how many bits the model needs for a byte of held-out text: tokenizers of different vocabularies can be compared by it.

        Parameters
        ----------
        tok : Tokenizer
            The one whose ids the model was fitted on.
        texts : iterable of str or bytes
            Text that it was not fitted on, or the number says nothing.

        Returns
        -------
        float
            For whatever text, 8 is no better than nothing known.

        Raises
        ------
        CorpusError
            If there is no text.

        Examples
        --------
        >>> import toklet
        >>> corpus = ["the cat sat on the mat", "the dog sat on the log"] * 20
        >>> for size in (256, 270):
        ...     tok = toklet.train(corpus, vocab_size=size)
        ...     lm = NGram(order=3).fit(tok.encode_batch(corpus), vocab_size=tok.vocab_size)
        ...     print(size, round(lm.bits_per_byte(tok, ["the cat sat on the log"]), 2))
        256 0.56
        270 0.35
        """
        given = as_list("texts", texts)
        batch = tok.encode_batch(given)
        n_bytes = sum(len(text.encode() if isinstance(text, str) else text) for text in given)
        return bits_per_byte(self.cross_entropy(batch) * len(batch.ids), n_bytes)

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


def distinct(keys: NDArray[np.uint64], limit: int) -> tuple[NDArray[np.uint64], Places, Places]:
    """Sort keys under `limit`, in place: the distinct ones, where the occurrences of each end, and which occurrence stands at each place."""
    bits = len(keys).bit_length()
    if limit.bit_length() + bits <= 64:
        # Sorting (key, place) in one word takes a third of the time of argsort, and gives the same order.
        keys <<= np.uint64(bits)
        keys |= np.arange(len(keys), dtype=np.uint64)
        keys.sort()
        places = (keys & np.uint64((1 << bits) - 1)).astype(np.int64)
        keys >>= np.uint64(bits)
    else:
        places = np.argsort(keys, kind="stable")
        keys = keys[places]
    ends = np.flatnonzero(np.concatenate((keys[1:] != keys[:-1], [True] if len(keys) else []))) + 1
    return keys[ends - 1], ends, places


def discounts(counts: Places) -> tuple[float, float, float]:
    """Give D for counts of 1, of 2, and of 3 and more, from how many n-grams have the counts 1 to 4.

    Where some count doesn't occur at all, or D wouldn't be over 0, there is too little to go by, and it is 0.5, 1 and 1.5.

    >>> discounts(np.repeat([1, 2, 3, 4], [8, 4, 2, 1]))
    (0.5, 1.25, 2.0)
    """
    one, two, three, four = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].tolist()
    if one and two and three and four:
        y = one / (one + 2 * two)
        found = (1 - 2 * y * two / one, 2 - 3 * y * three / two, 3 - 4 * y * four / three)
        if min(found) > 0:
            return found
    return 0.5, 1.0, 1.5


def smoothed(keys: NDArray[np.uint64], counts: Places, parents: int, vocab_size: int) -> Level:
    """Make a level of the keys of its n-grams and their counts."""
    parent = (keys // np.uint64(vocab_size)).astype(np.int64)
    discount = np.array([0.0, *discounts(counts)])[np.minimum(counts, 3)]
    total = np.bincount(parent, counts, parents)
    given_up = np.bincount(parent, discount, parents)
    left = np.divide(given_up, total, out=np.ones(parents), where=total > 0)
    first = np.concatenate(([0], np.cumsum(np.bincount(parent, minlength=parents))))
    return Level(keys, first, ((counts - discount) / total[parent]).astype(np.float32), left.astype(np.float32))


def located(keys: NDArray[np.uint64], wanted: NDArray[np.uint64]) -> tuple[Places, NDArray[np.bool_]]:
    """Search many keys: where each stands, and whether it is there. In ascending order neighbouring searches share the cache, 15 times faster."""
    order = np.argsort(wanted)
    places = np.empty(len(wanted), np.int64)
    places[order] = np.searchsorted(keys, wanted[order])
    places = np.minimum(places, len(keys) - 1)
    return places, keys[places] == wanted
