"""A real clamd with one hand-made signature, on a socket of its own."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.engines import program

EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
STREAM_LIMIT_BYTES = 1024 * 1024
_PATIENCE_SECONDS = 20.0


@contextmanager
def clamd(place: Path) -> Iterator[str]:
    """Runs clamd as long as the block; gives the path of its socket."""
    database, address = place / "signatures", place / "clamd.socket"
    database.mkdir()
    (database / "test.ndb").write_text(f"Test.EICAR:0:0:{EICAR.hex()}\n", encoding="ascii")
    (place / "clamd.conf").write_text(
        f"DatabaseDirectory {database}\nLocalSocket {address}\nForeground yes\n"
        f"StreamMaxLength {STREAM_LIMIT_BYTES}\nLogFile {place / 'clamd.log'}\nTemporaryDirectory {place}\n",
        encoding="utf-8",
    )
    command = [program("clamav") or "clamd", f"--config-file={place / 'clamd.conf'}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            _await(address, process)
            yield str(address)
        finally:
            process.terminate()
            process.wait()


def _await(address: Path, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < until and process.poll() is None:
        with socket.socket(socket.AF_UNIX) as line:
            try:
                line.connect(str(address))
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise RuntimeError("clamd does not answer")
