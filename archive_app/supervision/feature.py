"""What the composition root needs to know of supervision."""

from collections.abc import Iterable

from archive_app.kernel.feature import Feature, MenuEntry
from archive_app.kernel.fonts import chinese_font_file
from archive_app.kernel.health import Line, State
from archive_app.kernel.language import N_
from archive_app.kernel.permissions import Permission
from archive_app.kernel.unit_of_work import UnitOfWork
from archive_app.supervision import (
    policy,
    telling,  # noqa: F401  # says at its import what the page of who may see an engagement tells of supervisors
)
from archive_app.supervision.marking import mark_of


def probe_fonts(_uow: UnitOfWork) -> Iterable[Line]:
    """Whether watermarks and cover sheets can be drawn in Chinese."""
    found = chinese_font_file()
    if found is not None:
        yield Line(N_("Watermarks"), State.GOOD, N_("drawn with %(font)s"), {"font": found[0].name})
        return
    text = N_(
        "no Chinese font was found: watermarks name people by login and identifier only. Install one "
        "(apt: fonts-noto-cjk, or the extra `fonts` of this package) and start again."
    )
    yield Line(N_("Watermarks"), State.WATCH, text)


FEATURE = Feature(
    name="supervision",
    policy=policy.register,
    probes=(probe_fonts,),
    marker=mark_of,
    menu=(
        MenuEntry(N_("Supervision"), "supervision.own_page", Permission.SUPERVISION_USE),
        MenuEntry(N_("Supervision"), "supervision.given_page", Permission.SUPERVISION_GRANT),
    ),
    blueprints=("archive_app.supervision.views:blueprint",),
)
