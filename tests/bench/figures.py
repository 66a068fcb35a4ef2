"""What a measure hands back, and the few ways of timing that all measures share."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median, quantiles

MEGABYTE = 1_000_000
MEBIBYTE = 2**20


@dataclass(frozen=True)
class Scale:
    """How much to measure, and a directory on the disk to measure on; what is left in it is removed."""

    directory: Path
    small: bool

    def choose(self, full: int, small: int) -> int:
        """The amount for this run."""
        return small if self.small else full


@dataclass(frozen=True)
class Figure:
    """One line of the table: our figure, what it is measured against in the same run, and the goal if there is one."""

    name: str
    ours: float
    unit: str
    against: str = ""
    denominator: float | None = None
    goal: str = ""
    met: bool | None = None

    @property
    def ratio(self) -> float | None:
        """Ours to the denominator."""
        return self.ours / self.denominator if self.denominator else None


def at_least(ratio: float, figure: Figure) -> Figure:
    """The figure with the goal that ours is at least `ratio` of the denominator."""
    return _with_goal(figure, f"ratio ≥ {ratio:g}", met=(figure.ratio or 0.0) >= ratio)


def at_most(ratio: float, figure: Figure) -> Figure:
    """The figure with the goal that ours is at most `ratio` times the denominator."""
    return _with_goal(figure, f"ratio ≤ {ratio:g}", met=figure.ours <= ratio * (figure.denominator or 0.0))


def below(limit: float, figure: Figure) -> Figure:
    """The figure with the goal that ours stays below `limit`, in its unit."""
    return _with_goal(figure, f"< {limit:g} {figure.unit}", met=figure.ours < limit)


def below_either(ratio: float, limit: float, figure: Figure) -> Figure:
    """The figure with the goal that ours is at most `ratio` times the denominator or `limit`, whichever is larger."""
    met = figure.ours <= max(limit, ratio * (figure.denominator or 0.0))
    return _with_goal(figure, f"≤ {ratio:g} × or {limit:g} {figure.unit}", met=met)


def seconds_of(step: Callable[[], object]) -> float:
    """How long one call takes."""
    started = time.perf_counter()
    step()
    return time.perf_counter() - started


def alternate(rounds: int, steps: Mapping[str, Callable[[int], object]]) -> dict[str, float]:
    """The median seconds of each step, all steps taken in turn in every round: a noisy neighbour hits them alike.

    A step is called with the number of the round.
    """
    times: dict[str, list[float]] = {name: [] for name in steps}
    for number in range(rounds):
        for name, step in steps.items():
            times[name].append(seconds_of(lambda step=step, number=number: step(number)))  # type: ignore[misc]
    return {name: median(values) for name, values in times.items()}


@dataclass(frozen=True)
class Spread:
    """Percentiles of many times, in milliseconds."""

    p50: float
    p95: float
    p99: float


def spread(seconds: list[float]) -> Spread:
    """The percentiles of `seconds`."""
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Spread(cuts[49] * 1000, cuts[94] * 1000, cuts[98] * 1000)


def _with_goal(figure: Figure, goal: str, *, met: bool) -> Figure:
    return Figure(figure.name, figure.ours, figure.unit, figure.against, figure.denominator, goal, met)
