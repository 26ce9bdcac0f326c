"""Quality of translations against the length of the source: what a bottleneck costs, and attention saves."""

from collections.abc import Sequence

from matplotlib.figure import Figure

from unroll.report.leaderboard import Result

MEASURES = {"exact_match": ("exact match (%)", 100), "bleu": ("BLEU", 1)}


def quality_by_length(results: Sequence[Result]) -> Figure:
    """A line per model that translates, a panel per measure; a point is the middle of a group of source lengths."""
    figure = Figure(figsize=(8.4, 3.6), layout="constrained")
    for index, (measure, (label, scale)) in enumerate(MEASURES.items()):
        axes = figure.add_subplot(1, len(MEASURES), index + 1, xlabel="source tokens", ylabel=label, ylim=(-2, 102))
        for result in results:
            groups = result["by_source_length"]
            middles = [(group["first"] + group["last"]) / 2 for group in groups]
            axes.plot(middles, [scale * group[measure] for group in groups], "o-", label=result.name, markersize=4)
        axes.grid(alpha=0.3)
        axes.legend(fontsize="small")
    return figure
