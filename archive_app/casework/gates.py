"""Conditions of a stage besides its records: what stands in the way of leaving it.

A scheme names its conditions by code (`Stage.needs`). Whoever knows about one registers the function that looks, with
`@gate(code)`, also from rooms above. A condition that nobody registered is closed: nothing passes because a part of
the program is missing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from archive_app.engagements.data_files import Words
from archive_app.engagements.models import Engagement
from archive_app.engagements.schemes import Scheme
from archive_app.kernel.language import N_, translate
from archive_app.kernel.unit_of_work import UnitOfWork


@dataclass(frozen=True)
class Obstacle:
    """Something that stands in the way: a stable `code`, `words` (a catalogue key) with their values, and the endpoint
    of the page where it is mended, which is given `engagement_id`. `about` names to programs what it is about.

    A value may be `Words`, or a mapping with words by language tag (zh, en); those named in `translated` are catalogue
    keys themselves.
    """

    code: str
    words: str
    params: Mapping[str, object] = field(default_factory=dict)
    endpoint: str = "progress.progress_page"
    translated: tuple[str, ...] = ()
    about: str = ""

    def text(self, language: str) -> str:
        """What stands in the way, in `language`."""
        return translate(language, self.words, **{name: self._value(name, language) for name in self.params})

    def _value(self, name: str, language: str) -> object:
        value = self.params[name]
        if isinstance(value, Words):
            return value.text(language)
        if isinstance(value, Mapping):
            return value[language.partition("_")[0]]
        return translate(language, str(value)) if name in self.translated and value else value


Gate = Callable[[UnitOfWork, Engagement, Scheme], list[Obstacle]]
GATES: dict[str, Gate] = {}


def gate(code: str) -> Callable[[Gate], Gate]:
    """Registers the function that looks after the condition `code`. Raises: ValueError when the code is taken."""

    def register(look: Gate) -> Gate:
        if code in GATES:
            raise ValueError(f"the condition {code} is looked after twice")
        GATES[code] = look
        return look

    return register


def obstacles_of(uow: UnitOfWork, engagement: Engagement, scheme: Scheme, stage: str) -> list[Obstacle]:
    """The step that asks every condition of a stage: what stands in the way of leaving it."""
    found: list[Obstacle] = []
    for code in scheme.stage(stage).needs:
        look = GATES.get(code)
        found += look(uow, engagement, scheme) if look else [Obstacle(code, UNKNOWN, {"code": code})]
    return found


UNKNOWN = N_("The condition %(code)s of this stage is not known to the program. Tell your administrator.")
