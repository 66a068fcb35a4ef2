"""The settings: the only reader of configuration files and of the environment.

Sources, later ones win key by key: `config/default.toml`, the archive's own file, `LANTAI_<SECTION>__<KEY>`. A key that
the defaults do not know, or a value of another type, stops the start and is named.
"""

import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, get_type_hints
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

PREFIX = "LANTAI_"
FILE_NAME = "lantai.toml"
# Anchored beside this package: a `config/` folder beside the started script would shadow a plain import.
CONFIG = Path(__file__).resolve().parent.parent / "config"
_PLACES = {"LANTAI_DATA", "LANTAI_CONFIG"}
_MOST_MONTHS_AHEAD = 120
_FOLDER_NAME_LIMIT = 100
_REGEX = "regex:"
_SENDER = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")
_THIS_MACHINE = {"localhost", "127.0.0.1", "::1"}


class SettingsError(Exception):
    """A setting that cannot be used; the message names the key and where it stands."""


@dataclass(frozen=True)
class ArchiveSettings:
    zone: str
    sm3: bool


@dataclass(frozen=True)
class DatabaseSettings:
    url: str


@dataclass(frozen=True)
class KeySettings:
    directory: str


@dataclass(frozen=True)
class WebSettings:
    host: str
    port: int
    processes: int
    threads: int
    base_url: str
    trusted_proxies: int
    stall_seconds: int


@dataclass(frozen=True)
class UploadSettings:
    limit_bytes: int


@dataclass(frozen=True)
class SearchSettings:
    engine: str
    residence: str
    memory_directory: str


@dataclass(frozen=True)
class SessionSettings:
    idle_minutes: int
    lifetime_hours: int
    link_hours: int
    confirmation_minutes: int


@dataclass(frozen=True)
class AccessSettings:
    broken_glass_hours: int
    interest_years: int


@dataclass(frozen=True)
class PasswordSettings:
    min_length: int


@dataclass(frozen=True)
class ReadingSettings:
    limit_bytes: int
    memory_bytes: int
    seconds: int
    recognition_pages: int
    parts: int
    parts_depth: int
    part_bytes: int
    parts_bytes: int


@dataclass(frozen=True)
class FolderSettings:
    """One watched folder, an entry `[[intake.folders]]`."""

    path: str
    name: str
    organisation: str
    engagement: str = ""
    routes: tuple[str, ...] = ()
    originator: str = ""
    activity: str = ""


@dataclass(frozen=True)
class IntakeSettings:
    """`folders` holds the tables as they stand in the file, checked by `watched_folders`."""

    look_seconds: int
    quiet_seconds: int
    folders: list[Any]

    def watched_folders(self) -> tuple[FolderSettings, ...]:
        """The watched folders. Raises: SettingsError naming the entry and what is wrong with it."""
        folders = tuple(_folder(number, entry) for number, entry in enumerate(self.folders, start=1))
        for name in {folder.name for folder in folders}:
            if sum(folder.name == name for folder in folders) > 1:
                raise SettingsError(f"intake.folders: two folders are called {name!r}; give each a name of its own")
        return folders


@dataclass(frozen=True)
class RequestSettings:
    link_days: int
    longest_link_days: int
    files: int
    total_bytes: int
    files_per_minute: int
    remind_days: int


@dataclass(frozen=True)
class ControlledSettings:
    read_days: int
    review_notice_days: int
    watch_months: int


@dataclass(frozen=True)
class DutySettings:
    ahead_months: int
    remind_days: int
    change_days: int


@dataclass(frozen=True)
class MailSettings:
    """Where notices go by SMTP; off where `host` is empty."""

    host: str
    port: int
    encryption: str
    user: str
    password: str = field(repr=False)
    password_file: str
    sender: str
    certificates: str
    timeout_seconds: int

    def secret(self) -> str:
        """The password, from its file where one is named. Raises: SettingsError when the file cannot be read."""
        if not self.password_file:
            return self.password
        try:
            return Path(self.password_file).expanduser().read_text(encoding="utf-8").strip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"mail.password_file: {error}") from error


@dataclass(frozen=True)
class FilingSettings:
    """After how many items or pages of a case file the next one begins."""

    items: int
    pages: int


@dataclass(frozen=True)
class MalwareSettings:
    """Where clamd listens: the path of its socket, or host:port; off where it is empty."""

    socket: str
    timeout_seconds: int


