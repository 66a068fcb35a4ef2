"""RapidOCR, whose models come in its package: recognition where Tesseract is not installed. Runs inside the sandbox."""

from __future__ import annotations

import logging
from importlib import metadata
from typing import Any

from search.reading.model import ReadingError
from search.reading.passages import clean
from search.reading.recogniser import Line, Reading

_SAME_LINE = 0.5


def recognise(picture: Any) -> tuple[Reading, int, str]:
    """The lines of an upright page, by how many degrees it was turned (never), and the engine's name and version.

    Raises: ReadingError ("unsupported") where the package is not installed.
    """
    try:
        import numpy as np
        from rapidocr import RapidOCR
    except ImportError as error:
        raise ReadingError("unsupported", "RapidOCR is not installed") from error
    logging.disable()
    engine = RapidOCR(params={
        "Global.log_level": "critical", "EngineConfig.onnxruntime.intra_op_num_threads": 1,
        "EngineConfig.onnxruntime.inter_op_num_threads": 1,
    })  # fmt: skip
    # Its models were trained on pictures with the blue channel first.
    found: Any = engine(np.asarray(picture)[:, :, ::-1])
    boxes = [] if found.boxes is None else found.boxes
    lines = [
        _line(box, text, score, picture.size)
        for box, text, score in zip(boxes, found.txts or (), found.scores or (), strict=True)
    ]
    return Reading(tuple(_in_reading_order(lines))), 0, f"rapidocr/{metadata.version('rapidocr')}"


def _line(box: Any, text: str, score: float, size: tuple[int, int]) -> Line:
    xs, ys = [float(x) / size[0] for x, _ in box], [float(y) / size[1] for _, y in box]
    left, top = max(0.0, min(xs)), max(0.0, min(ys))
    width, height = min(1.0, max(xs)) - left, min(1.0, max(ys)) - top
    return Line(clean(text), 100 * float(score), (left, top, width, height))


def _in_reading_order(lines: list[Line]) -> list[Line]:
    """From top to bottom, and within a row from left to right; pieces of one row differ a little in height."""
    rows: list[list[Line]] = []
    for line in sorted(lines, key=lambda line: line.box[1] + line.box[3] / 2):
        middle = line.box[1] + line.box[3] / 2
        last = rows[-1][-1] if rows else None
        if last is not None and middle - (last.box[1] + last.box[3] / 2) < _SAME_LINE * min(line.box[3], last.box[3]):
            rows[-1].append(line)
        else:
            rows.append([line])
    return [line for row in rows for line in sorted(row, key=lambda line: line.box[0])]
