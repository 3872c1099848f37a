"""Files of ranks: a line a token, its bytes in base64 and its rank, which is its id.

Neither the pattern nor the special tokens stand in the file. The published encodings are known by their SHA-256; for any other file the caller must say them.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping

from ..reference.encode import Tokenizer
from ..reference.error import FormatError
from ..reference.merge import merge

FIM = {"<|fim_prefix|>": 100258, "<|fim_middle|>": 100259, "<|fim_suffix|>": 100260}
WHISPER = "b34b360dbb493e781e479794586d661700670d65564001f23024971d1f2fa126"  # its last line has a token of no bytes, which no text has: it is left out
PUBLISHED = {
    "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930": ("gpt2", {"<|endoftext|>": 50256}),
    "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069": ("gpt2", {"<|endoftext|>": 50256}),
    "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7": ("cl100k", {"<|endoftext|>": 100257, **FIM, "<|endofprompt|>": 100276}),
    "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d": ("o200k", {"<|endoftext|>": 199999, "<|endofprompt|>": 200018}),
    # Whisper: those that all of its models have; how many languages follow depends on the model.
    WHISPER: ("gpt2", {"<|endoftext|>": 50257, "<|startoftranscript|>": 50258}),
    # Qwen up to 2.5, which has more special tokens in some versions than in others.
    "b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186": ("qwen2", {"<|endoftext|>": 151643, "<|im_start|>": 151644, "<|im_end|>": 151645}),
}


def read(data: bytes, name: str, pattern: str | None, special_tokens: Mapping[str, int] | None) -> Tokenizer:
    """Read the ranks."""
    sha256 = hashlib.sha256(data).hexdigest()
    known = PUBLISHED.get(sha256)
    if sha256 == WHISPER:
        data = data.rstrip().removesuffix(b"= 50256")
    if known is None and pattern is None:
        raise FormatError(name, "not one of the published files", "loaded with pattern= (and special_tokens=, if it has any)")
    ranks: dict[bytes, int] = {}
    for number, line in enumerate(data.split(b"\n"), 1):
        if not line.strip():
            continue
        try:
            token, rank = line.split()
            spelled = base64.b64decode(token, validate=True)
            if not rank.isdigit() or len(rank) > 9 or base64.b64encode(spelled) != token:
                raise ValueError
        except (ValueError, binascii.Error):
            raise FormatError(f"line {number} of {name}", repr(line[:40].decode("utf-8", "replace")), "a token in base64 and its rank") from None
        if spelled in ranks:
            raise FormatError(f"line {number} of {name}", f"the token {spelled!r} again", "a new token")
        ranks[spelled] = int(rank)
    specials = special_tokens if special_tokens is not None else known[1] if known and pattern is None else {}
    return Tokenizer(ranks, None, dict(specials), pattern or (known[0] if known else ""), whole=True)


def text(tokenizer: Tokenizer) -> bytes:
    """Write the ranks. Merges say the same as ranks where each token is what its own merges lead to, in the order of the ids; others can't be written so."""
    vocabulary = tokenizer.vocabulary
    if tokenizer.pipeline:
        raise FormatError("the tokenizer", "one with more around it than a pattern and special tokens", "saved as tokenizer.json: ranks can't say it")
    if not vocabulary.whole or vocabulary.listed is not None:
        made = [vocabulary.tokens[left + right] for left, right in vocabulary.listed or []]
        reached = all(merge(vocabulary, token) == [id] for token, id in vocabulary.tokens.items())
        if not reached or made != sorted(set(made)) or len(made) + 256 != len(vocabulary.tokens):
            allowed = "saved as tokenizer.json: ranks can't say it"
            raise FormatError("the vocabulary", "one with a token that its merges don't lead to, or merges out of order", allowed)
    ordered = sorted(vocabulary.tokens.items(), key=lambda item: item[1])
    return b"".join(base64.b64encode(token) + b" %d\n" % rank for token, rank in ordered)
