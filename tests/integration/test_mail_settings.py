"""What the settings say about mail reaches whoever sends it."""

from pathlib import Path

from archive_app.kernel.archive import MailRule
from archive_app.runtime import create_archive, open_archive
from archive_app.settings import load_settings


def test_the_settings_name_the_mail_server(tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("geheim\n", encoding="utf-8")
    (tmp_path / "memory").mkdir()
    environ = {
        "HOME": str(tmp_path / "home"),
        "LANTAI_SEARCH__MEMORY_DIRECTORY": str(tmp_path / "memory"),
        "LANTAI_WEB__BASE_URL": "https://archive.example",
        "LANTAI_MAIL__HOST": "mail.example",
        "LANTAI_MAIL__PORT": "465",
        "LANTAI_MAIL__ENCRYPTION": "tls",
        "LANTAI_MAIL__USER": "lantai",
        "LANTAI_MAIL__PASSWORD_FILE": str(password),
        "LANTAI_MAIL__SENDER": "lantai@archive.example",
        "LANTAI_MAIL__TIMEOUT_SECONDS": "7",
    }
    settings = load_settings(environ, data_directory=tmp_path / "data")
    create_archive(settings)
    archive = open_archive(settings)
    archive.engine.dispose()
    assert archive.rules.mail == MailRule(
        host="mail.example",
        port=465,
        encryption="tls",
        sender="lantai@archive.example",
        base_url="https://archive.example",
        user="lantai",
        password="geheim",
        timeout_seconds=7,
    )
    assert "geheim" not in repr(archive.rules) + repr(settings)


def test_without_a_server_there_is_no_mail(tmp_path: Path) -> None:
    (tmp_path / "memory").mkdir()
    environ = {"HOME": str(tmp_path / "home"), "LANTAI_SEARCH__MEMORY_DIRECTORY": str(tmp_path / "memory")}
    settings = load_settings(environ, data_directory=tmp_path / "data")
    create_archive(settings)
    archive = open_archive(settings)
    archive.engine.dispose()
    assert archive.rules.mail is None
