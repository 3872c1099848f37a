"""Samplers that make no sense, and calls of them: (what is wrong, the call, what the message must contain), as in `bad_calls`."""

import math
from typing import Any

import numpy as np

NAN, INF = math.nan, math.inf
BELOW = {"typical_p": -0.1, "top_n_sigma": -1.0, "xtc_probability": -0.1, "xtc_threshold": -0.1, "repetition_penalty": 0.0, "penalty_last_n": -1}
BELOW |= {"dry_multiplier": -0.5, "dry_base": 0.5, "dry_allowed_length": 0, "dry_last_n": -2, "mirostat": -1, "mirostat_tau": 0.0, "mirostat_eta": -0.1}
ABOVE = {"typical_p": 1.1, "xtc_probability": 1.1, "xtc_threshold": 1.1, "mirostat": 3, "penalty_last_n": 2**64, "dry_allowed_length": 2**64}
REAL = ("typical_p", "top_n_sigma", "xtc_probability", "xtc_threshold", "repetition_penalty", "presence_penalty", "frequency_penalty", "dry_multiplier")
REAL += ("dry_base", "mirostat_tau", "mirostat_eta", "mirostat_mu")


def setting(name: str, value: Any, shown: str = "") -> tuple[Any, ...]:
    return (f"{name}={value!r:.40}", lambda t: t.Sampler(**{name: value}), name, shown or str(value))


def sample(t: Any, logits: Any = ((0.0, 1.0), (1.0, 0.0)), **context: Any) -> Any:
    return t.Sampler(seed=1, repetition_penalty=1.5).sample(logits, **context)


SETTINGS = [
    *(setting(name, value) for name, value in [*BELOW.items(), *ABOVE.items()]),
    *(setting(name, value) for name in REAL for value in (NAN, INF, -INF)),
    *(setting(name, value) for name in (*REAL, "mirostat", "penalty_last_n", "dry_allowed_length", "dry_last_n") for value in ("x", True, [1], {})),
    *(setting(name, 1.5) for name in ("mirostat", "penalty_last_n", "dry_allowed_length", "dry_last_n")),
    *(setting(name, None) for name in ("xtc_probability", "repetition_penalty", "dry_base", "mirostat", "mirostat_tau")),
    *(setting("logit_bias", value, "of type") for value in ([1.0], "x", 5, {1})),
    setting("logit_bias", {"a": 1.0}, "'a'"),
    setting("logit_bias", {-1: 1.0}, "-1"),
    setting("logit_bias", {2**32: 1.0}, str(2**32)),
    setting("logit_bias", {1: NAN}, "nan"),
    setting("logit_bias", {1: INF}, "inf"),
    setting("logit_bias", {1: "x"}, "'x'"),
    setting("dry_sequence_breakers", "\n", "'\\n'"),
    setting("dry_sequence_breakers", 5),
    setting("dry_sequence_breakers", ["\n"], "'\\n'"),
    setting("dry_sequence_breakers", [-1], "-1"),
    setting("order", "llama", "'llama'"),
    setting("order", 5),
    setting("order", ["top_k", "top_q"], "order[1] is 'top_q'"),
    setting("order", ["top_k", "top_k"], "order[1] is 'top_k'"),
    ("an order without a step", lambda t: t.Sampler(top_k=5, order=["top_p", "temperature"]), "order", "'top_k'"),
    ("arrays of two lengths", lambda t: t.Sampler(temperature=np.ones(2), top_k=np.array([1, 2, 3])), "2 of temperature, 3 of top_k"),
    ("an array without values", lambda t: t.Sampler(temperature=np.ones(0)), "0 of temperature"),
    ("an array with a value out of range", lambda t: t.Sampler(temperature=np.array([1.0, -1.0])), "temperature", "-1.0"),
    ("an array of two dimensions", lambda t: t.Sampler(temperature=np.ones((2, 2))), "temperature"),
]

