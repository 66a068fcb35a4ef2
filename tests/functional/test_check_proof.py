"""The checker of proofs that stands in the documents: it takes what the archive hands out, and nothing altered."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from archive_app.trail.proving import event_proof, latest_checkpoint
from archive_app.trail.reading import EventFilters, list_events
from tests.conftest import Workbench
from tests.factories import People, engagement_of

CHECKER = Path(__file__).parents[2] / "docs" / "check_proof.py"
Proof = dict[str, Any]
Change = Callable[[Proof], object]


@pytest.fixture
def proofs(people: People, workbench: Workbench) -> list[Proof]:
    """The proofs of all events of a small log whose size is no power of two."""
    archivist = people.person("archivist")
    for number in range(5):
        engagement_of(archivist, title=f"年度核查 {number}\t\u2028")
    workbench.run()
    events = list_events(archivist, filters=EventFilters()).items
    newest = latest_checkpoint(archivist)
    assert newest is not None
    assert newest.size >= 5
    return [asdict(event_proof(archivist, event_id=event.id)) for event in events]


def check(folder: Path, proof: Proof, key: str) -> subprocess.CompletedProcess[str]:
    """Runs the checker as a person would, on files of their own."""
    taken, kept = folder / "event.json", folder / "checkpoint.txt"
    taken.write_text(json.dumps(proof), encoding="utf-8")
    kept.write_text(proof["checkpoint"], encoding="utf-8")
    command = [sys.executable, "-I", str(CHECKER), str(taken), key, str(kept)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_every_proof_is_accepted(proofs: list[Proof], tmp_path: Path) -> None:
    for proof in proofs:
        ran = check(tmp_path, proof, proof["verifier_key"])
        assert ran.returncode == 0, ran.stderr
        assert f"position {proof['position']} of {proof['size']}" in ran.stdout


def test_erased_words_leave_the_place_proved(proofs: list[Proof], tmp_path: Path) -> None:
    assert check(tmp_path, {**proofs[0], "detail": None, "salt": None}, "-").returncode == 0


@pytest.mark.parametrize(
    "change",
    [
        lambda proof: proof["detail"].update(title="another"),
        lambda proof: proof.update(salt="00" * 32),
        lambda proof: proof.update(leaf=proof["leaf"].replace('"v":1', '"v":2')),
        lambda proof: proof.update(position=proof["position"] ^ 1),
        lambda proof: proof.update(position=proof["size"]),
        lambda proof: proof["inclusion"].pop(),
        lambda proof: proof["inclusion"].append(proof["root"]),
        lambda proof: proof["inclusion"].reverse(),
        lambda proof: proof.update(checkpoint=proof["checkpoint"].replace(f"\n{proof['size']}\n", "\n9999\n")),
    ],
)
def test_no_altered_proof_is_accepted(proofs: list[Proof], tmp_path: Path, change: Change) -> None:
    key = proofs[0]["verifier_key"]
    change(proofs[0])
    assert check(tmp_path, proofs[0], key).returncode != 0


def test_another_key_is_refused(proofs: list[Proof], tmp_path: Path) -> None:
    name, key_id, public = proofs[0]["verifier_key"].split("+", 2)
    assert check(tmp_path, proofs[0], f"{name}x+{key_id}+{public}").returncode != 0
