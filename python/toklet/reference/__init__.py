"""The specification of toklet: every stage in plain Python, with the standard library alone.

The files are those of the Rust core, in the data's order: unicode, split, vocab, merge, encode, chunks, dropout, decode, count, train, philox, sample,
prompt, chat. Read it to learn how it works; the tests hold the core equal to it. It is also what runs where the native module can't: correct, and slow.
"""

from .chat import ChatContext, ChatTemplate
from .chunks import Chunks
from .count import WordCounts, count, count_files
from .counter import Counter
from .encode import Tokenizer
from .prompt import Template, few_shot
from .sample import Sampler, log_softmax, softmax, top_k
from .split import PATTERNS, split
from .train import train
from .unicode import UNICODE_VERSION

__all__ = [
    "PATTERNS",
    "UNICODE_VERSION",
    "ChatContext",
    "ChatTemplate",
    "Chunks",
    "Counter",
    "Sampler",
    "Template",
    "Tokenizer",
    "WordCounts",
    "count",
    "count_files",
    "few_shot",
    "log_softmax",
    "softmax",
    "split",
    "top_k",
    "train",
]
