"""Calling a tokenizer as those of transformers are called: texts, or pairs of them, become rows of columns, cut, padded and turned into arrays.

What a tokenizer's file puts around a text, or around the two of a pair, is asked of the core once a call, by two ids that mark where the texts go.
"""

from collections.abc import Mapping, Sequence
from itertools import zip_longest
from typing import Any

from ...reference.error import ArgumentError, WrongTypeError
from ...tokenizer import Tokenizer
from .encoded import BatchEncoding, Rows, kept, lengths, pad, width, windows

UNBOUNDED = int(1e30)  # what transformers takes for a model without a bound
Text = str | Sequence[str]
Located = tuple[list[int], list[tuple[int, int]]]  # ids, and where they stand


class Calls:
    """The part of a tokenizer that is called on texts."""

    tokenizer: Tokenizer
    pad_token_id: int | None
    model_max_length: int
    model_input_names: list[str]
    padding_side: str
    truncation_side: str
    split_special_tokens: bool

    def __call__(
        self,
        text: Text,
        text_pair: Text | None = None,
        *,
        add_special_tokens: bool = True,
        padding: bool | str = False,
        truncation: bool | str | None = False,
        max_length: int | None = None,
        stride: int = 0,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_tensors: str | None = None,
        return_token_type_ids: bool | None = None,
        return_attention_mask: bool | None = None,
        return_overflowing_tokens: bool = False,
        return_special_tokens_mask: bool = False,
        return_offsets_mapping: bool = False,
        return_length: bool = False,
        split_special_tokens: bool | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Encode a text, or a list of texts, or pairs of them.

        The parameters are those of transformers. `truncation=True` cuts to `max_length`, or else to `model_max_length`; `return_overflowing_tokens` makes rows
        of what is cut off (of single texts); `return_tensors` is "np" or "pt".

        Raises
        ------
        ArgumentError
            If padding is asked for without a pad token, or arrays of rows that are not equally long.
        """
        single = isinstance(text, str)
        texts, pairs = listed("text", text), None if text_pair is None else listed("text_pair", text_pair)
        special = "text" if (self.split_special_tokens if split_special_tokens is None else split_special_tokens) else "allow"
        wanted = {
            "token_type_ids": return_token_type_ids if return_token_type_ids is not None else "token_type_ids" in self.model_input_names,
            "attention_mask": return_attention_mask if return_attention_mask is not None else "attention_mask" in self.model_input_names,
            "special_tokens_mask": return_special_tokens_mask,
            "offset_mapping": return_offsets_mapping,
        }
        cut = self._cut(truncation, max_length, add_special_tokens, pairs is not None)
        first, second = self._encode(texts, special, return_offsets_mapping), None if pairs is None else self._encode(pairs, special, return_offsets_mapping)
        columns, samples = self._columns(first, second, cut, add_special_tokens, stride, return_overflowing_tokens)
        wide = width(columns["input_ids"], padding, max_length if max_length is not None else bound(self.model_max_length), pad_to_multiple_of)
        if wide is not None:
            pad(columns, self._pad_id(), wide, padding_side or self.padding_side)
        encoded = BatchEncoding({name: column for name, column in columns.items() if wanted.get(name, True)})
        if return_overflowing_tokens:
            encoded["overflow_to_sample_mapping"] = samples
        if return_length:
            encoded["length"] = [len(row) for row in columns["input_ids"]]
        if single and not return_overflowing_tokens and return_tensors is None:
            encoded.data = {name: column[0] for name, column in encoded.data.items()}
        return encoded.convert_to_tensors(return_tensors)

    def _cut(self, truncation: Any, max_length: int | None, add: bool, pair: bool) -> tuple[int | None, str]:
        """Give the room for a text's own ids, if it is bounded, and which text gives way."""
        if truncation in (False, None, "do_not_truncate"):
            return None, ""
        most = max_length if max_length is not None else bound(self.model_max_length)
        room = None if most is None else max(0, most - (self.num_special_tokens_to_add(pair) if add else 0))
        return room, "longest_first" if truncation is True else str(truncation)

    def _encode(self, texts: list[str], special: str, offsets: bool) -> list[tuple[list[int], list[tuple[int, int]]]]:
        """Encode texts: ids, and where they stand."""
        if not offsets:
            return [(ids, [(0, 0)] * len(ids)) for ids in self.tokenizer._core.encode_batch_lists(texts, special, None)]
        found = [self.tokenizer.encode_with_offsets(text, special) for text in texts]
        return [(ids.tolist(), list(map(tuple, places.tolist()))) for ids, places in found]

    def _columns(self, first: Any, second: Any, cut: tuple[int | None, str], add: bool, stride: int, overflow: bool) -> tuple[dict[str, Rows], list[int]]:
        """Put rows together: what stands around the texts, and what is left of them."""
        columns: dict[str, Rows] = {name: [] for name in ("input_ids", "token_type_ids", "attention_mask", "special_tokens_mask", "offset_mapping")}
        around, samples = self._around(second is not None) if add else ([], [], []), []
        room, strategy = cut
        for number, ((ids, places), pair) in enumerate(zip_longest(first, second or ())):
            parts, more = [slice(0, len(ids))], slice(0, 0 if pair is None else len(pair[0]))
            if room is not None and pair is not None:
                sizes = lengths(len(ids), len(pair[0]), room, strategy)
                parts, more = [kept(len(ids), sizes[0], self.truncation_side)], kept(len(pair[0]), sizes[1], self.truncation_side)
            elif room is not None:
                parts = windows(len(ids), room, stride, self.truncation_side) if overflow else [kept(len(ids), room, self.truncation_side)]
            for part in parts:
                pieces = [(around[0], None, 0), (ids[part], places[part], 0), (around[1], None, 0)]
                if pair is not None:
                    pieces += [(pair[0][more], pair[1][more], 1), (around[2], None, 1)]
                columns["input_ids"].append([id for found, _, _ in pieces for id in found])
                columns["token_type_ids"].append([kind for found, _, kind in pieces for _ in found])
                columns["attention_mask"].append([1] * len(columns["input_ids"][-1]))
                columns["special_tokens_mask"].append([int(at is None) for found, at, _ in pieces for _ in found])
                columns["offset_mapping"].append([place for found, at, _ in pieces for place in (at or [(0, 0)] * len(found))])
                samples.append(number)
        return columns, samples

    def _around(self, pair: bool) -> tuple[list[int], list[int], list[int]]:
        """Give the ids that the tokenizer's file puts before, between and behind texts."""
        specials = set(self.tokenizer.special_tokens.values())
        marks = [id for id in range(len(specials) + 2) if id not in specials][: 1 + pair]
        try:
            made = self.tokenizer.post_process(marks[:1], marks[1:] if pair else None).tolist()
        except ArgumentError:  # there is no template, so nothing stands between two texts
            return [], [], []
        places = [made.index(mark) for mark in marks]
        return made[: places[0]], made[places[0] + 1 : places[1] if pair else None], made[places[1] + 1 :] if pair else []

    def num_special_tokens_to_add(self, pair: bool = False) -> int:
        """Say how many ids are put around a text, or a pair."""
        return sum(map(len, self._around(pair)))

    def _pad_id(self) -> int:
        if self.pad_token_id is None:
            raise ArgumentError("pad_token", "None", "a special token where padding is asked for: tokenizer.pad_token = tokenizer.eos_token, say")
        return int(self.pad_token_id)

    def encode(self, text: str, text_pair: str | None = None, **how: Any) -> Any:
        """Encode a text, or a pair, and give the ids alone; `how` is what a call takes."""
        return self(text, text_pair, **how)["input_ids"]

    def pad(
        self,
        encoded_inputs: Any,
        padding: bool | str = True,
        max_length: int | None = None,
        pad_to_multiple_of: int | None = None,
        padding_side: str | None = None,
        return_attention_mask: bool | None = None,
        return_tensors: str | None = None,
        verbose: bool = True,
    ) -> BatchEncoding:
        """Pad what several calls gave: a list of columns with one row, or columns of rows. This is what a data collator calls."""
        given = encoded_inputs if isinstance(encoded_inputs, Mapping | BatchEncoding) else merged(list(encoded_inputs))
        columns = {name: [[*row] for row in rows] for name, rows in given.items()}
        if return_attention_mask or (return_attention_mask is None and "attention_mask" in self.model_input_names):
            columns.setdefault("attention_mask", [[1] * len(row) for row in columns["input_ids"]])
        wide = width(columns["input_ids"], padding, max_length if max_length is not None else bound(self.model_max_length), pad_to_multiple_of)
        if wide is not None:
            pad(columns, self._pad_id(), wide, padding_side or self.padding_side)
        return BatchEncoding(columns).convert_to_tensors(return_tensors)


def bound(length: int) -> int | None:
    """Give the greatest length of a model's texts, if it has one."""
    return None if length >= UNBOUNDED else length


def listed(place: str, text: Any) -> list[str]:
    """Give one text, or many, as a list."""
    texts = [text] if isinstance(text, str) else list(text) if isinstance(text, Sequence) else None
    if texts is None or not all(isinstance(item, str) for item in texts):
        raise WrongTypeError(place, repr(text)[:80], "a str, or a list of them")
    return texts


def merged(rows: list[Any]) -> dict[str, Rows]:
    """Put the columns of single rows together."""
    return {name: [row[name] for row in rows] for name in (rows[0] if rows else ("input_ids",))}
