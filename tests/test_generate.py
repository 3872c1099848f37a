"""The loop: model -> sampler -> text, until a stop string, a stop id or enough tokens."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st


def tokenizer(toklet: Any) -> Any:
    return toklet.Tokenizer.from_merges([(b"a", b"b"), (b"c", b"\n"), (b"\n", b"\n"), (b"\xc3", b"\xa9")], pattern="gpt2", special_tokens=["<|end|>"])


def script(ids: list[int], start: int = 0) -> Any:
    """A model that says the ids of a list, one after the other, whatever came before."""

    def model(so_far: np.ndarray) -> np.ndarray:
        logits = np.full(261, -np.inf)
        logits[ids[min(len(so_far) - start, len(ids) - 1)]] = 0
        return logits

    return model


def run(toklet: Any, ids: list[int], **options: Any) -> list[str]:
    greedy = toklet.Sampler(temperature=0)
    return list(toklet.generate(script(ids), [], tokenizer(toklet), greedy, max_tokens=options.pop("max_tokens", len(ids)), **options))


@given(ids=st.lists(st.integers(0, 260), min_size=1, max_size=20))
def test_pieces_join_up_to_the_decoded_ids(toklet: Any, ids: list[int]) -> None:
    pieces = run(toklet, ids)
    assert "".join(pieces) == tokenizer(toklet).decode(ids)
    assert "" not in pieces


SHORT = st.lists(st.sampled_from([97, 98, 99, 10, 256, 257, 258, 0xC3, 0xA9, 259]), min_size=1, max_size=14)


@given(ids=SHORT, stops=st.lists(st.sampled_from(["ab", "b", "bc\n", "\n\n", "\n\n\n", "éa", "c\na", "aa", "\ufffda"]), max_size=3))
def test_generation_ends_at_the_first_stop_wherever_tokens_end(toklet: Any, ids: list[int], stops: list[str]) -> None:
    """The text so far is looked at after each id; the stop that begins first in it is where the text ends."""
    tok, text = tokenizer(toklet), ""
    stream = tok.stream()
    for id in ids:
        text += stream.push(id)
        if any(stop in text for stop in stops):
            text = text[: min(text.find(stop) for stop in stops if stop in text)]
            break
    else:
        text += stream.end()
        text = text[: min((text.find(stop) for stop in stops if stop in text), default=len(text))]
    assert "".join(run(toklet, ids, stop=stops)) == text


def test_what_may_become_a_stop_is_held_back_and_nothing_else(toklet: Any) -> None:
    assert run(toklet, [97, 10, 98, 10, 10, 99], stop="\n\n") == ["a", "\nb"]
    assert run(toklet, [97, 10, 98, 10], stop="\n\n") == ["a", "\nb", "\n"]


def test_a_stop_that_straddles_tokens_does_not_come_out(toklet: Any) -> None:
    assert "".join(run(toklet, [256, 257, 258, 97], stop="bc\n\n")) == "a"
    assert "".join(run(toklet, [256, 257, 258, 97], stop=["\n\n\n"])) == "abc"


@pytest.mark.parametrize("stop_ids", [[260], (260, 99), {260}, np.array([260])])
def test_a_stop_id_ends_generation_and_does_not_come_out(toklet: Any, stop_ids: Any) -> None:
    assert "".join(run(toklet, [97, 98, 260, 99], stop_ids=stop_ids)) == "ab"


@pytest.mark.parametrize("n", [0, 1, 3])
def test_no_more_ids_are_sampled_than_asked(toklet: Any, n: int) -> None:
    calls = []

    def model(ids: np.ndarray) -> list[float]:
        calls.append(ids.tolist())
        return [0.0] * 97 + [1.0]

    assert "".join(toklet.generate(model, "x", tokenizer(toklet), toklet.Sampler(temperature=0), max_tokens=n)) == "a" * n
    assert calls == [[120] + [97] * k for k in range(n)]


def test_a_prompt_may_be_text_ids_or_a_prompt(toklet: Any) -> None:
    tok = tokenizer(toklet)
    seen: list[list[int]] = []

    def model(ids: np.ndarray) -> np.ndarray:
        seen.append(ids.tolist())
        assert ids.dtype == np.uint32
        return np.zeros(261, np.float32)

    template = toklet.Template("<|end|>{{ x }}")
    for prompt in ("ab<|end|>", [256, 98], np.array([256, 98]), iter([256, 98]), template.render(tok, x="ab")):
        list(toklet.generate(model, prompt, tok, toklet.Sampler(seed=1), max_tokens=1))
    assert seen == [tok.encode("ab<|end|>").tolist(), [256, 98], [256, 98], [256, 98], [260, 256]]


def test_an_id_is_drawn_with_the_position_it_takes(toklet: Any) -> None:
    tok, sampler = tokenizer(toklet), toklet.Sampler(seed=12)
    expected = [sampler.sample([0.0] * 90, position=n) for n in (2, 3, 4, 5)]
    assert "".join(toklet.generate(lambda ids: [0.0] * 90, [97, 98], tok, sampler, max_tokens=4)) == tok.decode(expected)


def test_generation_can_be_resumed_anywhere(toklet: Any) -> None:
    tok, sampler = tokenizer(toklet), toklet.Sampler(seed=5)

    def model(ids: np.ndarray) -> np.ndarray:
        return np.cos(np.arange(90) * (1 + ids.sum() % 7))

    whole = "".join(toklet.generate(model, "ab", tok, sampler, max_tokens=20))
    assert len(whole) == 20
    begun = tok.encode("ab").tolist() + [ord(c) for c in whole[:8]]
    assert "".join(toklet.generate(model, begun, tok, sampler, max_tokens=12)) == whole[8:]


def test_the_model_may_keep_the_ids_it_was_given(toklet: Any) -> None:
    kept = []

    def model(ids: np.ndarray) -> list[float]:
        kept.append(ids)
        return [0.0] * 97 + [1.0]

    list(toklet.generate(model, [1], tokenizer(toklet), toklet.Sampler(temperature=0), max_tokens=200))
    assert [len(ids) for ids in kept] == list(range(1, 201))
    assert all(ids.tolist() == [1] + [97] * (len(ids) - 1) for ids in kept)


def test_a_model_may_give_a_matrix_of_one_row(toklet: Any) -> None:
    pieces = toklet.generate(lambda ids: [[0.0] * 97 + [1.0]], "x", tokenizer(toklet), toklet.Sampler(temperature=0), max_tokens=3)
    assert "".join(pieces) == "aaa"


def test_nothing_happens_before_the_first_piece_is_asked_for(toklet: Any) -> None:
    called = []
    pieces = toklet.generate(lambda ids: called.append(1) or [0.0], "a", tokenizer(toklet), toklet.Sampler(), max_tokens=3)
    assert called == []
    next(pieces)
    assert called == [1]


def test_the_ngram_model_serves_as_a_model(toklet: Any) -> None:
    tok = tokenizer(toklet)
    lm = toklet.NGram(order=3).fit(tok.encode("ab cd ab cd ab cd"), vocab_size=tok.vocab_size)
    assert "".join(toklet.generate(lm, "ab", tok, toklet.Sampler(temperature=0), max_tokens=8)) == " cd ab cd"


def test_penalties_see_the_text_so_far(toklet: Any) -> None:
    tok, sampler = tokenizer(toklet), toklet.Sampler(0, repetition_penalty=4.0, dry_multiplier=1.0)
    row = [0.0] * 97 + [3.0, 2.9, 2.8, 2.0]
    ids = [97]
    for position in range(1, 9):
        ids.append(sampler.sample(row, position, ids))
    assert len(set(ids)) > 2
    assert "".join(toklet.generate(lambda ids: row, [97], tok, sampler, max_tokens=8)) == tok.decode(ids[1:])


def test_mirostat_learns_while_it_generates(toklet: Any) -> None:
    tok, row = tokenizer(toklet), [-0.1 * n for n in range(128)]
    sampler = toklet.Sampler(mirostat=2, mirostat_tau=2.0, mirostat_eta=0.5, seed=3)
    text, ids = "".join(toklet.generate(lambda ids: row, [97], tok, sampler, max_tokens=20)), [97]
    for position in range(1, 21):
        ids.append(sampler.sample(row, position))
        sampler = sampler.observed(row, ids[-1], position)
    assert text == tok.decode(ids[1:], errors="replace")
    assert sampler.observed(row, ids[-1]) is not sampler
    assert toklet.Sampler().observed(row, 5).remembers is False


def test_a_generation_tells_what_it_did(toklet: Any) -> None:
    tok, seen = tokenizer(toklet), []
    made = toklet.generate(script([97, 256, 257, 258, 99]), [], tok, toklet.Sampler(0), stop="bc\n\n", logprobs=2, on_token=seen.append)
    assert made.finish_reason is None
    assert (made.text, made.finish_reason, made.ids.tolist()) == ("aa", "stop", [97, 256, 257, 258])
    assert tok.decode(made.ids[: made.cut]) == "a"
    assert made.logprobs.tolist() == [0.0] * 4
    assert [(token.id, token.position) for token in seen] == list(zip(made.ids.tolist(), range(4), strict=True))
    assert "".join(token.piece for token in seen) == made.text
    assert all(token.logprobs.top_ids.tolist() == [token.id, -1] for token in seen)
    ended = toklet.generate(script([97, 260]), [], tok, toklet.Sampler(0), stop_ids=[260])
    assert (ended.text, ended.cut, ended.ids.tolist(), ended.finish_reason) == ("a", 1, [97, 260], "stop_id")


def test_a_batch_is_each_prompt_alone(toklet: Any) -> None:
    tok = tokenizer(toklet)

    def model(ids: np.ndarray) -> np.ndarray:
        return np.cos(np.arange(261) * (1 + ids.sum() % 7))

    prompts, options = ["a", "", "abc", [5, 6]], {"max_tokens": 12, "stop": "b", "logprobs": 1}
    samplers = [toklet.Sampler(seed=seed, repetition_penalty=1.1) for seed in range(4)]
    rows = toklet.generate_batch(lambda rows: np.stack([model(ids) for ids in rows]), prompts, tok, samplers, **options)
    for prompt, sampler, row in zip(prompts, samplers, rows, strict=True):
        alone = toklet.generate(model, prompt, tok, sampler, **options)
        assert (alone.text, alone.finish_reason, alone.ids.tolist()) == (row.text, row.finish_reason, row.ids.tolist())
        assert alone.logprobs.tolist() == row.logprobs.tolist()
    with pytest.raises(toklet.LogitsError, match="a row for each text"):
        toklet.generate_batch(lambda rows: [0.0] * 261, prompts, tok, samplers)
    with pytest.raises(toklet.ArgumentError, match="one a prompt"):
        toklet.generate_batch(lambda rows: [[0.0] * 261] * len(rows), prompts, tok, samplers[:2])


def test_the_best_is_kept_and_the_others_told(toklet: Any) -> None:
    tok, sampler = tokenizer(toklet), toklet.Sampler(seed=2**64 - 2)
    best = toklet.best_of(5, lambda ids: [0.0] * 97 + [1.0] * 26, iter([97]), tok, sampler, reward=lambda text: text.count("e"), max_tokens=9)
    texts = [best.kept.text, *(other.text for other in best.dropped)]
    assert best.rewards.tolist() == sorted((float(text.count("e")) for text in texts), reverse=True)
    assert len(set(texts)) == 5
    assert best.kl_bound == pytest.approx(np.log(5) - 0.8)
    with pytest.raises(toklet.ArgumentError, match=r"answer 0.*NaN"):
        toklet.best_of(2, lambda ids: [0.0], "a", tok, sampler, reward=lambda text: float("nan"), max_tokens=1)
