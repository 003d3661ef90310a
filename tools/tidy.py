"""Check that text files are tidy: UTF-8, line feeds, no blanks at line ends, no merge marks, no keys.

Reads the files named on the command line; prints one line a fault; exit status 1 when there is any.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

MERGE_MARKS = ("<<<<<<< ", ">>>>>>> ")
LARGEST = 2_000_000
PRIVATE_KEY = "-----BEGIN " + "OPENSSH PRIVATE KEY-----"


def faults(path: Path) -> Iterator[str]:
    """What is untidy about one file, in words."""
    raw = path.read_bytes()
    if len(raw) > LARGEST:
        yield f"larger than {LARGEST} bytes"
        return
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        yield "not UTF-8"
        return
    if "\r\n" in text:
        yield "line ends in CR LF"
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "does not end in exactly one line feed"
    if PRIVATE_KEY in text:
        yield "holds a private key"
    for number, line in enumerate(text.split("\n"), start=1):
        if line != line.rstrip() and path.suffix != ".svg":
            yield f"line {number}: blanks at the end"
        if line.startswith(MERGE_MARKS):
            yield f"line {number}: a merge mark"


def main(names: list[str]) -> int:
    """Print every fault of the files named; 1 when there was one."""
    found = [f"{name}: {fault}" for name in names for fault in faults(Path(name))]
    sys.stdout.writelines(f"{line}\n" for line in found)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
