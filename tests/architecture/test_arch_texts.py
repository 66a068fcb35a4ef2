"""Every word that a person may read goes through the catalogues; pages hold no script and no style of their own."""

import ast
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from jinja2 import Environment, nodes

from tests.architecture.house import ROOT, called, calls, listing, place, sources, tree

TEMPLATES = sorted((ROOT / "archive_app").rglob("templates/**/*.html"))
SCRIPTS = sorted((ROOT / "archive_app").rglob("static/*.js"))
# Names that are the same in every language.
SAME_EVERYWHERE = {"SHA-256", "SM3"}
VISIBLE_ATTRIBUTES = {
    "title",
    "alt",
    "placeholder",
    "label",
    "summary",
    "aria-label",
    "aria-description",
    "aria-roledescription",
    "aria-valuetext",
    "aria-placeholder",
    "data-label",
}
TRANSLATING = {"_", "gettext", "ngettext", "pgettext", "N_", "_l", "lazy_gettext"}
SPEAKING = {"flash", "say", "tell", "refuse", "echo", "ClickException", "UsageError", "BadParameter", "words"}
_NO_WORDS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|(?:/[a-z-]+)+/")
# What an expression may print: the parts of it that reach the page.
_SHOWN: dict[type[nodes.Node], tuple[str, ...]] = {
    nodes.CondExpr: ("expr1", "expr2"),
    nodes.Or: ("left", "right"),
    nodes.And: ("left", "right"),
    nodes.Add: ("left", "right"),
    nodes.Concat: ("nodes",),
    nodes.Filter: ("node",),
}
_ENVIRONMENT = Environment(autoescape=True)
_MARK = re.compile("\ue000(\\d+)\ue001")


class _Page(HTMLParser):
    """Collects what is wrong on one page, given as HTML with a mark for each printed expression."""

    def __init__(self, expressions: list[str]) -> None:
        super().__init__(convert_charrefs=True)
        self._expressions = expressions
        self._script = False
        self.faults: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self._script = tag == "script"
        if tag == "style" or (tag == "script" and "src" not in given):
            self.faults.append(f"<{tag}> on the page itself: make it a file below static/")
        for name, value in given.items():
            if name == "style" or name.startswith("on"):
                self.faults.append(f"{name}=… on <{tag}>: the content policy forbids it; use a class or a script file")
            if name in VISIBLE_ATTRIBUTES or (
                name == "value" and tag == "input" and given.get("type") in {"submit", "button"}
            ):
                self._read(value or "", f"{name}= of <{tag}>")
            elif name.startswith("data-") and _is_wording(_MARK.sub("", value or "")):
                self.faults.append(f"{name}= of <{tag}>: {value}")

    def handle_endtag(self, tag: str) -> None:
        self._script = False

    def handle_data(self, data: str) -> None:
        if self._script and data.strip():
            self.faults.append("a script on the page itself: make it a file below static/")
        self._read(data, "text")

    def _read(self, text: str, where: str) -> None:
        if _has_letters(_MARK.sub("", text)):
            self.faults.append(f"{where}: {text.strip()}")
        for number in _MARK.findall(text):
            expression = self._expressions[int(number)]
            self.faults += [f"{where}: {word!r}" for word in _printed(_parse(expression)) if _has_letters(word)]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_pages_speak_only_through_the_catalogues(path: Path) -> None:
    source = path.read_text(encoding="utf-8")
    html, expressions = _without_code(source)
    page = _Page(expressions)
    page.feed(html)
    page.close()
    faults = page.faults + [f"handed to a macro: {word!r}" for word in _handed_over(_ENVIRONMENT.parse(source))]
    assert not faults, f"{place(path)}: write {{{{ _('…') }}}}:{listing(faults)}"


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_scripts_take_their_words_from_the_page(path: Path) -> None:
    code = re.sub(r"(?m)^\s*//.*$|\s//\s.*$|/\*.*?\*/", "", path.read_text(encoding="utf-8"))
    wording = [text for _, text in re.findall(r"""(["'`])((?:\\.|(?!\1)[^\\\n])*)\1""", code) if _is_sentence(text)]
    assert not wording, f"{place(path)}: hand words over in data-… attributes:{listing(wording)}"


