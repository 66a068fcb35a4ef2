"""Recognition of generated pages: character errors by class, seconds a page on one core, and what a night suffices for.

Every page goes the whole way: into a locked process, rendered, recognised, back. The text is compared without spaces
and with its widths folded, as a search would compare it.
"""

import io
import os
import resource
import time
from collections.abc import Iterator

from search.reading import Limits, recognise_page, recognition_engine
from tests.bench.figures import Figure, Scale
from tests.bench.scanned_pages import CLASSES, fonts_present, pages
from tests.character_errors import compared, distance

_PAGES_OF_A_CLASS = 10
_NIGHT_SECONDS = 12 * 3600
_PEAK_DAY_PAGES = 3200
_LIMITS = Limits(memory_bytes=2 * 2**30, cpu_seconds=120, wall_seconds=300)
_PER_CENT = 100


def measure(scale: Scale) -> Iterator[Figure]:
    """With the engine of this machine: errors and processor time by class, then all classes together."""
    return recognition_figures(scale.choose(_PAGES_OF_A_CLASS, 1), "")


def measure_rapidocr(scale: Scale) -> Iterator[Figure]:
    """The same for the engine that comes as a wheel, on fewer pages."""
    from search.reading import recognition

    kept = recognition._TESSDATA  # as on a machine without Tesseract
    recognition._TESSDATA = ()
    recognition._look_for_engine.cache_clear()
    try:
        yield from recognition_figures(scale.choose(2, 1), "rapidocr, ")
    finally:
        recognition._TESSDATA = kept
        recognition._look_for_engine.cache_clear()


def recognition_figures(count: int, name: str) -> Iterator[Figure]:
    """Figures over `count` pages of each class."""
    if recognition_engine() is None or not fonts_present():
        return
    used: list[float] = []
    for kind in CLASSES:
        errors = characters = 0
        seconds: list[float] = []
        for page in pages(kind, count):
            before = _processor_seconds()
            found = recognise_page(io.BytesIO(page.content), page.kind_code, 0, limits=_LIMITS)
            seconds.append(_processor_seconds() - before)
            errors += distance(compared(found.text), compared(page.text))
            characters += len(compared(page.text))
        rate = _PER_CENT * errors / characters
        goal = ("≤ 1 %", rate <= 1) if kind == "clean" and not name else ("", None)
        yield Figure(f"{name}{kind}: character errors, {count} pages", rate, "%", goal=goal[0], met=goal[1])
        mean = sum(seconds) / len(seconds)
        goal = ("≤ 5 s", mean <= 5) if kind == "clean" and not name else ("", None)  # the goal itself
        yield Figure(f"{name}{kind}: processor seconds a page", mean, "s", goal=goal[0], met=goal[1])
        used += seconds
    mean = sum(used) / len(used)
    yield Figure(f"{name}all {len(used)} pages: seconds a page on one core", mean, "s", goal="≤ 5 s", met=mean <= 5)
    night = _NIGHT_SECONDS / mean
    yield Figure(
        f"{name}pages in a night of 12 h on one core",
        night,
        "pages",
        against="a typical body's peak day",
        denominator=_PEAK_DAY_PAGES,
        goal="≥ 3,200",
        met=night >= _PEAK_DAY_PAGES,
    )


def _processor_seconds() -> float:
    """What this process and the readers that it started have used: on a busy machine a clock would tell of others."""
    own, children = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def main() -> None:
    """One line for each page, to look into what went wrong."""
    for kind in os.environ.get("CLASSES", ",".join(CLASSES)).split(","):
        for number, page in enumerate(pages(kind, _PAGES_OF_A_CLASS)):
            started, before = time.monotonic(), _processor_seconds()
            found = recognise_page(io.BytesIO(page.content), page.kind_code, 0, limits=_LIMITS)
            rate = _PER_CENT * distance(compared(found.text), compared(page.text)) / len(compared(page.text))
            print(
                f"{kind} {number} {page.kind_code} errors {rate:.2f} % processor {_processor_seconds() - before:.2f} s "
                f"clock {time.monotonic() - started:.2f} s confidence {found.confidence} turned {found.turned}",
                flush=True,
            )


if __name__ == "__main__":
    main()
