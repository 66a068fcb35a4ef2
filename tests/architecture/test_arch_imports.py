"""Who imports whom, where `lint-imports` cannot say it."""

import subprocess
import sys

import grimp
import pytest

from tests.architecture.house import ROOT, listing

EDGE = ("views", "forms", "api")
WEB_FRAMEWORK = ("flask", "werkzeug", "jinja2", "flask_babel", "flask_wtf", "wtforms")


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """The imports of the application."""
    return grimp.build_graph("archive_app", cache_dir=None)


def test_models_know_only_models_and_the_kernel(graph: grimp.ImportGraph) -> None:
    models = [name for name in graph.modules if name.endswith(".models")]
    assert models
    wrong = [
        f"{name} imports {imported}"
        for name in models
        for imported in graph.find_modules_directly_imported_by(name)
        if not imported.startswith("archive_app.kernel.") and not imported.endswith(".models")
    ]
    assert not wrong, f"tables know no use case; move the rule into one:{listing(wrong)}"


def test_nobody_imports_a_page(graph: grimp.ImportGraph) -> None:
    wrong = [
        f"{importer} imports {name}"
        for name in graph.modules
        if name.rpartition(".")[2] in EDGE
        for importer in graph.find_modules_that_directly_import(name)
        if importer != "archive_app.app" and importer.rpartition(".")[2] not in EDGE
    ]
    assert not wrong, f"use cases stand below pages; move what is shared into the use case's module:{listing(wrong)}"


def test_only_the_web_process_loads_the_web_framework() -> None:
    program = f"""
import importlib, pkgutil, sys
import archive_app.cli, archive_app.worker
for command in pkgutil.iter_modules(archive_app.cli.__path__):
    if command.name != "__main__":
        importlib.import_module(f"archive_app.cli.{{command.name}}")
print(*sorted(sys.modules.keys() & set({WEB_FRAMEWORK!r})))
"""
    ran = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert not ran.stdout.strip(), f"worker and command line start without {ran.stdout}; import it inside the function"
