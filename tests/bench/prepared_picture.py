"""The picture of what a fork saves: `build/bench/prepared.png`, each pair of bars in units of the plain one."""

from __future__ import annotations

from collections.abc import Sequence

from tests.bench.figures import PLACE, Figure

__all__ = ["picture"]


def picture(figures: Sequence[Figure]) -> None:
    """Of those figures that have a peer."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    rows = [one for one in figures if one.ratio is not None]
    figure, axes = pyplot.subplots(figsize=(9, 0.7 + 0.55 * len(rows)), layout="constrained")
    for place, one in enumerate(rows):
        assert one.ratio is not None
        axes.barh(place, 1, color="#d9dee3")
        axes.barh(place, one.ratio, color="#1f77b4")
        said = f" {one.median:.3g} of {one.peer_median:.3g} {one.unit}: {one.ratio:.2f}×"
        axes.text(one.ratio, place, said, va="center")
    axes.set_yticks(range(len(rows)), [one.name for one in rows])
    axes.invert_yaxis()
    axes.set_xlim(0, 1)
    axes.set_xlabel("forked of a template, as a part of the plain start beside it (medians)")
    axes.spines[["top", "right"]].set_visible(False)
    PLACE.mkdir(parents=True, exist_ok=True)
    figure.savefig(PLACE / "prepared.png", dpi=140)
    pyplot.close(figure)
