"""Runs `lantai …` on an archive of its own, in this process or as a real program."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner, Result

from archive_app.cli import _lantai
from archive_app.settings import Settings, load_settings


@dataclass(frozen=True)
class CommandLine:
    """An operator's terminal: a home directory, a data directory, a language."""

    home: Path
    data: Path
    memory: Path
    language: str = "en_GB.UTF-8"

    @classmethod
    def below(cls, folder: Path, language: str = "en_GB.UTF-8") -> "CommandLine":
        """One whose every place is below `folder`."""
        memory = folder / "memory"
        memory.mkdir(parents=True, exist_ok=True)
        return cls(folder / "home", folder / "data", memory, language)

    @property
    def environ(self) -> dict[str, str]:
        """The variables that the commands see."""
        return {
            "HOME": str(self.home),
            "LANTAI_DATA": str(self.data),
            "LANTAI_SEARCH__MEMORY_DIRECTORY": str(self.memory),
            "LANG": self.language,
        }

    @property
    def settings(self) -> Settings:
        """The settings that the commands find."""
        return load_settings(self.environ)

    def run(self, *arguments: object, expect: int = 0) -> Result:
        """Runs a command and insists on its exit code."""
        foreign = {name: None for name in os.environ if name.startswith(("LANTAI_", "LC_"))}
        mask = os.umask(0o077)
        try:
            result = CliRunner().invoke(
                _lantai, [str(argument) for argument in arguments], env={**foreign, **self.environ}, prog_name="lantai"
            )
        finally:
            os.umask(mask)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        assert result.exit_code == expect, result.output
        return result

    def start(self, *arguments: object, **options: object) -> "subprocess.Popen[str]":
        """Starts a command as a program of its own."""
        return subprocess.Popen(  # type: ignore[call-overload,no-any-return]  # options pass through
            [sys.executable, "-m", "archive_app.cli", *map(str, arguments)],
            env={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(sys.path), **self.environ},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def with_passphrase(self, *arguments: object, passphrase: str, expect: int = 0) -> Result:
        """Runs a command that reads a passphrase from a descriptor."""
        reading, writing = os.pipe()
        try:
            os.write(writing, passphrase.encode() + b"\n")
            os.close(writing)
            return self.run(*arguments, "--passphrase-fd", reading, expect=expect)
        finally:
            os.close(reading)
