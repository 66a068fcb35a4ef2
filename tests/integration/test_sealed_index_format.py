"""The format of the sealed index, pinned by a committed vector."""

import json
from pathlib import Path

from search.sealing import SealedStore


def test_the_committed_vector_still_unseals(tmp_path: Path) -> None:
    vector = json.loads((Path(__file__).parents[1] / "vectors" / "sealed_index.json").read_text("utf-8"))
    sealed = tmp_path / "sealed"
    sealed.mkdir()
    for name, content in vector["sealed_files"].items():
        (sealed / name).write_bytes(bytes.fromhex(content))
    store = SealedStore(sealed, bytes.fromhex(vector["key"]), vector["archive_id"])
    manifest = store.read(vector["layout"])
    target = tmp_path / "plain"
    target.mkdir()
    store.unseal(manifest, target)
    store.close()
    assert {path.name: path.read_bytes().hex() for path in target.iterdir()} == vector["plain_files"]
    fields = {"generation": manifest.generation, "serial": manifest.serial, "watermark": manifest.watermark}
    assert fields | {"previous": manifest.previous} == vector["manifest"]
