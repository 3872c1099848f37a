"""A str that UTF-8 can't hold, wherever a text goes in: an error of toklet's own; and a file whose name isn't UTF-8 can be saved and loaded."""

import os
import tempfile

from run import holds, main, refused

import toklet

BAD = "a\udcffb"


def attack() -> str:
    """Put one everywhere."""
    tok = toklet.train(["ab abc"], 260, pattern="gpt2")
    template = toklet.Template("{{ a }}")
    calls = {
        "encode": lambda: tok.encode(BAD),
        "encode_batch": lambda: tok.encode_batch(["a", BAD]),
        "encode_with_offsets": lambda: tok.encode_with_offsets(BAD),
        "count": lambda: tok.count(BAD),
        "truncate": lambda: tok.truncate(BAD, 1),
        "special=": lambda: tok.encode("a", special={BAD}),
        "toklet.count": lambda: toklet.count([BAD]),
        "train": lambda: toklet.train([BAD], 300),
        "Template": lambda: toklet.Template(BAD),
        "a slot's name": lambda: toklet.Template("{{ " + BAD + " }}"),
        "a slot's value": lambda: template.render(tok, a=BAD),
        "a separator": lambda: toklet.FewShot(template, [{"a": "x"}], separator=BAD),
        "generate": lambda: list(toklet.generate(lambda ids: [0.0] * 260, BAD, tok, toklet.Sampler(seed=1))),
        "id": lambda: tok.id(BAD),
        "a pattern": lambda: toklet.Tokenizer.from_merges([], pattern=BAD),
        "a pattern to count by": lambda: toklet.count(["a"], BAD),
        "a special token": lambda: toklet.Tokenizer.from_merges([], pattern="gpt2", special_tokens=[BAD]),
        "a special token to train": lambda: toklet.train(["ab"], 300, special_tokens=[BAD]),
        "a separator of a file": lambda: toklet.count_files([__file__], separator=BAD),
        "a separator to encode by": lambda: tok.encode_file(__file__, separator=BAD),
    }
    wrong = []
    for name, call in calls.items():
        try:
            refused(name, call)
        except Exception as broken:
            wrong.append(str(broken).split(" codec")[0])
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, BAD + ".json")
        try:
            tok.save(path)
            holds(toklet.load(path) == tok, "a file whose name is not UTF-8 loads as another")
        except Exception as error:
            wrong.append(f"a file whose name is not UTF-8: {type(error).__name__}")
    holds(not wrong, f"{len(wrong)} of {len(calls) + 1}: {'; '.join(wrong)}")
    return f"{len(calls)} ways in are closed, and a file name that is not UTF-8 is one"


main(attack)
