"""A line between browser and service that is slow and breaks: a proxy of TCP connections with a limited rate."""

import socket
import struct
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress

_BLOCK_BYTES = 16 * 1024
_CREDIT_SECONDS = 0.1
_ABRUPT = struct.pack("ii", 1, 0)


class SlowLine:
    """Forwards connections to `target`, `bits_per_second` in each direction, all connections together.

    After each of `breaks_after` bytes towards the service every connection is cut, mid-word, and for `down_seconds` no
    other is taken.
    """

    def __init__(
        self,
        target: tuple[str, int],
        *,
        bits_per_second: float,
        breaks_after: Sequence[int] = (),
        down_seconds: float = 3.0,
    ) -> None:
        self._target = target
        self._up, self._down = _Bucket(bits_per_second / 8), _Bucket(bits_per_second / 8)
        self._breaks_after = sorted(breaks_after)
        self._down_seconds = down_seconds
        self._down_until = 0.0
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._stopped = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.sent_bytes = 0
        self.breaks = 0

    @property
    def port(self) -> int:
        """Where it listens on the loopback."""
        port: int = self._listener.getsockname()[1]
        return port

    def serve(self) -> None:
        """Takes connections until `stop`."""
        while not self._stopped.is_set():
            try:
                client, _address = self._listener.accept()
            except OSError:
                return
            if time.monotonic() < self._down_until:
                _cut(client)
                continue
            try:
                service = socket.create_connection(self._target, timeout=30)
            except OSError:
                _cut(client)
                continue
            with self._lock:
                self._open |= {client, service}
            for source, sink, bucket, counted in (
                (client, service, self._up, True),
                (service, client, self._down, False),
            ):
                pump = threading.Thread(target=self._pump, args=(source, sink, bucket, counted), daemon=True)
                pump.start()

    def stop(self) -> None:
        """Cuts everything and takes nothing more."""
        self._stopped.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._cut_all()

    def _pump(self, source: socket.socket, sink: socket.socket, bucket: "_Bucket", counted: bool) -> None:
        try:
            while block := source.recv(_BLOCK_BYTES):
                bucket.take(len(block))
                if counted and self._is_breaking(len(block)):
                    self._cut_all()
                    return
                sink.sendall(block)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            # One side went away, or the line was cut: so does the other.
            _cut(source)
            _cut(sink)

    def _is_breaking(self, size: int) -> bool:
        with self._lock:
            self.sent_bytes += size
            if not self._breaks_after or self.sent_bytes < self._breaks_after[0]:
                return False
            del self._breaks_after[0]
            self.breaks += 1
            self._down_until = time.monotonic() + self._down_seconds
            return True

    def _cut_all(self) -> None:
        with self._lock:
            cut, self._open = self._open, set()
        for line in cut:
            _cut(line)


class _Bucket:
    """Lets bytes through at a rate, whoever sends them."""

    def __init__(self, bytes_per_second: float) -> None:
        self._rate = bytes_per_second
        self._free_at = 0.0
        self._lock = threading.Lock()

    def take(self, size: int) -> None:
        """Returns when the line has room for so many bytes."""
        with self._lock:
            now = time.monotonic()
            # A sleep that took too long on a busy machine is made up for; a line does not become slower by it.
            self._free_at = max(now - _CREDIT_SECONDS, self._free_at) + size / self._rate
            wait = self._free_at - now
        if wait > 0:
            time.sleep(wait)


def _cut(line: socket.socket) -> None:
    """Ends a connection as a broken line does, not as a polite program does."""
    with suppress(OSError):
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _ABRUPT)
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)
    line.close()


@contextmanager
def slow_line(
    port: int, *, bits_per_second: float, breaks_after: Sequence[int] = (), down_seconds: float = 3.0
) -> Iterator[SlowLine]:
    """A slow line to a port of the loopback, open during the block."""
    line = SlowLine(
        ("127.0.0.1", port), bits_per_second=bits_per_second, breaks_after=breaks_after, down_seconds=down_seconds
    )
    thread = threading.Thread(target=line.serve, name="slow-line", daemon=True)
    thread.start()
    try:
        yield line
    finally:
        line.stop()
        thread.join(timeout=10)
