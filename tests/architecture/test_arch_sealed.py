"""Whatever changes what is in an engagement asks first whether its file is sealed, by locking it; what may go on in a
sealed file is listed here with the reason."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from archive_app.runtime import FEATURES
from tests.architecture.house import ROOT, Function, called, listing, place, shape, sources, tree

ROOMS = ("documents", "casework", "filing", "intake")
LOCK = "lock_engagement"
# Everything else that changes something locks the engagement and is refused once its file is sealed.
GOES_ON = {
    "casework.forms.filling.open_form": "a form to look at; filing it is refused",
    "casework.records.proposing.propose_all": "guesses that nobody confirmed yet",
    "casework.records.proposing.propose_one": "guesses that nobody confirmed yet",
    "casework.records.seals.export_seal_uses": "takes a list out",
    "casework.requests.opening.*": "the door of the client's link; what is brought through it is refused",
    "casework.requests.reminding.remind": "mail about what is still awaited",
    "casework.stages.move_stage": "on from the stage that waits for the seal; everything else it refuses itself",
    "documents.checking.*": "compares bytes with what was filed and changes none",
    "documents.classifying.classify": "who may see a document, which is decided long after its file was sealed",
    "documents.comparing.versions.compare_versions": "looking",
    "documents.exporting.export_hits": "takes copies out",
    "documents.giving.open_package": "takes a copy out",
    "documents.giving.open_rendition": "takes a copy out",
    "documents.indexing.*": "the index, which is made from what was filed",
    "documents.looking.*": "looking",
    "documents.parts.*": "looking, and the text of parts for searching",
    "documents.reading.*": "the text for searching, which is made from what was filed",
    "documents.recognising.*": "the text for searching, which is made from what was filed",
    "documents.rereading.*": "the text for searching, which is made from what was filed",
    "documents.resuming.forget_parts": "parts of files that never became documents",
    "documents.rotation.rotate_keys": "the keys around the bytes; the bytes stay",
    "documents.saved_searches.*": "what somebody searches for",
    "documents.uploads.announce": "a line on the screen; a sealed file refuses it all the same",
    "documents.uploads.announce_one": "a line on the screen; a sealed file refuses it all the same",
    "documents.uploads.clear_list": "a list on the screen",
    "documents.uploads.discard_duplicate": "bytes that never became a document",
    "filing.accepting.accept": "asks `ready` under the lock, which refuses what is sealed",
    "filing.declaring.state_relation": "what somebody has to do with the client, which is recorded with them",
    "filing.late.*": "late additions, which only a sealed file has",
    "filing.numbering.change_rule": "how numbers are made from now on",
    "filing.outputs.bound.*": "takes copies out",
    "filing.outputs.package.*": "takes copies out",
    "filing.outputs.printing.*": "takes copies out",
    "filing.reopening.reopen": "opens a sealed file again",
    "intake.inbox.holding.discard_many": "bytes that never became a document",
    "intake.inbox.holding.hold_file": "bytes that are not yet a document",
    "intake.inbox.sorting.*": "looking",
    "intake.registers.attaching.*": "a register that is being prepared",
    "intake.registers.bringing.*": "a register that is being prepared",
    "intake.registers.filing.allow_same_content": "a register that is being prepared",
    "intake.registers.filing.file_now": "asks for the job `file_job`, which locks the engagement for each row",
    "intake.registers.loading.*": "a register that is being prepared",
    "intake.registers.recovering.*": "a register that is being prepared",
    "intake.registers.reporting.close_register": "a register that is done",
    "intake.registers.reviewing.*": "a register that is being prepared",
    "intake.registers.undoing.undo_import": "asks for the job `undo_job`, which locks the engagement for each row",
}


def test_nothing_changes_a_sealed_file_unasked() -> None:
    roots = {*_changing(), *_jobs()}
    unasked = [root for root in roots if not _excused(root) and not _locks(root)]
    assert not unasked, f"these neither lock the engagement nor say why they go on:{listing(unasked)}"
    needless = [root for root in roots & GOES_ON.keys() if _locks(root)]
    assert not needless, f"these lock the engagement and need no excuse:{listing(needless)}"
    stale = [name for name in GOES_ON if not any(_excuses(name, root) for root in roots)]
    assert not stale, f"these are gone:{listing(stale)}"


Named = tuple[str, str]
"""A function by its module (without `archive_app.`) and its name."""


@cache
def _known() -> dict[Named, Function]:
    found = {}
    for path in sources("archive_app"):
        for node in tree(path).body:
            if isinstance(node, Function):
                found[_module(path), node.name] = node
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, Function):
                        found[_module(path), f"{node.name}.{method.name}"] = method
    return found


@cache
def _names(module_name: str) -> dict[str, Named]:
    """What the plain names of a module mean, as far as they are functions of ours."""
    path = _path(module_name)
    meant = {name: (module_name, name) for (of, name) in _known() if of == module_name}
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("archive_app"):
            source = (node.module or "").removeprefix("archive_app").removeprefix(".")
            for alias in node.names:
                meant[alias.asname or alias.name] = (source, alias.name)
    return meant


def _refers_to(root: Named) -> Iterator[Named]:
    """The functions that one names, called or handed on; those of an imported module too."""
    names = _names(root[0])
    for node in ast.walk(_known()[root]):
        if isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in names:
            room, name = names[node.value.id]
            yield (f"{room}.{name}", node.attr)


@cache
def _locks(root: str) -> bool:
    """Whether the engagement is locked somewhere on the way, so that a sealed one is refused."""
    todo, seen = [_named(root)], set[Named]()
    while todo:
        function = todo.pop()
        if function in seen or function not in _known():
            continue
        seen.add(function)
        for call in ast.walk(_known()[function]):
            if isinstance(call, ast.Call) and called(call) == LOCK and not call.keywords:
                return True
        todo += _refers_to(function)
    return False


def _changing() -> Iterator[str]:
    for room in ROOMS:
        for path in (ROOT / "archive_app" / room).rglob("*.py"):
            for node in tree(path).body:
                if isinstance(node, Function) and shape(node) in {"use_case", "staged_use_case"}:
                    yield f"{_module(path)}.{node.name}"


def _jobs() -> Iterator[str]:
    """What the worker does by itself in these rooms."""
    for feature in FEATURES:
        if feature.name in ROOMS:
            for handler in feature.jobs.values():
                yield f"{handler.__module__.removeprefix('archive_app.')}.{handler.__name__}"


def _excused(root: str) -> bool:
    return any(_excuses(name, root) for name in GOES_ON)


def _excuses(name: str, root: str) -> bool:
    return name in {root, f"{root.rpartition('.')[0]}.*"}


def _named(root: str) -> Named:
    module_name, _, name = root.rpartition(".")
    return module_name, name


def _module(path: Path) -> str:
    return place(path).removeprefix("archive_app/").removesuffix(".py").removesuffix("/__init__").replace("/", ".")


@cache
def _path(module_name: str) -> Path:
    file = ROOT / "archive_app" / f"{module_name.replace('.', '/')}.py"
    return file if file.exists() else ROOT / "archive_app" / module_name.replace(".", "/") / "__init__.py"
