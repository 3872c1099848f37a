"""Write the files."""

from pathlib import Path

from . import vectors

folder = Path(__file__).parents[2] / "tests" / "vectors"
folder.mkdir(exist_ok=True)
for name, text in vectors().items():
    (folder / name).write_text(text, "ascii", newline="\n")
    print(f"{folder / name}: {len(text)} bytes")
