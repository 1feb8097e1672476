"""Sobol sampling of a sweep's search space: random, but spread evenly, so that few trials leave no large gaps."""

from collections.abc import Iterator, Sequence
from statistics import NormalDist
from typing import Any

SMALLEST = 2.0**-53  # the normal distribution's quantile function takes no 0


class Sobol:
    """Stands for a `random.Random`: each draw takes the next coordinate of a point of the scrambled Sobol sequence.

    Args:
        dimensions: number of draws that make up one point.
        seed: of the scrambling; None for another sequence each time.
    """

    def __init__(self, dimensions: int, seed: int | None) -> None:
        self._numbers = self._coordinates(dimensions, seed)

    @staticmethod
    def _coordinates(dimensions: int, seed: int | None) -> Iterator[float]:
        from scipy.stats import qmc  # here: it takes a second, and only sweeps that ask for Sobol need it

        points = qmc.Sobol(dimensions, scramble=True, rng=seed)
        while True:
            yield from map(float, points.random(1)[0])

    def uniform(self, low: float, high: float) -> float:
        """A number from `low` on, up to `high`."""
        return low + (high - low) * next(self._numbers)

    def choice(self, values: Sequence[Any]) -> Any:
        """One of `values`."""
        return values[self.randrange(len(values))]

    def randrange(self, upper: int) -> int:
        """An integer from 0 on, below `upper`."""
        return int(next(self._numbers) * upper)

    def gauss(self, mu: float, sigma: float) -> float:
        """A number of a normal distribution, by its quantile function, which keeps the even spread."""
        return NormalDist(mu, sigma).inv_cdf(max(next(self._numbers), SMALLEST))
