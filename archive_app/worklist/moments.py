"""When somebody may be told something: not in their quiet hours, not on a day of rest."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

MINUTES_OF_A_DAY = 24 * 60
_MOST_STEPS = 800


@dataclass(frozen=True)
class Quiet:
    """When somebody wants to hear nothing: minutes after midnight (both empty where never; over midnight where the end
    comes before the beginning), and days that are not worked on. `on_rest_days` lets something through on those."""

    zone: ZoneInfo
    is_working: Callable[[date], bool]
    begins: int | None = None
    ends: int | None = None
    on_rest_days: bool = False

    def earliest(self, moment: datetime) -> datetime:
        """The first moment from `moment` on at which they may be told."""
        local = moment.astimezone(self.zone)
        for _ in range(_MOST_STEPS):
            later = self._not_before(local)
            if later is None:
                return max(moment, local.astimezone(moment.tzinfo))
            local = later
        raise ValueError("there is no day on which somebody may be told")

    def _not_before(self, local: datetime) -> datetime | None:
        day = local.date()
        if not (self.on_rest_days or self.is_working(day)):
            return self._at(day + timedelta(days=1), 0)
        if self.begins is None or self.ends is None or self.begins == self.ends:
            return None
        minute = local.hour * 60 + local.minute
        if self.begins < self.ends:
            return self._at(day, self.ends) if self.begins <= minute < self.ends else None
        if minute >= self.begins:
            return self._at(day + timedelta(days=1), self.ends)
        return self._at(day, self.ends) if minute < self.ends else None

    def _at(self, day: date, minute: int) -> datetime:
        return datetime.combine(day, time(*divmod(minute, 60)), self.zone)
