"""Words for people: messages are catalogue keys until somebody reads them in their language.

Catalogue keys are the English texts. The same compiled catalogues serve the pages and the command line; this module
reads them without the web framework, which the worker and the command line never import.
"""

import gettext
from functools import cache
from importlib.resources import files

DEFAULT_LANGUAGE = "zh_Hans_CN"
LANGUAGES = {"zh_Hans_CN": "中文", "en": "English"}


def N_(message: str) -> str:  # noqa: N802  # the name that extraction tools know
    """Marks `message` for the catalogues and returns it unchanged."""
    return message


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """The compiled catalogue of `language`; English falls back to the keys themselves."""
    folder = files("archive_app") / "web" / "translations"
    return gettext.translation("messages", str(folder), languages=[language], fallback=language == "en")


def translate(language: str, message: str, **params: object) -> str:
    """`message` in `language`, with its `%(name)s` places filled."""
    text = catalogue(language).gettext(message)
    return text % params if params else text
