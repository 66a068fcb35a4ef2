"""`lantai serve`: the supervisor. It must stay small, so nothing heavy is imported here."""

import errno
import os
import socket
import sys

import click

from archive_app.cli.console import refuse, tell, words
from archive_app.kernel.language import N_
from archive_app.serving import Supervisor
from archive_app.settings import Settings, load_settings

_BACKLOG = 512


@click.command(help=words(N_("Run the archive: web pages and worker together. Ctrl-C or SIGTERM ends it.")))
@click.option("--port", type=click.IntRange(1, 65535), help=words(N_("Listen here instead of at web.port.")))
def command(*, port: int | None) -> None:
    """Binds the address, then keeps web and worker running."""
    environ = dict(os.environ)
    if port is not None:
        environ["LANTAI_WEB__PORT"] = str(port)
    settings = load_settings(environ)
    if not settings.database.url and not (settings.data_directory / "archive.db").exists():
        raise refuse(N_("%(place)s holds no archive. Run `lantai init` first."), place=settings.data_directory)
    with _listen(settings) as listener:
        program = [sys.executable, "-m", "archive_app.cli"]
        commands = {
            "web": [*program, "web", "--descriptor", str(listener.fileno())],
            "worker": [*program, "worker"],
        }
        supervisor = Supervisor(commands, environ, pass_fds=[listener.fileno()], told=_tell_death)
        code = supervisor.run()
    sys.exit(code)


def _listen(settings: Settings) -> socket.socket:
    # Bound here and handed to the web processes: the port is ours before anything is announced, and a web process that
    # is started again finds the connections that came meanwhile.
    host, port = settings.web.host, settings.web.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise refuse(
                N_(
                    "Port %(port)s on %(host)s is in use by another program. Choose another one: lantai serve --port N."
                ),
                port=port,
                host=host,
            ) from error
        raise refuse(
            N_("Cannot listen on %(host)s, port %(port)s: %(reason)s."), host=host, port=port, reason=error.strerror
        ) from error
    return listener


def _tell_death(name: str, code: int) -> None:
    tell(N_('The process "%(name)s" ended unexpectedly (code %(code)s).'), name=name, code=code)
