"""The program of a reader process: lock the door, read one file, answer through a pipe, end.

Started by path, isolated and without site-packages (`python -I -S child.py REQUEST`). REQUEST is JSON: `entry` (module
and function), `arguments`, `limits`, `packages` (site-packages folders), `readable` (further folders), `parent`,
`content` and `result` (file descriptors). The answer is one line of JSON, then `size` bytes. Nothing here may
import more than the standard library before `confine`.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import types
from typing import Any

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib costs 8 ms at each start


def main() -> None:
    request = json.loads(sys.argv[1])
    _adopt_packages()
    from search.reading.confinement import confine
    from search.reading.model import Limits

    isolation = confine(
        Limits(**request["limits"]), request["parent"], [*request["packages"], _HERE, *request["readable"]]
    )
    sys.path += request["packages"]
    head, body = _answer(request)
    head |= {"isolation": vars(isolation), "size": len(body)}
    with os.fdopen(request["result"], "wb") as pipe:
        pipe.write(json.dumps(head).encode() + b"\n")
        pipe.write(body)
    # Native libraries may hang or crash while they are torn down; the answer is out, so nothing is lost.
    os._exit(0)


def _adopt_packages() -> None:
    """Make `search.reading` importable without running the `__init__` files above it.

    They import the index engine, whose threads would make `unshare` fail, and they belong to the other side.
    """
    for name, folder in (("search", os.path.dirname(_HERE)), ("search.reading", _HERE)):  # noqa: PTH120
        package = types.ModuleType(name)
        package.__path__ = [folder]
        sys.modules[name] = package


def _answer(request: dict[str, Any]) -> tuple[dict[str, Any], bytes]:
    from search.reading.model import ReadingError

    try:
        with os.fdopen(request["content"], "rb") as file:
            content = file.read()
        module, function = request["entry"]
        answer = getattr(importlib.import_module(module), function)(content, **request["arguments"])
        facts, body = ({}, answer) if isinstance(answer, bytes) else answer
        return {"facts": dict(facts)}, bytes(body)
    except ReadingError as error:
        return {"error": error.code, "message": str(error)}, b""
    except MemoryError:
        return {"error": "memory", "message": "the reader ran out of its memory limit"}, b""
    except Exception as error:  # noqa: BLE001  a hostile file may raise anything; its text may be quoted, so only the type
        return {"error": "unreadable", "message": f"the reader failed: {type(error).__qualname__}"}, b""


if __name__ == "__main__":
    main()
