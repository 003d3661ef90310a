"""JupyterHub as `sampan up` starts it, without what it never uses: `python -m sampan_spawners.jupyterhub`."""

from __future__ import annotations

import sys

__all__: list[str] = []

# jsonschema would compile a grammar, which takes as long as everything else of a hub's start, for a format that no schema of
# Jupyter's names. It is optional: jsonschema does without where it cannot be imported.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

if __name__ == "__main__":
    from jupyterhub.app import main

    main()
