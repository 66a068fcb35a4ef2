"""What a feature tells the composition root about itself."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from archive_app.kernel.archive import Archive
from archive_app.kernel.health import Probe
from archive_app.kernel.marks import Marker
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
    """A place in the main menu, shown to those who hold the permission."""

    label: str
    endpoint: str
    permission: Permission


@dataclass(frozen=True)
class Feature:
    """One room of the archive: its rules, its jobs, and where its pages are.

    `blueprints` are `module:name`, imported by the web application only. `batches` handle many jobs of a kind at once;
    they either finish all of them or raise. `lanes` names, by job kind, the lane that work runs in beside the main one,
    so that nothing else waits for it; a handler with more to do than some seconds' work returns GiveWay. `periodic`
    gives seconds between runs by job kind. `probes` tell how the room is doing, on the health page and to
    `lantai doctor`. `marker` says what content goes out with whose mark on it; one room at most has one.
    """

    name: str
    policy: Callable[[Policy], None] = lambda _policy: None
    jobs: Mapping[str, JobHandler] = field(default_factory=dict)
    batches: Mapping[str, BatchHandler] = field(default_factory=dict)
    lanes: Mapping[str, str] = field(default_factory=dict)
    periodic: Mapping[str, int] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    marker: Marker | None = None
    menu: tuple[MenuEntry, ...] = ()
    blueprints: tuple[str, ...] = ()
