"""How the watched folders are doing, for the health page and `lantai doctor`."""

import json
from collections.abc import Iterable
from datetime import timedelta

from archive_app.intake.inbox.models import WatchedFolder
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.unit_of_work import UnitOfWork

_SILENT = timedelta(minutes=10)


def probe_folders(uow: UnitOfWork) -> Iterable[Line]:
    """A line per watched folder: what is wrong with it, or that nobody looked at it for long."""
    for folder in uow.archive.rules.watched_folders:
        kept = uow.session.get(WatchedFolder, folder.name)
        title, params = N_("Watched folder"), {"name": folder.name}
        if kept is not None and kept.fault:
            told = json.loads(kept.fault)
            # The fault's own words, whose catalogue key stands in the row.
            yield Line(title, State.BAD, told["message"], told["params"])
        elif kept is None or uow.now - kept.looked_at > _SILENT:
            yield Line(title, State.WATCH, N_("%(name)s has not been looked at for ten minutes"), params)
        else:
            counted = {**params, "growing": kept.growing}
            yield Line(title, State.GOOD, N_("%(name)s; %(growing)s files are still being written"), counted)