def test_code_speaks_only_through_the_catalogues() -> None:
    faults = [
        f"{place(path)}:{call.lineno} {called(call)}({word.value!r})"
        for path in sources("archive_app")
        for call in calls(tree(path))
        if called(call) in SPEAKING or called(call).endswith("Field")
        for word in _first_words(call)
    ]
    assert not faults, f"mark these texts: _('…') in a view, _l('…') in a form, N_('…') elsewhere:{listing(faults)}"


def test_the_explanations_of_commands_are_translated() -> None:
    faults = [
        f"{place(path)}:{call.lineno} help={keyword.value.value!r}"
        for path in sources("archive_app/cli")
        for call in calls(tree(path))
        for keyword in call.keywords
        if keyword.arg in {"help", "short_help", "prompt", "confirmation_prompt"}
        and isinstance(keyword.value, ast.Constant)
        and isinstance(keyword.value.value, str)
    ]
    assert not faults, f"write help=words(N_('…')):{listing(faults)}"


def _without_code(source: str) -> tuple[str, list[str]]:
    """The HTML of a template, without statements and comments, with a numbered mark for each printed expression; and
    those expressions."""
    parts: list[str] = []
    expressions: list[str] = []
    expression: list[str] | None = None
    for _line, kind, text in _ENVIRONMENT.lex(source):
        if kind == "data":
            parts.append(text)
        elif kind == "variable_begin":
            expression = []
        elif kind == "variable_end":
            expressions.append("".join(expression or []))
            parts.append(f"\ue000{len(expressions) - 1}\ue001")
            expression = None
        elif expression is not None:
            expression.append(text)
    return "".join(parts), expressions


def _parse(expression: str) -> nodes.Node:
    output: Any = _ENVIRONMENT.parse("{{ " + expression + " }}").body[0]
    return output.nodes[0]  # type: ignore[no-any-return]


def _printed(node: nodes.Node) -> Iterator[str]:
    """The literal texts that printing the expression may show."""
    if isinstance(node, nodes.Const) and isinstance(node.value, str):
        yield node.value
    shown: list[Any] = [getattr(node, name) for name in _SHOWN.get(type(node), ())]
    if isinstance(node, nodes.Filter) and node.name in {"default", "d"}:
        shown.append(node.args)
    for child in shown:
        for one in child if isinstance(child, list) else filter(None, [child]):
            yield from _printed(one)


def _handed_over(template: nodes.Template) -> Iterator[str]:
    """Literal wordings among the arguments of macros and among what is set aside for later."""
    places: list[nodes.Node] = [value for kept in template.find_all(nodes.Assign) for value in (kept.node,)]
    for call in template.find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name not in TRANSLATING | {"url_for", "dict"}:
            places += [*call.args, *(keyword.value for keyword in call.kwargs if keyword.key != "class")]
    for value in places:
        values = [pair.value for pair in value.items] if isinstance(value, nodes.Dict) else [value]
        for one in values:
            yield from (word for word in _printed(one) if _is_wording(word))


def _first_words(call: ast.Call) -> Iterator[ast.Constant]:
    """The literal text that a call says first, whole or between the braces of an f-string; paths and terminal codes
    are no words."""
    first = call.args[0] if call.args else None
    parts = first.values if isinstance(first, ast.JoinedStr) else [first]
    for part in parts:
        text = part.value if isinstance(part, ast.Constant) else None
        if isinstance(part, ast.Constant) and isinstance(text, str) and _has_letters(_NO_WORDS.sub("", text)):
            yield part


def _has_letters(text: str) -> bool:
    for name in SAME_EVERYWHERE:
        text = text.replace(name, "")
    return any(character.isalpha() for character in text)


def _is_wording(text: str) -> bool:
    """Words for people rather than a code: with a capital, a letter beyond ASCII, or two words in a row."""
    unusual = any(character.isupper() or ord(character) > 127 for character in text)
    return _has_letters(text) and (unusual or re.search(r"[a-z] [a-z]", text) is not None)


def _is_sentence(text: str) -> bool:
    return re.search(r"[A-Z][a-z]+ [a-z]+|[\u4e00-\u9fff]", text) is not None
