"""A refusal that a row keeps is read later in every language, all of it."""

import json
import re
from datetime import date

import pytest

from archive_app.engagements.independence import (
    CONSULTING,
    REPORT_COMPILING,
    ClientProvinceMissingError,
    Conflict,
    NotIndependentError,
)
from archive_app.engagements.models import Client
from archive_app.kernel.duties import VALIDATION_AND_VERIFICATION_APART, DutiesNotSeparateError
from archive_app.kernel.errors import ArchiveError, InvalidInputError, kept_words, read_kept

ZH = "zh_Hans_CN"
COMPILING = Conflict("p", "陆漫漫", REPORT_COMPILING, "32", date(2025, 1, 31), date(2028, 1, 30))
REFUSALS = (
    NotIndependentError(Conflict(None, "绿源核查", CONSULTING, "江南热电", None, None)),
    NotIndependentError(COMPILING),
    ClientProvinceMissingError(COMPILING, Client(name="江南热电")),
    InvalidInputError(field="Year", reason="This is not a year of emissions."),
    DutiesNotSeparateError(VALIDATION_AND_VERIFICATION_APART),
)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: error.code)
def test_a_kept_refusal_is_the_refusal_in_every_language(error: ArchiveError) -> None:
    kept = error.kept()
    for language in (ZH, "en"):
        assert read_kept(kept, language) == error.text(language)
    # What stays in Latin letters is a reference to a clause, and nothing of a sentence.
    assert not re.search(r"[A-Za-z]{2,}", read_kept(kept, ZH))
    assert "%(" not in read_kept(kept, ZH)


def test_a_province_is_called_by_its_name_in_the_language_of_the_reader() -> None:
    kept = NotIndependentError(COMPILING).kept()
    assert "江苏省" in read_kept(kept, ZH)
    assert "Jiangsu" in read_kept(kept, "en")


def test_rows_of_earlier_releases_and_empty_values_are_read() -> None:
    earlier = json.dumps({"message": "%(words)s", "params": {"words": "不属于本卷"}})
    assert read_kept(earlier, ZH) == "不属于本卷"
    assert read_kept(kept_words("%(words)s", {"words": ""}, ["words"]), ZH) == ""
    assert read_kept(None, ZH) == ""
