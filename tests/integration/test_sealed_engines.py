"""What holds for the sealed index with either engine, and when one takes the place of the other."""

from __future__ import annotations

import os
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from search import (
    EngineMissing,
    EngineName,
    IndexDocument,
    IndexUnavailable,
    IndexUnsealable,
    Query,
    Scope,
    choose_engine,
    open_reader,
    open_writer,
    rebuild,
)
from search.index import Index, IndexReader
from tests.corpus import documents

KEY, ARCHIVE = bytes(range(32)), "archive-1"
ALL = Scope(everything=True)
TEMPLATE = replace(next(documents(1)), current=True, level=0)


@pytest.fixture(params=list(EngineName))
def engine(request: pytest.FixtureRequest) -> EngineName:
    name: EngineName = request.param
    return name


def document(number: int) -> IndexDocument:
    # One engine compresses what it stores, the other its terms: what is looked for in files is planted in both.
    planted = f"plantedphrase{'abcdefghij'[number % 10]}"
    return replace(TEMPLATE, key=f"v{number}", document_id=planted, body=f"碳排放报告 {planted} {number}")


def make(root: Path, engine: EngineName, *filed: IndexDocument, watermark: str | None = None) -> Index:
    return rebuild(root / "memory", root / "sealed", KEY, ARCHIVE, documents=filed, watermark=watermark, engine=engine)


def reopen(root: Path, engine: EngineName) -> Index:
    return open_writer(root / "memory", root / "sealed", KEY, ARCHIVE, engine=engine)


def found(searcher: Index | IndexReader, text: str = "") -> list[str]:
    return sorted(hit.key for hit in searcher.query(Query(text, ALL)).hits)


def lose_memory(root: Path) -> None:
    (root / "memory").rename(root / f"lost-{len(list(root.iterdir()))}")


def every_byte(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(directory.rglob("*")) if path.is_file())


def test_what_was_sealed_is_there_again_when_memory_is_lost(tmp_path: Path, engine: EngineName) -> None:
    with make(tmp_path, engine, document(0), watermark="0") as index:
        for number in range(1, 8):
            index.put([document(number), document(number)])
            index.remove([f"v{number - 1}"] if number % 2 else [])
            index.commit(str(number))
        left = found(index)
    assert left == ["v1", "v3", "v5", "v7"]
    lose_memory(tmp_path)
    with reopen(tmp_path, engine) as index:
        assert (found(index, "碳排放"), index.watermark, index.count) == (left, "7", 4)
        index.put([document(9)])
        index.commit("9")
        assert found(index, "plantedphrasej 9") == ["v9"]


def test_readers_follow_commits_and_rebuilds(tmp_path: Path, engine: EngineName) -> None:
    reader = open_reader(tmp_path / "memory")
    assert reader.engine is None
    with make(tmp_path, engine, document(1)) as index:
        assert found(reader) == ["v1"]
        assert open_reader(tmp_path / "memory").engine == engine
        index.put([document(2)])
        index.remove(["v1"])
        assert found(reader) == ["v1"]
        index.commit(None)
        assert (found(reader), reader.count) == (["v2"], 1)
        index.rebuild(documents=[document(3)], watermark=None)
        assert found(reader) == ["v3"]
        assert reader.suggest(TEMPLATE.client[:2], ALL)
        assert reader.similar("v3", ALL) == []


def test_nothing_readable_reaches_the_disk_or_the_folder_for_temporary_files(
    tmp_path: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    with make(tmp_path, engine, *map(document, range(20))) as index:
        index.put(map(document, range(10, 40)))
        index.commit("secret-watermark")
        assert b"plantedphrase" in every_byte(tmp_path / "memory")
    assert not list(temporary.iterdir())
    for word in ("planted", "碳排", "secret-watermark", "whoosh", "tantivy", TEMPLATE.title):
        assert word.encode() not in every_byte(tmp_path / "sealed")


def test_rebuilding_erases_what_was_removed(tmp_path: Path, engine: EngineName) -> None:
    with make(tmp_path, engine, document(1), document(2)) as index:
        index.rebuild(documents=[document(2)], watermark=None)
        assert b"plantedphraseb" not in every_byte(tmp_path / "memory")
        assert b"plantedphrasec" in every_byte(tmp_path / "memory")


def test_after_a_restart_of_the_machine_files_are_unsealed_not_trusted(
    tmp_path: Path, engine: EngineName, monkeypatch: pytest.MonkeyPatch
) -> None:
    with make(tmp_path, engine, document(1), watermark="1"):
        pass
    generation = (tmp_path / "memory" / "current").readlink()
    with reopen(tmp_path, engine):
        assert (tmp_path / "memory" / "current").readlink() == generation
    # Torn by a power loss: the engine might not even notice.
    for path in (tmp_path / "memory" / generation).iterdir():
        if path.suffix in {".seg", ".idx", ".store"}:
            os.truncate(path, path.stat().st_size // 2)
    monkeypatch.setattr("search.memory._boot_id", lambda: "another")
    with reopen(tmp_path, engine) as index:
        assert (tmp_path / "memory" / "current").readlink() != generation
        assert (found(index), index.watermark) == (["v1"], "1")


def test_an_engine_does_not_take_up_what_the_other_made(tmp_path: Path) -> None:
    one, other = EngineName
    with make(tmp_path, one, document(1)):
        pass
    reader = open_reader(tmp_path / "memory")
    assert (reader.engine, found(reader)) == (one, ["v1"])
    with pytest.raises(IndexUnsealable):
        reopen(tmp_path, other)
    with make(tmp_path, other, document(1), document(2)) as index:
        assert found(index) == found(reader) == ["v1", "v2"]
        assert reader.engine is other


def test_a_reader_refuses_files_of_another_version(tmp_path: Path, engine: EngineName) -> None:
    with make(tmp_path, engine, document(1)):
        pass
    made_by = (tmp_path / "memory" / "current").resolve() / "made-by"
    for told in ('["tantivy", "old"]', '["lucene", "1"]', None):
        if told:
            made_by.write_text(told)
        else:
            made_by.unlink()
        with pytest.raises(IndexUnavailable):
            open_reader(tmp_path / "memory").query(Query("", ALL))


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    packages = {"tantivy", "whoosh"}
    monkeypatch.setattr("search.engine.find_spec", lambda name: name if name in packages else None)
    return packages


def test_the_first_engine_that_is_installed_is_taken_unless_one_is_named(installed: set[str]) -> None:
    assert (choose_engine(), choose_engine("whoosh")) == (EngineName.TANTIVY, EngineName.WHOOSH)
    installed.remove("tantivy")
    assert choose_engine() is EngineName.WHOOSH
    with pytest.raises(EngineMissing):
        choose_engine("tantivy")
    installed.clear()
    with pytest.raises(EngineMissing):
        choose_engine()
    with pytest.raises(ValueError, match="lucene"):
        choose_engine("lucene")
