"""The operator's commands: making the archive, people, keys, searching, verifying, the doctor."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import select

from archive_app.identity.access_tokens import actor_of_token
from archive_app.kernel.actor import Actor
from archive_app.kernel.events import Event
from archive_app.kernel.outbox import Job
from archive_app.runtime import FEATURES, index_memory_directory, open_archive
from archive_app.trail.sequencing import sequence
from archive_app.worker import Worker, open_index
from tests.command_line import CommandLine
from tests.factories import People, engagement_of
from tests.functional.api_client import token_of

PASSPHRASE = "correct horse 电池 staple"


@pytest.fixture
def lantai(tmp_path: Path) -> CommandLine:
    """A terminal on a fresh archive."""
    command_line = CommandLine.below(tmp_path / "machine")
    command_line.run("init")
    return command_line


@pytest.fixture
def engagement(lantai: CommandLine) -> str:
    """The id of an engagement, in an archive with one organisation."""
    archive = open_archive(lantai.settings)
    with archive.activate():
        engagement_id = engagement_of(People(archive).person("system_administrator", "team_leader")).id
    archive.engine.dispose()
    return engagement_id


@pytest.fixture
def filed(lantai: CommandLine, engagement: str, tmp_path: Path) -> Path:
    """Three documents, read and indexed, as if a worker had run and ended."""
    source = tmp_path / "source"
    source.mkdir()
    for name, text in (("甲.txt", "二氧化碳排放量核算"), ("乙.txt", "天然气 消耗量"), ("丙.md", "GB/T 32150")):
        (source / name).write_text(text, encoding="utf-8")
    lantai.run("import", source, "--engagement", engagement)
    work(lantai)
    return source


def work(lantai: CommandLine) -> None:
    archive = open_archive(lantai.settings)
    memory = index_memory_directory(lantai.settings, archive.archive_id)
    with archive.activate(), open_index(archive, lantai.settings, memory) as index:
        Worker(archive, index, FEATURES).drain()
        sequence(archive)
    archive.engine.dispose()


def link_in(said: str) -> str:
    [link] = [line for line in said.splitlines() if line.startswith("http://127.0.0.1:8000/")]
    return link


def test_init_makes_an_archive_once_and_a_fresh_link_each_time(tmp_path: Path) -> None:
    lantai = CommandLine.below(tmp_path / "machine")
    first = lantai.run("init").stdout
    second = lantai.run("init").stdout
    assert "The archive was made in" in first
    assert "is up to date" in second
    assert "/set-up/" in link_in(first)
    assert link_in(first) != link_in(second)
    assert "http" not in lantai.run("init", "--without-link").stdout
    assert lantai.data.stat().st_mode & 0o777 == 0o700
    [keys] = lantai.settings.key_directory.iterdir()
    assert keys.stat().st_mode & 0o777 == 0o600


def test_init_makes_no_link_for_an_archive_with_people(lantai: CommandLine, engagement: str) -> None:
    assert "http" not in lantai.run("init").stdout


@pytest.mark.parametrize(
    "command", [["verify"], ["search", "x"], ["keys", "status"], ["user", "list"], ["serve"], ["worker"]]
)
def test_commands_without_an_archive_say_what_to_do(tmp_path: Path, command: list[str]) -> None:
    lantai = CommandLine.below(tmp_path / "machine")
    assert "Run `lantai init` first" in lantai.run(*command, expect=1).stderr
    assert not (lantai.data / "archive.db").exists()


@pytest.mark.parametrize("command", [["verify"], ["worker"], ["backup", "x"], ["init"]])
def test_data_without_its_keys_refuses_to_start(lantai: CommandLine, command: list[str]) -> None:
    [keys] = lantai.settings.key_directory.iterdir()
    keys.unlink()
    assert "no new key was made" in lantai.run(*command, expect=1).stderr
    assert not list(lantai.settings.key_directory.iterdir())


def test_an_unknown_setting_is_named(lantai: CommandLine) -> None:
    (lantai.data / "lantai.toml").write_text("[web]\nprot = 1\n")
    assert "web.prot (did you mean port?)" in lantai.run("verify", expect=1).stderr


def test_people_are_invited_found_let_back_in_and_deactivated(lantai: CommandLine, engagement: str) -> None:
    said = lantai.run("user", "add", "Li.Na", "--name", "李娜", "--role", "verifier", "--role", "archivist")
    assert "/link/" in link_in(said.stdout)
    assert "li.na\t李娜\tInvited\tArchivist, Verifier" in lantai.run("user", "list").stdout, "granted at once"
    again = lantai.run("user", "reset-link", "li.na")
    assert link_in(again.stdout) != link_in(said.stdout)
    lantai.run("user", "deactivate", "li.na")
    assert "Deactivated" in lantai.run("user", "list").stdout
    assert "deactivated" in lantai.run("user", "reset-link", "li.na", expect=1).stderr
    assert "Nobody has the login" in lantai.run("user", "deactivate", "nobody", expect=1).stderr
    assert "already in use" in lantai.run("user", "add", "li.na", "--name", "x", "--role", "verifier", expect=1).stderr


def test_the_operator_gives_and_takes_rights(lantai: CommandLine, engagement: str) -> None:
    lantai.run("user", "add", "li.na", "--name", "李娜", "--role", "verifier")
    assert "Security officer, Verifier" in lantai.run("user", "grant", "Li.Na", "security_officer").stdout
    assert "and Security officer at once" in lantai.run("user", "grant", "li.na", "security_auditor", expect=1).stderr
    assert "Invalid value" in lantai.run("user", "grant", "li.na", "emperor", expect=2).stderr
    assert "cannot hold" in lantai.run("user", "grant", "li.na", "supervisor", expect=1).stderr
    assert (
        "does not hold security_auditor" in lantai.run("user", "revoke", "li.na", "security_auditor", expect=1).stderr
    )
    # Even the last ones: who else would mend it.
    assert "\tVerifier\t" in lantai.run("user", "revoke", "li.na", "security_officer").stdout
    [administrator] = [line for line in lantai.run("user", "list").stdout.splitlines() if "administrator" in line]
    assert "administrator" not in lantai.run("user", "revoke", administrator.split()[0], "system_administrator").stdout
    assert "no second factor" in lantai.run("user", "clear-second-factor", "li.na", expect=1).stderr
    assert "enrols another" in lantai.run("user", "clear-second-factor", administrator.split()[0]).stdout


def test_organisations_are_added_and_listed(lantai: CommandLine, engagement: str) -> None:
    form = ["--kind", "authority", "--code", "91350100M000100Y43", "--login", "chenli", "--person", "陈立"]
    assert "/link/" in link_in(lantai.run("organisation", "add", "江南市生态环境局", *form).stdout)
    assert "already there" in lantai.run("organisation", "add", "江南市生态环境局", *form, expect=1).stderr
    assert (
        "does not fit"
        in lantai.run("organisation", "add", "x", "--code", "91350100M000100Y44", *form[:2], *form[4:], expect=1).stderr
    )
    listed = lantai.run("organisation", "list").stdout
    assert "\t江南市生态环境局\tAuthority\t91350100M000100Y43\t0 active of 1" in listed
    new = ["wang", "--name", "王敏", "--role", "supervisor"]
    assert "--organisation" in lantai.run("user", "add", *new, expect=1).stderr
    assert "There is no organisation" in lantai.run("user", "add", *new, "--organisation", "x", expect=1).stderr
    lantai.run("user", "add", *new, "--organisation", "江南市生态环境局")
    assert "wang\t王敏\tInvited\tSupervisor\t江南市生态环境局" in lantai.run("user", "list").stdout


def test_tokens_are_listed_and_ended_by_the_operator(lantai: CommandLine) -> None:
    archive = open_archive(lantai.settings)
    with archive.activate():
        people = People(archive)
        owner, other = people.person("verifier", name="李娜"), people.person("verifier")
        token, spared = token_of(owner, "read"), token_of(other, "read")
        assert len(lantai.run("token", "list").stdout.splitlines()) == 2
        known = [line.split("\t") for line in lantai.run("user", "list").stdout.splitlines()]
        [of_owner] = [login for login, shown, *_ in known if shown == "李娜"]
        [line] = lantai.run("token", "list", "--person", of_owner.upper()).stdout.splitlines()
        token_id, login, name, scopes, _until, used = line.split("\t")
        assert (login, name, scopes, used) == (of_owner, "程序", "read", "Never")
        assert token not in line
        assert "was ended" in lantai.run("token", "revoke", token_id).stdout
        assert actor_of_token(archive, token, "127.0.0.1") is None
        assert actor_of_token(archive, spared, "127.0.0.1") is not None
        assert lantai.run("token", "list", "--person", of_owner).stdout == ""
        lantai.run("token", "revoke", token_id, expect=1)
        assert "Nobody has the login" in lantai.run("token", "list", "--person", "nobody", expect=1).stderr
        with archive.reading(Actor.system("test")) as uow:
            ended = uow.session.execute(select(Event.actor, Event.via).where(Event.code == "token.ended")).all()
    archive.engine.dispose()
    assert [tuple(row) for row in ended] == [("system:operator", "cli")]


def test_search_works_with_and_without_the_index_in_memory(lantai: CommandLine, filed: Path) -> None:
    for _ in range(2):
        said = lantai.run("search", "排放量")
        assert "甲.txt" in said.stdout
        assert "Hits 1 to 1 of 1." in said.stdout
        assert "operator's view" in said.stderr
        for place in lantai.memory.iterdir():
            subprocess.run(["rm", "-r", str(place)], check=True)  # as after a restart of the machine
    assert not list(lantai.memory.iterdir())
    assert "Hits 0 to 0 of 0." in lantai.run("search", "排放量", "--engagement", "another").stdout
    assert "of 1." in lantai.run("search", "GB/T", "32150").stdout


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ('"排放', "A quotation mark without its partner was taken as an ordinary character."),
        ("排放)", "A parenthesis without its partner was ignored."),
        ("AND 排放", "AND, OR or NOT without words on both sides was taken as an ordinary word."),
        ("*", "There is no word to search for in this."),
    ],
)
def test_a_search_says_in_words_how_it_was_understood(
    lantai: CommandLine, engagement: str, query: str, said: str
) -> None:
    assert said in lantai.run("search", query).stderr.splitlines()


def test_rebuild_makes_the_index_anew_or_leaves_it_to_the_worker(lantai: CommandLine, filed: Path) -> None:
    assert "3 versions" in lantai.run("search", "rebuild").stdout
    archive = open_archive(lantai.settings)
    memory = index_memory_directory(lantai.settings, archive.archive_id)
    with archive.activate(), open_index(archive, lantai.settings, memory) as index:
        index.remove([])
        assert "worker makes the index anew" in lantai.run("search", "rebuild").stdout
        Worker(archive, index, FEATURES).drain()
        assert index.count == 3
        with archive.reading(Actor.system("test")) as uow:
            assert uow.session.scalar(select(Job.id).where(Job.kind == "search.rebuild")) is None
    archive.engine.dispose()
    assert "of 1." in lantai.run("search", "天然气").stdout


def test_verify_names_everything_that_is_wrong(lantai: CommandLine, filed: Path) -> None:
    assert "Nothing is wrong" in lantai.run("verify").stdout
    database = sqlite3.connect(lantai.data / "archive.db")
    rows = dict(database.execute("SELECT name, content_blob_id FROM version"))
    [event_id] = database.execute("SELECT event_id FROM log_leaf WHERE position = 1").fetchone() or [None]
    assert event_id
    database.execute("UPDATE event SET actor = 'somebody else' WHERE id = ?", (event_id,))
    database.commit()
    database.close()
    blobs = {name: lantai.data / "blobs" / "blobs" / blob[:2] / blob[2:4] / blob for name, blob in rows.items()}
    blobs["甲.txt"].unlink()
    content = bytearray(blobs["乙.txt"].read_bytes())
    content[-1] ^= 1
    blobs["乙.txt"].write_bytes(content)
    said = lantai.run("verify", expect=1).stdout
    assert event_id in said
    assert "甲.txt" in said
    assert "乙.txt" in said
    assert "丙.md" not in said
    assert "3 things are wrong." in said
    assert "1 things are wrong." in lantai.run("verify", "--log-only", expect=1).stdout
    assert "2 things are wrong." in lantai.run("verify", "--blobs-only", expect=1).stdout
    lantai.run("verify", "--log-only", "--blobs-only", expect=2)


def test_keys_go_to_the_safe_and_come_back(lantai: CommandLine, filed: Path, tmp_path: Path) -> None:
    export = tmp_path / "keys.json"
    assert "data directory" in lantai.with_passphrase(
        "keys", "export", lantai.data / "keys.json", passphrase=PASSPHRASE, expect=1
    ).stderr  # fmt: skip
    assert "12 characters" in lantai.with_passphrase("keys", "export", export, passphrase="short", expect=1).stderr
    lantai.with_passphrase("keys", "export", export, passphrase=PASSPHRASE)
    assert export.stat().st_mode & 0o777 == 0o600
    assert "not overwritten" in lantai.with_passphrase("keys", "export", export, passphrase=PASSPHRASE, expect=1).stderr
    assert (
        "never overwritten" in lantai.with_passphrase("keys", "import", export, passphrase=PASSPHRASE, expect=1).stderr
    )
    [keys] = lantai.settings.key_directory.iterdir()
    before = keys.read_bytes()
    keys.unlink()
    lantai.with_passphrase("keys", "import", export, passphrase=PASSPHRASE)
    assert keys.read_bytes() == before
    lantai.run("verify")


def test_an_export_that_names_a_path_is_refused(lantai: CommandLine, tmp_path: Path) -> None:
    forged = tmp_path / "forged.json"
    forged.write_text(json.dumps({"format": "lantai-key-export", "archive_id": "../../etc/x"}))
    assert "not a key export" in lantai.with_passphrase("keys", "import", forged, passphrase="x", expect=1).stderr


def test_rotation_says_what_to_do_next(lantai: CommandLine, filed: Path) -> None:
    assert "5 keys are now under epoch 2" in lantai.run("keys", "rotate").stdout
    status = lantai.run("keys", "status").stdout
    assert "Epoch 2: 5 keys *" in status
    archive = open_archive(lantai.settings)
    assert f"Verifier key of the log: {archive.verification_key}" in status.splitlines()
    archive.engine.dispose()
    lantai.run("verify")


def test_the_doctor_is_content_with_a_sound_installation(lantai: CommandLine, filed: Path) -> None:
    said = lantai.run("doctor").stdout
    for part in ("Settings", "Database", "Key file", "Search index", "Sandbox", "Worker", "Clock", "Backup", "Keys"):
        assert f" {part}: " in said
    assert "BAD" not in said


def test_the_doctor_names_what_is_bad_and_still_looks_at_the_rest(lantai: CommandLine, filed: Path) -> None:
    lantai.data.chmod(0o755)
    said = lantai.run("doctor", expect=1).stdout
    assert "BAD    Data directory" in said
    assert "ok     Keys" in said
    [keys] = lantai.settings.key_directory.iterdir()
    keys.chmod(0o644)
    said = lantai.run("doctor", expect=1).stdout
    assert "BAD    Archive: The key file" in said
    assert "chmod 600" in said


def test_the_doctor_names_what_an_interrupted_change_of_keys_left(lantai: CommandLine, filed: Path) -> None:
    [keys] = lantai.settings.key_directory.iterdir()
    left = keys.with_name(f".{keys.name}.0a1b2c3d")
    left.write_bytes(keys.read_bytes())
    assert f"BAD    Key file: {left} was left" in lantai.run("doctor", expect=1).stdout
    left.unlink()
    lantai.run("doctor")


def test_a_terminal_in_china_is_answered_in_chinese(tmp_path: Path) -> None:
    lantai = CommandLine.below(tmp_path / "machine", language="zh_CN.UTF-8")
    assert "档案库" in lantai.run("init").stdout


@pytest.mark.parametrize("module", ["archive_app.cli.serve", "archive_app.serving"])
def test_the_supervisor_loads_neither_database_nor_web_framework(module: str) -> None:
    heavy = "{'sqlalchemy', 'flask', 'werkzeug', 'alembic', 'cryptography', 'tantivy', 'jinja2'}"
    code = f"import sys, {module}; found = {heavy} & set(sys.modules); assert not found, found"
    subprocess.run(
        [sys.executable, "-c", code], check=True, env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
