"""fork while another thread runs the first call of the process: what is made on first use must not stay half made for ever in the child."""

from run import holds, in_child, main

FORK = """
import os, signal, sys, threading, time
sys.setswitchinterval(1e-5)
import toklet
tok = toklet.Tokenizer.from_merges([], pattern="gpt2")
threading.Thread(target=tok.encode, args=("é" * 3_000,)).start()
until = time.perf_counter() + float(sys.argv[1])
while time.perf_counter() < until:
    pass
if (pid := os.fork()) == 0:
    signal.alarm(3)
    tok.encode("é")
    os._exit(0)
sys.exit(os.waitpid(pid, 0)[1] != 0)
"""
FORKS = 60


def attack() -> str:
    """Fork at many moments of the first call."""
    hung = sum(in_child(FORK, turn * 5e-5).returncode != 0 for turn in range(FORKS))
    holds(hung == 0, f"{hung} of {FORKS} children hang for ever in their first call")
    return f"{FORKS} forks during a first call: no child hangs"


main(attack)