@dataclass(frozen=True)
class WorkerSettings:
    checkpoint_seconds: int
    poll_milliseconds: int
    recognition_lanes: int


@dataclass(frozen=True)
class Settings:
    """One archive's settings, one attribute per section of `config/default.toml`."""

    data_directory: Path
    key_directory: Path
    archive: ArchiveSettings
    database: DatabaseSettings
    keys: KeySettings
    web: WebSettings
    uploads: UploadSettings
    search: SearchSettings
    sessions: SessionSettings
    access: AccessSettings
    passwords: PasswordSettings
    reading: ReadingSettings
    intake: IntakeSettings
    requests: RequestSettings
    controlled: ControlledSettings
    duties: DutySettings
    mail: MailSettings
    filing: FilingSettings
    malware: MalwareSettings
    worker: WorkerSettings

    @property
    def base_url(self) -> str:
        """The address people type, without a slash at its end."""
        return self.web.base_url.rstrip("/") or f"http://{self.web.host}:{self.web.port}"


def load_settings(environ: Mapping[str, str], *, data_directory: Path | None = None) -> Settings:
    """The settings of the archive in `data_directory`, which LANTAI_DATA names unless it is given.

    Raises: SettingsError naming the first key that is unknown or has a wrong value, and its source.
    """
    data = (data_directory or Path(environ.get("LANTAI_DATA") or "var")).expanduser().absolute()
    values = tomllib.loads((CONFIG / "default.toml").read_text(encoding="utf-8"))
    own = Path(environ["LANTAI_CONFIG"]) if environ.get("LANTAI_CONFIG") else data / FILE_NAME
    if own.exists() or "LANTAI_CONFIG" in environ:
        _override(values, _read(own), str(own))
    _override(values, _from_environment(environ, values), "environment")
    sections: dict[str, Any] = {
        name: kind(**values[name]) for name, kind in get_type_hints(Settings).items() if name in values
    }
    _check(sections)
    keys = _key_directory(sections["keys"].directory, environ)
    if keys == data or data in keys.parents:
        raise SettingsError(f"keys.directory: {keys} lies inside the data directory {data}; keys are kept apart")
    return Settings(data_directory=data, key_directory=keys, **sections)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error


def _override(values: dict[str, Any], own: Mapping[str, Any], source: str) -> None:
    for section, entries in own.items():
        if section not in values or not isinstance(entries, Mapping):
            raise SettingsError(f"{source}: unknown section [{section}]{_nearest(section, values)}")
        for key, value in entries.items():
            if key not in values[section]:
                raise SettingsError(f"{source}: unknown key {section}.{key}{_nearest(key, values[section])}")
            if type(value) is not type(values[section][key]):
                wanted = type(values[section][key]).__name__
                raise SettingsError(f"{source}: {section}.{key} must be of type {wanted}, not {value!r}")
            values[section][key] = value


def _nearest(word: str, known: Mapping[str, Any]) -> str:
    near = difflib.get_close_matches(word, known, n=1)
    return f" (did you mean {near[0]}?)" if near else ""


