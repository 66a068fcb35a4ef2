"""What a feature tells the composition root about itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archive_app.kernel.actor import Actor
from archive_app.kernel.archive import Archive
from archive_app.kernel.health import Probe
from archive_app.kernel.marks import Marker, Stamper
from archive_app.kernel.outbox import GiveWay, Job
from archive_app.kernel.permissions import Permission
from archive_app.kernel.policy import Policy
from search import Index


@dataclass(frozen=True)
class Workshop:
    """What a job has at hand: the archive, and in the main lane the one writer of the index."""

    archive: Archive
    writer: Index | None = None
    stopping: Callable[[], bool] = lambda: False

    @property
    def index(self) -> Index:
        """The index. Raises: RuntimeError in a lane beside the main one, because only one thread may write it."""
        if self.writer is None:
            raise RuntimeError("only the main lane writes the index; enqueue a job for it")
        return self.writer


JobHandler = Callable[[Workshop, Job], GiveWay | None]
BatchHandler = Callable[[Workshop, Sequence[Job]], None]


@dataclass(frozen=True)
class MenuEntry:
    """A place in the main menu, shown to those who hold the permission. `count` says how much waits there for somebody,
    `count_limit` from which number on it is not said exactly."""

    label: str
    endpoint: str
    permission: Permission
    count: Callable[[Actor], int] | None = None
    count_limit: int = 99


@dataclass(frozen=True)
class EngagementTab:
    """A page of an engagement, shown in the row of tabs of each of its pages to those who hold the permission; its
    endpoint is given `engagement_id`. Tabs stand in the order of `position`."""

    label: str
    endpoint: str
    permission: Permission
    position: int


@dataclass(frozen=True)
class DocumentPanel:
    """What a room above the documents adds to the page of each document, for those who hold the permission: `template`
    is shown there with what the query `view(actor, document_id=…)` returned as `panel`, and not at all where that is
    None. Panels stand in the order of `position`."""

    template: str
    view: Callable[..., object]
    permission: Permission
    position: int


@dataclass(frozen=True)
class Door:
    """Pages below `prefix` that know people by their own cookie and by nothing else: whoever is signed in is nobody
    there, and whoever comes in there is nobody elsewhere. `authenticate` is `module:name` of what tells who it is, and
    `entrance` the endpoint where those are led whom it does not know."""

    prefix: str
    authenticate: str
    entrance: str


@dataclass(frozen=True)
class Feature:
    """One room of the archive: its rules, its jobs, and where its pages are.

    `blueprints` are `module:name`, imported by the web application only. `batches` handle many jobs of a kind at once;
    they either finish all of them or raise. `lanes` names, by job kind, the lane that work runs in beside the main one,
    so that nothing else waits for it; a handler with more to do than some seconds' work returns GiveWay. `periodic`
    gives seconds between runs by job kind. `probes` tell how the room is doing, on the health page and to
    `lantai doctor`. `banners` are templates shown below the tabs of
    each page of an engagement, which find its id as `engagement_id`. `doors` are ways in for people without an account.
    `marker` says what content goes out with whose mark on it, `stamper` what stands on documents that are not in force
    any more; one room at most has each.
    """

    name: str
    policy: Callable[[Policy], None] = lambda _policy: None
    jobs: Mapping[str, JobHandler] = field(default_factory=dict)
    batches: Mapping[str, BatchHandler] = field(default_factory=dict)
    lanes: Mapping[str, str] = field(default_factory=dict)
    periodic: Mapping[str, int] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    marker: Marker | None = None
    stamper: Stamper | None = None
    menu: tuple[MenuEntry, ...] = ()
    tabs: tuple[EngagementTab, ...] = ()
    panels: tuple[DocumentPanel, ...] = ()
    banners: tuple[str, ...] = ()
    doors: tuple[Door, ...] = ()
    blueprints: tuple[str, ...] = ()
