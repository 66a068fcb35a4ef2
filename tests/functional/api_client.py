"""A program that uses the JSON interface, as tests need one."""

from dataclasses import dataclass, field
from itertools import count
from typing import Any

from flask import Flask

from archive_app.identity.access_tokens import make_token
from archive_app.kernel.actor import Actor

ALL_SCOPES = ("read", "file", "open", "import", "inbox", "cases", "records", "nonconformities", "duties", "log")
_keys = count(1)


def token_of(person: Actor, *scopes: str, days: int = 90) -> str:
    """A token that the person makes."""
    return make_token(person, name="程序", scopes=scopes or ("read",), days=days).token


def fresh_key() -> str:
    """A key that no write had before."""
    return f"key-{next(_keys)}"


@dataclass
class Program:
    """Asks the service under `/api/v1` with a token; answers are those of Flask's test client."""

    app: Flask
    token: str = ""
    language: str = "en"
    headers: dict[str, str] = field(default_factory=dict)

    def get(self, path: str, **headers: str) -> Any:
        """Asks for something."""
        return self.ask("GET", path, headers=headers)

    def post(self, path: str, body: Any = None, *, key: str | None = None, **more: Any) -> Any:
        """Writes JSON under a key, a fresh one unless told."""
        headers = {"Idempotency-Key": fresh_key() if key is None else key, **more.pop("headers", {})}
        return self.ask("POST", path, json=body, headers=headers, **more)

    def send(self, path: str, content: bytes, *, key: str | None = None, method: str = "POST", **told: str) -> Any:
        """Sends a file under a key; `told` are its headers."""
        headers = {"Idempotency-Key": fresh_key() if key is None else key, **told}
        headers.setdefault("Content-Type", "application/octet-stream")
        return self.ask(method, path, data=content, headers=headers)

    def ask(self, method: str, path: str, *, headers: dict[str, str] | None = None, **more: Any) -> Any:
        """Any request."""
        told = {"Accept-Language": self.language, **self.headers, **(headers or {})}
        if self.token:
            told["Authorization"] = f"Bearer {self.token}"
        path = path if path.startswith("/api/") else f"/api/v1{path}"
        return self.app.test_client().open(path, method=method, headers=told, **more)