CALLS = [
    ("rows of another number than settings", lambda t: t.Sampler(temperature=np.ones(3)).sample([[0.0], [0.0]]), "number of rows", "2", "3"),
    ("one row for three settings", lambda t: t.Sampler(temperature=np.ones(3)).sample([0.0]), "number of rows", "1", "3"),
    ("a history that is a str", lambda t: sample(t, history="ab"), "history", "'ab'"),
    ("a history that is an int", lambda t: sample(t, history=5), "history", "5"),
    ("a history of no dimensions", lambda t: sample(t, history=np.array(1.0)), "history", "array(1.)"),
    ("a history for one row of two", lambda t: sample(t, history=[[0]]), "length of history", "1", "2"),
    ("a history of floats", lambda t: sample(t, [0.0, 1.0], history=[0.5]), "ids", "float"),
    ("a negative id in the history", lambda t: sample(t, [0.0, 1.0], history=[-1]), "-1"),
    ("an id in the history that has no logit", lambda t: sample(t, history=[[0], [1, 2]]), "history of row 1", "2", "below 2"),
    ("a bias for an id that has no logit", lambda t: t.Sampler(logit_bias={7: 1.0}).sample([0.0, 1.0]), "logit_bias", "7", "below 2"),
    ("a mask of another width", lambda t: sample(t, mask=[True]), "shape of mask", "(1,)", "(2,) or (2, 2)"),
    ("a mask of words of another width", lambda t: sample(t, mask=np.zeros((2, 2), np.int32)), "shape of mask", "(2, 2)", "(1,) or (2, 1)"),
    ("a mask for another number of rows", lambda t: sample(t, mask=np.ones((3, 2), bool)), "shape of mask", "(3, 2)"),
    ("a mask of floats", lambda t: sample(t, mask=[1.0, 0.0]), "mask", "float64"),
    ("a mask of wide words", lambda t: sample(t, mask=np.zeros(1, np.int64)), "mask", "int64"),
    ("a mask that is a str", lambda t: sample(t, mask="ab"), "mask", "str"),
    ("a mask that allows nothing", lambda t: sample(t, mask=np.zeros((2, 2), bool)), "row 0", "-inf"),
    ("a bias that forbids everything", lambda t: t.Sampler(logit_bias={0: -INF}).sample([1.0]), "row 0", "-inf"),
    ("log-probabilities of a NaN", lambda t: t.Sampler().logprobs([0.0, NAN]), "logit 1", "NaN"),
    ("log-probabilities of no logits", lambda t: t.Sampler().logprobs([]), "shape", "(0,)"),
    ("a negative top", lambda t: t.Sampler().logprobs([0.0], top=-1), "top", "-1"),
    ("a top that is a float", lambda t: t.Sampler().logprobs([0.0], top=1.5), "top", "1.5"),
    ("log-probabilities of an unknown id", lambda t: t.Sampler().logprobs([0.0], ids=1), "ids[0, 0]", "1", "0 to 0"),
    ("log-probabilities of a negative id", lambda t: t.Sampler().logprobs([0.0], ids=[-1]), "ids[0, 0]", "-1"),
    ("log-probabilities of floats", lambda t: t.Sampler().logprobs([0.0], ids=[0.5]), "ids", "float64"),
    ("log-probabilities of texts", lambda t: t.Sampler().logprobs([0.0], ids=["a"]), "ids"),
    ("ids for another number of rows", lambda t: t.Sampler().logprobs([[0.0]] * 2, ids=[0, 0, 0]), "shape of ids", "(3,)"),
    ("an id that couldn't be drawn", lambda t: t.Sampler(mirostat=2, mirostat_mu=0.1).observed([5.0, 0.0], 1), "ids[0]", "1"),
    ("a draft of another shape", lambda t: t.accept_draft([[0.0]], [[0.0, 1.0]], [0], t.Sampler()), "target_logits", "(1, 1)", "(1, 2)"),
    ("draft ids of another number", lambda t: t.accept_draft([[0.0]] * 2, [[0.0]] * 2, [0], t.Sampler()), "draft_ids"),
    ("a draft id that couldn't be drawn", lambda t: t.accept_draft([[0.0, 1.0]], [[9.0, 0.0]], [1], t.Sampler(top_k=1)), "draft id 0", "1"),
    ("a draft with a negative position", lambda t: t.accept_draft([[0.0]], [[0.0]], [0], t.Sampler(), position=-1), "position", "-1"),
    ("a draft with a NaN", lambda t: t.accept_draft([[0.0, NAN]], [[0.0, 0.0]], [0], t.Sampler()), "logit 1", "NaN"),
]

ALL = SETTINGS + CALLS
