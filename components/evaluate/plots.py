"""Pictures of an evaluation: residuals, error by carrier, importance of features."""

from typing import Any

import numpy as np
from matplotlib.figure import Figure

# Blue and orange differ for colour-blind eyes and in grey print too; the candidate is always the blue one.
COLOURS = ["#1f5fa8", "#e08214"]


def plot_residuals(actual: np.ndarray, predicted: dict[str, np.ndarray], title: str) -> Figure:
    """Residuals (actual minus predicted) of the first model against its predictions, and their distribution for each.

    Args:
        actual: delay in minutes, one a flight.
        predicted: by model, delay in minutes, one a flight.
        title: line above the picture.
    """
    figure = Figure(figsize=(11, 4.6), dpi=120, layout="constrained")
    figure.suptitle(title, fontweight="bold")
    left, right = figure.subplots(1, 2)
    name, first = next(iter(predicted.items()))
    # Without the outermost percent: single flights with delays of a day would squeeze all others into a spot.
    points = np.stack([first, actual - first])
    limits = np.percentile(points, [0.5, 99.5], axis=1, keepdims=True)
    usual = (points == np.clip(points, *limits)).all(axis=0)
    cells = left.hexbin(*points[:, usual], gridsize=45, bins="log", cmap="Blues", mincnt=1, linewidths=0.1)
    left.axhline(0, color="#333333", linewidth=1)
    left.set(title=f"Residuals of the {name}", xlabel="predicted (minutes)", ylabel="actual - predicted (minutes)")
    figure.colorbar(cells, ax=left, label="flights")
    bins = np.arange(-90, 91, 3)
    for (name, values), colour in zip(predicted.items(), COLOURS, strict=False):
        residuals = actual - values
        share = np.full(len(residuals), 100 / len(residuals))
        label = f"{name}, median {np.median(residuals):.1f}"
        clipped = np.clip(residuals, bins[0], bins[-1])
        right.hist(clipped, bins, weights=share, histtype="step", linewidth=1.8, color=colour, label=label)
    right.set(title="Distribution", xlabel="actual - predicted (minutes)", ylabel="flights (%)")
    right.set_xticks(range(-90, 91, 30), ["≤ -90", "-60", "-30", "0", "30", "60", "≥ 90"])
    right.set_ylim(0, right.get_ylim()[1] * 1.15)
    right.legend(loc="upper right", frameon=False)
    for axes in (left, right):
        _plain(axes, "both")
    return figure


def plot_carriers(slices: dict[str, dict[str, dict[str, Any]]], title: str) -> Figure:
    """RMSE by carrier, the carrier with most flights first.

    Args:
        slices: by model and carrier, `rows` and `rmse`.
        title: line above the picture.
    """
    first = next(iter(slices.values()))
    carriers = sorted(first, key=lambda name: -first[name]["rows"])
    figure = Figure(figsize=(11, 4.4), dpi=120, layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(slices)
    for at, (name, values) in enumerate(slices.items()):
        places = np.arange(len(carriers)) + (at - (len(slices) - 1) / 2) * width
        heights = [values[carrier]["rmse"] or 0 for carrier in carriers]
        axes.bar(places, heights, width * 0.94, color=COLOURS[at], label=name)
    axes.set_xticks(range(len(carriers)), [f"{name}\n{first[name]['rows']:,}" for name in carriers])
    axes.set(title=f"{title}: error by carrier", xlabel="carrier and its flights", ylabel="RMSE (minutes)")
    axes.title.set_fontweight("bold")
    axes.legend(frameon=False)
    _plain(axes, "y")
    return figure


def plot_importance(importance: dict[str, dict[str, float]], title: str) -> Figure:
    """What shuffling a column costs, the most important feature on top.

    Args:
        importance: by feature, `mean` and `std` of the rise in RMSE, minutes.
        title: line above the picture.
    """
    names = sorted(importance, key=lambda name: importance[name]["mean"])
    edge = 0.01  # minutes: what is below is noise
    means = np.array([max(importance[name]["mean"], edge) for name in names])
    errors = np.array([importance[name]["std"] for name in names])
    figure = Figure(figsize=(8, 5.2), dpi=120, layout="constrained")
    axes = figure.subplots()
    # The departure delay outweighs the rest a hundredfold; a logarithmic axis shows both.
    axes.barh(names, means - edge, left=edge, xerr=errors, color=COLOURS[0], error_kw={"elinewidth": 1, "capsize": 2})
    for place, (mean, end) in enumerate(zip(means, means + errors, strict=True)):
        text = f"{mean:.2f}" if mean > edge else f"< {edge}"
        axes.annotate(text, (end, place), (6, 0), textcoords="offset points", va="center", fontsize=8)
    axes.set_xscale("log")
    axes.set_xlim(edge, means.max() * 3)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.set(title=f"{title}\nimportance of features", xlabel="rise of RMSE when the column is shuffled (minutes)")
    axes.title.set_fontweight("bold")
    _plain(axes, "x")
    return figure


def _plain(axes: Any, grid: Any) -> None:
    axes.set_axisbelow(True)
    axes.grid(axis=grid, color="#d9d9d9", linewidth=0.6)
    axes.spines[["top", "right"]].set_visible(False)
