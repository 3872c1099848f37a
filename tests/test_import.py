"""What importing the package brings with it: as little as can be, and every name."""

from typing import Any

from .backends import child


def test_training_waits_for_nothing_that_it_does_not_need(toklet: Any) -> None:
    unwanted = {"numpy", "tqdm", "pyarrow", "toklet.sampling", "toklet.chat"}
    script = f"import sys, toklet; toklet.train(['a b'], 257, pattern='gpt2').id(b'a'); print(*sorted({unwanted} & set(sys.modules)))"
    done = child(toklet, script)
    assert (done.stdout.strip(), done.stderr) == ("", "")


def test_every_public_name_is_there_and_told(toklet: Any) -> None:
    script = "import toklet\nfrom toklet import *\nprint(all(getattr(toklet, n) == globals()[n] for n in toklet.__all__), {*toklet.__all__} <= {*dir(toklet)})"
    done = child(toklet, script)
    assert (done.stdout, done.stderr) == ("True True\n", "")
    assert {name for names in toklet.HOMES.values() for name in names} <= set(toklet.__all__)


def test_modules_are_attributes_before_they_are_imported(toklet: Any) -> None:
    done = child(toklet, "import toklet; print(toklet.sampling.Sampler is toklet.Sampler, toklet.distributed.__name__, hasattr(toklet, 'nothing'))")
    assert (done.stdout, done.stderr) == ("True toklet.distributed False\n", "")


def test_a_fork_waits_for_what_another_thread_imports_at_its_first_call(native: Any) -> None:
    script = """
import os, signal, threading, time, toklet
tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
threading.Thread(target=tok.encode, args=("a",)).start()
time.sleep(0.01)
if (pid := os.fork()) == 0:
    signal.alarm(20)
    os._exit(tok.encode("ab").size != 2)
print(os.waitpid(pid, 0)[1])
"""
    for _ in range(3):
        done = child(native, script)
        assert done.stdout.strip() == "0", done.stderr
