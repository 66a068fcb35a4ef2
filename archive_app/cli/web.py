"""The web process, started by `lantai serve` on a socket that is already bound."""

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from gunicorn.app.base import BaseApplication

from archive_app.cli.console import explained, say
from archive_app.kernel.errors import ArchiveError
from archive_app.kernel.language import N_
from archive_app.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from archive_app.kernel.archive import Archive

_STOP_SECONDS = 8
_CANNOT_BOOT = 3
_SILENCE_SECONDS = 120


@click.command(hidden=True)
@click.option("--descriptor", type=int, required=True)
def command(*, descriptor: int) -> None:
    """Serves the pages on the inherited socket."""
    _Server(load_settings(os.environ), descriptor).run()


class _Server(BaseApplication):  # type: ignore[misc]  # gunicorn publishes no types
    def __init__(self, settings: Settings, descriptor: int) -> None:
        self._settings = settings
        self._descriptor = descriptor
        self._archive: Archive | None = None
        super().__init__()

    def load_config(self) -> None:
        options: dict[str, Any] = {
            "bind": f"fd://{self._descriptor}",
            "worker_class": "gthread",
            "workers": self._settings.web.processes,
            "threads": self._settings.web.threads,
            # A worker thread may take an upload of hours; what is watched is the process that hands out the threads.
            "timeout": _SILENCE_SECONDS,
            "graceful_timeout": _STOP_SECONDS,
            "keepalive": 5,
            "control_socket_disable": True,
            "worker_tmp_dir": "/dev/shm" if os.access("/dev/shm", os.W_OK) else None,  # noqa: S108  # a heartbeat without content
            "loglevel": "warning",
            "umask": 0o077,
            "post_worker_init": self._announce,
        }
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        # Each process loads for itself: with one process (the default), loading before the fork would only keep a
        # second copy of everything in the arbiter, which otherwise stays small.
        from archive_app.app import create_app
        from archive_app.runtime import FEATURES, open_archive

        try:
            archive = open_archive(self._settings)
        except (ArchiveError, SettingsError) as error:
            click.echo(explained(error), err=True)
            sys.exit(_CANNOT_BOOT)
        self._archive = archive
        return create_app(archive, self._settings, FEATURES)

    def _announce(self, worker: Any) -> None:
        # The first process speaks for all, when it is ready to answer.
        from archive_app.cli.init import announce_setup

        if worker.age == 1 and self._archive is not None:
            say(N_("The archive is at %(address)s"), address=self._settings.base_url)
            announce_setup(self._archive, self._settings)
            sys.stdout.flush()
