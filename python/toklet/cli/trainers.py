"""What `toklet bench train` runs: each trainer as a program of its own, that imports nothing but what it needs.

A program is told a file, a size of vocabulary, and whether a pattern cuts the text (GPT-2's, the one that every peer has). It trains in the fastest way
that the peer's documentation names, and leaves `learnt`: the tokens that merges made, in the order of their ids. Peers that take texts and not a file get
pieces of about a megabyte, cut where that changes no pretoken, so that they can work on several at once.
"""

from typing import NamedTuple

BEGIN = """
import hashlib, sys
path, size, cut = sys.argv[1], int(sys.argv[2]), sys.argv[3] == "gpt2"
GPT2 = r"'(?:[sdmt]|ll|ve|re)| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"

def texts():
    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    start = 0
    while cut and len(text) - start > 1 << 20:
        end = text.rindex("\\n", start, start + (1 << 20)) + 1
        while text[end - 2].isspace() or text[end].isspace():
            end = text.rindex("\\n", start, end - 1) + 1
        yield text[start:end]
        start = end
    yield text[start:]

def in_order(tokens):
    return sorted((token for token in tokens if len(token) > 1), key=tokens.__getitem__)
"""

END = """
print(len(learnt), hashlib.sha256(b"".join(len(token).to_bytes(4, "little") + token for token in learnt)).hexdigest())
"""


class Trainer(NamedTuple):
    """A contender: its package, its program, and whose rule for equal counts it has; None where its merges can't be toklet's."""

    package: str
    program: str
    ties: str | None
    whole: bool = True  # whether it can be asked to train without a pattern


HUGGINGFACE = """
import tokenizers
byte_level = tokenizers.pre_tokenizers.ByteLevel
tok = tokenizers.Tokenizer(tokenizers.models.BPE())
tok.pre_tokenizer = byte_level(add_prefix_space=False, use_regex=cut)
tok.train_from_iterator(texts(), tokenizers.trainers.BpeTrainer(vocab_size=size, show_progress=False, initial_alphabet=byte_level.alphabet()))
visible = [*range(33, 127), *range(161, 173), *range(174, 256)]
alphabet = {chr(b): b for b in visible} | {chr(256 + i): b for i, b in enumerate(b for b in range(256) if b not in visible)}
learnt = in_order({bytes(alphabet[c] for c in spelled): id for spelled, id in tok.get_vocab().items()})
"""

TRAINERS = {
    "toklet": Trainer(
        "toklet",
        "import toklet\ntok = toklet.train_files([path], size, pattern='gpt2' if cut else '')\nlearnt = [left + right for left, right in tok.merges]\n",
        "ids",
    ),
    "gigatoken": Trainer(
        "gigatoken",
        """
import gigatoken
tokens, _ = gigatoken.train_bpe(gigatoken.TextFileSource([path]), size, [], tie_breaking="raw_token_ids")
learnt = [token for _, token in sorted(tokens.items())][256:]
""",
        "ids",
        whole=False,
    ),
    "ffbpe": Trainer(
        "ffbpe",
        """
import ffbpe
if cut:
    model = ffbpe.train_bpe(texts(), vocab_size=size)
else:
    model = ffbpe.BpeTrainer([])
    model.add_words(ffbpe.PreTokenizer([], pat_str=r"(?s).+").get_words(next(texts())))
    model.train(size)
tokens = model.vocab
learnt = [token for _, token in sorted(tokens.items())][256:] if isinstance(next(iter(tokens)), int) else in_order(tokens)
""",
        "ids",
    ),
    "rustbpe": Trainer(
        "rustbpe",
        """
import rustbpe
tok = rustbpe.Tokenizer()
tok.train_from_iterator(texts(), size, pattern=GPT2 if cut else "(?s).+")
learnt = in_order({bytes(token): id for token, id in tok.get_mergeable_ranks()})
""",
        "ids",
    ),
    "tokenizers": Trainer("tokenizers", HUGGINGFACE, "huggingface", whole=False),
    "sentencepiece": Trainer(
        "sentencepiece",
        """
import io, sentencepiece
sentencepiece.SentencePieceTrainer.train(
    input=path, model_writer=io.BytesIO(), vocab_size=size, model_type="bpe", character_coverage=0.9995, max_sentence_length=1 << 24,
    num_threads=2, minloglevel=2, hard_vocab_limit=False)
learnt = []
""",
        None,
        whole=False,
    ),
    "youtokentome": Trainer(
        "youtokentome",
        """
import os, tempfile, youtokentome
with tempfile.TemporaryDirectory() as folder:
    youtokentome.BPE.train(data=path, model=os.path.join(folder, "model"), vocab_size=size, coverage=0.9995 if cut else 1.0, n_threads=2)
learnt = []
""",
        None,
    ),
}
OURS = "import toklet\nlearnt = [left + right for left, right in toklet.train_files([path], size, pattern='gpt2' if cut else '', ties={ties!r}).merges]\n"