def _from_environment(environ: Mapping[str, str], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for name, text in environ.items():
        if not name.startswith(PREFIX) or name in _PLACES:
            continue
        section, _, key = name.removeprefix(PREFIX).lower().partition("__")
        default = values.get(section, {}).get(key)
        if default is None:
            raise SettingsError(f"environment: unknown variable {name}")
        found.setdefault(section, {})[key] = _parse(name, text, default)
    return found


def _parse(name: str, text: str, default: object) -> object:
    if isinstance(default, list):
        raise SettingsError(f"environment: {name} cannot be set here; write [[…]] tables into {FILE_NAME}")
    if isinstance(default, bool):
        if text not in {"true", "false"}:
            raise SettingsError(f"environment: {name} must be true or false, not {text!r}")
        return text == "true"
    if isinstance(default, int):
        try:
            return int(text)
        except ValueError:
            raise SettingsError(f"environment: {name} must be a whole number, not {text!r}") from None
    return text


def _folder(number: int, entry: object) -> FolderSettings:
    """One table `[[intake.folders]]`, every key known and of its type."""
    place = f"intake.folders, entry {number}"
    if not isinstance(entry, Mapping):
        raise SettingsError(f"{place}: must be a table [[intake.folders]]")
    _check_folder_keys(place, entry)
    for key in ("path", "name", "organisation"):
        if not str(entry.get(key, "")).strip():
            raise SettingsError(f"{place}: {key} is missing")
    if len(entry["name"]) > _FOLDER_NAME_LIMIT:
        raise SettingsError(f"{place}: name must have at most {_FOLDER_NAME_LIMIT} characters")
    for route in entry.get("routes", ()):
        _check_route(place, route)
    if not Path(entry["path"]).expanduser().is_absolute():
        raise SettingsError(f"{place}: path must be absolute, not {entry['path']!r}")
    return FolderSettings(**{**entry, "routes": tuple(entry.get("routes", ()))})


def _check_folder_keys(place: str, entry: Mapping[str, Any]) -> None:
    known = {field.name: field for field in fields(FolderSettings)}
    for key, value in entry.items():
        if key not in known:
            raise SettingsError(f"{place}: unknown key {key}{_nearest(key, known)}")
        is_text = isinstance(value, str)
        if key == "routes":
            is_text = isinstance(value, list) and all(isinstance(route, str) for route in value)
        if not is_text:
            raise SettingsError(f"{place}: {key} must be {'a list of texts' if key == 'routes' else 'text'}")


def _check_route(place: str, route: str) -> None:
    if not route.startswith(_REGEX):
        named = "{engagement}" in route
    else:
        try:
            named = "engagement" in re.compile(route.removeprefix(_REGEX)).groupindex
        except re.error as error:
            raise SettingsError(f"{place}: routes: {route!r}: {error}") from error
    if not named:
        raise SettingsError(f"{place}: routes: {route!r} does not say where the engagement's number stands")


def _check(sections: Mapping[str, Any]) -> None:
    try:
        ZoneInfo(sections["archive"].zone)
    except (ZoneInfoNotFoundError, ValueError):
        raise SettingsError(f"archive.zone: no such time zone: {sections['archive'].zone!r}") from None
    sections["intake"].watched_folders()
    if sections["search"].engine not in {"auto", "tantivy", "whoosh"}:
        raise SettingsError(f'search.engine: "auto", "tantivy" or "whoosh", not {sections["search"].engine!r}')
    if sections["search"].residence not in {"memory", "disk"}:
        raise SettingsError(f'search.residence: "memory" or "disk", not {sections["search"].residence!r}')
    _check_mail(sections["mail"])
    _check_scanner(sections["malware"].socket)
    for name, key in (("duties", "ahead_months"), ("controlled", "watch_months")):
        if getattr(sections[name], key) > _MOST_MONTHS_AHEAD:
            raise SettingsError(f"{name}.{key}: must not be more than {_MOST_MONTHS_AHEAD}")
    may_be_zero = {"trusted_proxies"}
    for name, section in sections.items():
        for entry in fields(section):
            value = getattr(section, entry.name)
            if isinstance(value, int) and not isinstance(value, bool) and value < (entry.name not in may_be_zero):
                raise SettingsError(f"{name}.{entry.name}: must not be {value}")


def _check_scanner(socket: str) -> None:
    host, _, port = socket.rpartition(":")
    if socket and not Path(socket).is_absolute() and not (host and port.isascii() and port.isdigit()):
        raise SettingsError(f"malware.socket: an absolute path or host:port, not {socket!r}")


def _check_mail(mail: MailSettings) -> None:
    if mail.encryption not in {"none", "starttls", "tls"}:
        raise SettingsError(f'mail.encryption: "none", "starttls" or "tls", not {mail.encryption!r}')
    if mail.host and not _SENDER.fullmatch(mail.sender):
        raise SettingsError(f"mail.sender: an address such as lantai@example.org, not {mail.sender!r}")
    if mail.user and mail.encryption == "none" and mail.host not in _THIS_MACHINE:
        raise SettingsError("mail.user: a password never goes over the network unencrypted; choose starttls or tls")
    if mail.password and mail.password_file:
        raise SettingsError("mail.password_file: give the password or its file, not both")


def _key_directory(configured: str, environ: Mapping[str, str]) -> Path:
    if configured:
        return Path(configured).expanduser().absolute()
    base = environ.get("XDG_CONFIG_HOME") or str(Path(environ.get("HOME") or "~").expanduser() / ".config")
    return Path(base).absolute() / "lantai"
