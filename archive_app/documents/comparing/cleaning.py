"""Makes an alignment readable: a few characters that stayed between long changes are noise, and go with them; and a
sentence that was added is marked from its beginning to its end."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise

from archive_app.documents.comparing.alignment import Run

_LEAST_CHANGED = 3
_FARTHEST_MOVED = 300


def readable(runs: Sequence[Run], left_size: int, right_size: int) -> list[Run]:
    """The runs without those that are shorter than what changed before them and than what changed behind them.

    "甲方代表" that became "乙方主任" has lost all of it, though one character stayed.
    """
    kept: list[Run] = []
    for index, run in enumerate(runs):
        kept.append(run)
        following = runs[index + 1] if index + 1 < len(runs) else Run(left_size, right_size, 0)
        # Dropping one makes the change before it longer, which may decide about the one before that.
        while kept and _is_noise(kept, following):
            kept.pop()
    return kept


def _is_noise(kept: Sequence[Run], following: Run) -> bool:
    run = kept[-1]
    before = kept[-2] if len(kept) > 1 else Run(0, 0, 0)
    changed = _changed(before, run), _changed(run, following)
    return run.length <= min(changed) and sum(changed) >= _LEAST_CHANGED


def _changed(run: Run, following: Run) -> int:
    return max(following.left - run.left - run.length, following.right - run.right - run.length)


def whole_sentences(
    runs: Sequence[Run], left: Sequence[int], right: Sequence[int], ends: Callable[[bool, int], bool]
) -> list[Run]:
    """The runs, with what was added or removed between two of them moved to where it begins behind a sentence.

    "甲。[乙。]丙" and "甲[。乙]。丙" are the same change; the first is what somebody did. `left` and `right` are the
    tokens, `ends` says of one, by its side and its place there, whether a sentence ends with it.
    """
    moved = list(runs)
    for index, (before, behind) in enumerate(pairwise(runs)):
        on_left = behind.right == before.right + before.length
        if on_left is (behind.left == before.left + before.length):
            continue  # both sides changed
        tokens = left if on_left else right
        start = (before.left if on_left else before.right) + before.length
        end = behind.left if on_left else behind.right
        room = min(moved[index].length, _FARTHEST_MOVED)
        for step in range(room + 1):
            if step and tokens[start - step] != tokens[end - step]:
                break
            if start == step or ends(on_left, start - step - 1):
                moved[index] = replace(moved[index], length=moved[index].length - step)
                moved[index + 1] = Run(behind.left - step, behind.right - step, behind.length + step)
                break
    return [run for run in moved if run.length]
