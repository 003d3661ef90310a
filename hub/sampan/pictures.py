"""A picture of any variable: of one slice, no finer than it can be seen. Data in, PNG out."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

__all__ = ["draw", "sliders", "variables"]

_PIXELS: Final = 400
"""Points along each side that a picture shows at the most; the rest is not read."""
_ROWS: Final = 5_000


def variables(data: Any) -> list[str]:
    """What can be drawn: variables (columns) of numbers that have a dimension. Of a DataTree those of its root.

    The bounds of cells come last: they say where something was measured, and not what.
    """
    found = []
    for name in getattr(data, "data_vars", data.columns if hasattr(data, "columns") else ()):
        one = data[name]
        if getattr(one.dtype, "kind", "") in "fiu" and one.ndim and one.size:
            found.append(str(name))
    # https://cfconventions.org/cf-conventions/cf-conventions.html#cell-boundaries
    some = getattr(data, "variables", {}) if hasattr(data, "data_vars") else {}
    bounds = {one.attrs.get("bounds", one.encoding.get("bounds")) for one in some.values()}
    return sorted(found, key=lambda name: name in bounds)


def sliders(data: Any, variable: str) -> dict[str, int]:
    """Dimension → the last place along it: those that a picture of the last two (or the only one) leaves open."""
    one = data[variable]
    if not hasattr(one, "dims"):
        return {}
    return {str(name): one.sizes[name] - 1 for name in one.dims[: max(0, one.ndim - 2)]}


def draw(data: Any, variable: str, at: Mapping[str, int]) -> bytes:
    """The slice of `variable` at those places, as PNG: a line where it has one dimension, else a map. Nothing else is read."""
    from matplotlib.figure import Figure

    one = data[variable]
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.add_subplot()
    if hasattr(one, "dims"):
        part = one.isel(dict(at))
        part = part.isel({name: slice(None, None, 1 + part.sizes[name] // _PIXELS) for name in part.dims})
        part = part.compute()
        if part.ndim == 1:
            axes.plot(part.values)
            axes.set_xlabel(str(part.dims[0]))
        else:
            image = axes.imshow(part.values, origin="lower", aspect="auto", interpolation="nearest")
            axes.set_xlabel(str(part.dims[1]))
            axes.set_ylabel(str(part.dims[0]))
            figure.colorbar(image, ax=axes)
    else:
        axes.plot(one.to_numpy()[:: 1 + len(one) // _ROWS])
    axes.set_title(_plain(variable))
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=100)
    return written.getvalue()


def _plain(text: str) -> str:
    """Matplotlib reads dollars as formulas, and fails at those that are none."""
    return text.replace("$", r"\$")
