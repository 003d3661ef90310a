"""Runs a notebook from top to bottom as a person's own program would; prints it as it is afterwards.

`python -m tests.sampan.a_notebook NOTEBOOK FOLDER`: the kernel's sockets lie in that folder.
"""

import json
import sys

import nbformat
from nbclient import NotebookClient
from traitlets.config import Config


def main(file: str, folder: str) -> None:
    notebook = nbformat.read(file, as_version=4)
    # Over unix sockets, as the launcher has it: nothing of a kernel listens on the node.
    way = Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})
    NotebookClient(notebook, timeout=60, kernel_name="python3", config=way).execute(cwd=folder)
    print(json.dumps(notebook))


if __name__ == "__main__":
    main(*sys.argv[1:])
