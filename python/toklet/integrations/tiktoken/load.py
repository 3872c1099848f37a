"""Where the published vocabularies lie, and how their files are read.

tiktoken keeps what it has downloaded in a folder, under the SHA-1 of the address. The same folders are looked into here, and files in them that have kept
their own names are found, too. A published file is believed only if its SHA-256 is the published one.
"""

import base64
import binascii
import hashlib
import os
import tempfile
from collections.abc import Iterator

from ...checks import as_path
from ...formats.huggingface import BYTES
from ...reference.error import FormatError

ADDRESS = "https://openaipublic.blob.core.windows.net/"
FILES = {  # name -> folder under this address, SHA-256
    "vocab.bpe": ("gpt-2/encodings/main/", "1ce1664773c50f3e0cc8842619a93edc4624525b728b188a9e0be33b7726adc5"),
    "r50k_base.tiktoken": ("encodings/", "306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930"),
    "p50k_base.tiktoken": ("encodings/", "94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069"),
    "cl100k_base.tiktoken": ("encodings/", "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7"),
    "o200k_base.tiktoken": ("encodings/", "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d"),
}
SAME = {"vocab.bpe": "r50k_base.tiktoken"}  # the two files say the same, each in its own way


def load_tiktoken_bpe(tiktoken_bpe_file: str | os.PathLike[str], expected_hash: str | None = None) -> dict[bytes, int]:
    """Read a file of ranks: a line a token, its bytes in base64 and its rank.

    Parameters
    ----------
    tiktoken_bpe_file : str or PathLike
        A file on this machine.
    expected_hash : str, optional
        Its SHA-256.

    Raises
    ------
    FormatError
        If it has another hash, or a line that is no token.
    OSError
        If it can't be read.
    """
    path = as_path(tiktoken_bpe_file)
    return dict(entries(read(path, None if expected_hash is None else [expected_hash]), path))


def read(path: str, expected: list[str] | None) -> bytes:
    """Read a file, and refuse it if it isn't an expected one."""
    with open(path, "rb") as file:
        data = file.read()
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found not in expected:
        raise FormatError(f"the SHA-256 of {path}", found, f"{' or '.join(expected)}: the file is another, or damaged")
    return data


def entries(data: bytes, path: str) -> Iterator[tuple[bytes, int]]:
    """Read the lines."""
    for number, line in enumerate(data.splitlines(), 1):
        if line:
            try:
                token, rank = line.split()
                yield base64.b64decode(token, validate=True), int(rank)
            except (ValueError, binascii.Error):
                raise FormatError(f"line {number} of {path}", repr(line[:40].decode("utf-8", "replace")), "a token in base64 and its rank") from None


def ranks_of_merges(data: bytes) -> dict[bytes, int]:
    """Read GPT-2's list of merges, written in letters that stand for bytes: the bytes come first, then what each merge makes."""
    made = [bytes([byte]) for byte in BYTES.values()]
    made += [bytes(BYTES[c] for c in line.replace(" ", "")) for line in data.decode().splitlines()[1:]]
    return {token: rank for rank, token in enumerate(made)}


def folders() -> list[str]:
    """Give the folders in which tiktoken keeps its files."""
    named = [os.environ.get(name, "") for name in ("TIKTOKEN_CACHE_DIR", "DATA_GYM_CACHE_DIR")]
    return [folder for folder in named if folder] or [os.path.join(tempfile.gettempdir(), "data-gym-cache")]


def published(name: str, path: str | os.PathLike[str] | None) -> dict[bytes, int]:
    """Read a published file: at `path`, which is the file or a folder with it, or where tiktoken keeps it."""
    names = dict.fromkeys((name, SAME.get(name, name)))
    files = [(found, hashlib.sha1(f"{ADDRESS}{FILES[found][0]}{found}".encode()).hexdigest()) for found in names]
    looked = folders() if path is None else [as_path(path)]
    places = [os.path.join(folder, file) for folder in looked for pair in files for file in pair]
    for place in [*looked, *places]:
        if os.path.isfile(place):
            data = read(place, [FILES[found][1] for found in names])
            return ranks_of_merges(data) if data.startswith(b"#version") else dict(entries(data, place))
    found = next(reversed(names))
    how = f"put {ADDRESS}{FILES[found][0]}{found} there, or say where it is by path= or by TIKTOKEN_CACHE_DIR: toklet downloads nothing by itself"
    raise FileNotFoundError(2, f"No such vocabulary; {how}", os.path.join(looked[0], found))
