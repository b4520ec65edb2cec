"""Mutants of the schedules that mean the same, and why: see ``equivalent_mutants``."""

from __future__ import annotations

__all__ = ["EQUIVALENT_SCHEDULES"]

_EQUALLY_LONG = "Both are as long as there are fields."
_ANY_DAY = "Any day will do: what has no match in 50 years has none in any 50 years."
_MEMORY = "How much is remembered changes what is asked, never the answer."
_BOUND = "50 years are a bound: the rarest day there is comes again after 40."
_EMPTY = "Between equal ends there is nothing, also when it is counted."
_REACH = "Any steps will do that grow, and any instant between: these are only the quickest."
_ALIKE = "A schedule treats all its folds alike, and a standing rule has several."
_TRUTH = "Only its truth is asked, and None is as false."
_PREVIEW = (
    "return Preview(words=schedule.describe(), text=str(schedule), zone=schedule.zone_name, "
    "upcoming=tuple(schedule.upcoming(now, ahead)), previous=tuple(_before(schedule, now, "
    "{} if schedule.fixed_delay else past)), warnings=coming_effects(schedule, now))"
)
_JANUARY = "No zone shifts its clock in January of 2030, 2040 or 9998."

#: (reason, module, where, before, what it may become)
_ROWS: tuple[tuple[str, str, str, str, tuple[str, ...]], ...] = (
    (
        _EQUALLY_LONG,
        "cron_text",
        "_read",
        "readings = tuple((_read_field(field, text) for field, text in "
        "zip(FIELDS, texts, strict=True)))",
        (
            "readings = tuple((_read_field(field, text) for field, text in "
            "zip(FIELDS, texts, strict=False)))",
        ),
    ),
    (
        _EQUALLY_LONG,
        "builders",
        "_assemble",
        "texts = [None if value is None else _field_text(field.name, value) "
        "for field, value in zip(FIELDS, named, strict=True)]",
        (
            "texts = [None if value is None else _field_text(field.name, value) "
            "for field, value in zip(FIELDS, named, strict=False)]",
        ),
    ),
    (
        _MEMORY,
        "cron",
        "",
        "_MEMO_SIZE = 4096",
        (
            "_MEMO_SIZE = 4097",
            "_MEMO_SIZE = 4095",
        ),
    ),
    (
        _ANY_DAY,
        "cron",
        "",
        "_REFERENCE = datetime(2000, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
        (
            "_REFERENCE = datetime(2001, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(1999, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(2000, 2, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_REFERENCE = datetime(2000, 1, 2, tzinfo=timezone.utc).replace(tzinfo=None)",
        ),
    ),
    (
        _ANY_DAY,
        "cron_days",
        "",
        "_REFERENCE = datetime(2000, 1, 1, tzinfo=timezone.utc).date()",
        (
            "_REFERENCE = datetime(2001, 1, 1, tzinfo=timezone.utc).date()",
            "_REFERENCE = datetime(1999, 1, 1, tzinfo=timezone.utc).date()",
            "_REFERENCE = datetime(2000, 2, 1, tzinfo=timezone.utc).date()",
            "_REFERENCE = datetime(2000, 1, 2, tzinfo=timezone.utc).date()",
        ),
    ),
    (
        _BOUND,
        "cron_days",
        "",
        "SEARCH_YEARS = 50",
        (
            "SEARCH_YEARS = 51",
            "SEARCH_YEARS = 49",
        ),
    ),
    (
        _BOUND,
        "cron_instants",
        "InstantPattern._next_on",
        "while reading is not None and reading.year <= wall.year + SEARCH_YEARS:",
        ("while reading is not None and reading.year < wall.year + SEARCH_YEARS:",),
    ),
    (
        _BOUND,
        "cron_instants",
        "InstantPattern._previous_on",
        "while reading is not None and reading.year >= wall.year - SEARCH_YEARS:",
        ("while reading is not None and reading.year > wall.year - SEARCH_YEARS:",),
    ),
    (
        "The library is asked for the first midnight after: any instant of the day before will do.",
        "cron_days",
        "",
        "_TICK = timedelta(seconds=1)",
        ("_TICK = timedelta(seconds=2)",),
    ),
    (
        _MEMORY,
        "cron_days",
        "",
        "_OBJECTS_KEPT = 512",
        (
            "_OBJECTS_KEPT = 513",
            "_OBJECTS_KEPT = 511",
        ),
    ),
    (
        "No gap or fold is longer than 24 hours.",
        "cron_instants",
        "",
        "_MARGIN = timedelta(hours=26)",
        (
            "_MARGIN = timedelta(hours=27)",
            "_MARGIN = timedelta(hours=25)",
        ),
    ),
    (
        "Outside of a fold both passes say the same.",
        "cron_instants",
        "InstantPattern.next_after",
        "passes = self.passes if here is not None else self.passes[:1]",
        ("passes = self.passes if here is not None else self.passes[:2]",),
    ),
    (
        _EMPTY,
        "cron_instants",
        "InstantPattern.count_between",
        "if start >= end:",
        ("if start > end:",),
    ),
    (
        _EMPTY,
        "cron_match",
        "WallPattern.count",
        "if low >= high:",
        ("if low > high:",),
    ),
    (
        "No zone ever changed its offset twice within that time.",
        "wall",
        "",
        "_PROBE = timedelta(hours=12)",
        (
            "_PROBE = timedelta(hours=13)",
            "_PROBE = timedelta(hours=11)",
        ),
    ),
    (
        "A shift whose offsets are equal is none.",
        "wall",
        "Shift.is_gap",
        "return self.after > self.before",
        ("return self.after >= self.before",),
    ),
    (
        "It is sought downwards from there.",
        "interval",
        "Interval._index",
        "index = (wall - self._origin_wall()) // (self.days * _DAY) + 1",
        ("index = (wall - self._origin_wall()) // (self.days * _DAY) + 2",),
    ),
    (
        _REACH,
        "base",
        "",
        "_NEAREST, _FARTHEST = (timedelta(minutes=1), timedelta(days=64 * 366))",
        ("_NEAREST, _FARTHEST = (timedelta(minutes=2), timedelta(days=64 * 366))",),
    ),
    (
        _REACH,
        "base",
        "Schedule.previous_before",
        "reach = timedelta(0)",
        ("reach = timedelta(-1)",),
    ),
    (
        _REACH,
        "base",
        "Schedule._bisect_back",
        "middle = low + (high - low) / 2",
        ("middle = low + (high - low) / 3",),
    ),
    (
        "Only Python 3.10 needs six digits; later ones read as many as there are.",
        "base",
        "parse_instant",
        "digits = (fraction or '.0')[1:].ljust(6, '0')",
        (
            "digits = (fraction or '.0')[1:].ljust(7, '0')",
            "digits = (fraction or '.0')[1:].ljust(5, '0')",
        ),
    ),
    (
        "A stamp: it only has to be another one than before.",
        "versions",
        "",
        "_OWN_RULES = 1",
        (
            "_OWN_RULES = 0",
            "_OWN_RULES = 2",
        ),
    ),
    (
        "What stays the same if moved stays so if moved back.",
        "cron_effects",
        "_keeps_rhythm",
        "same = {(value + moved) % 60 for value in minute.values} == minute.values",
        ("same = {(value - moved) % 60 for value in minute.values} == minute.values",),
    ),
    (
        "Cut to its own length it stays the same.",
        "effects",
        "dst_effects",
        "if high - low > LONGEST:",
        ("if high - low >= LONGEST:",),
    ),
    (
        _JANUARY,
        "effects",
        "",
        "_LATEST = datetime(9998, 1, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
        (
            "_LATEST = datetime(9998, 2, 1, tzinfo=timezone.utc).replace(tzinfo=None)",
            "_LATEST = datetime(9998, 1, 2, tzinfo=timezone.utc).replace(tzinfo=None)",
        ),
    ),
    (
        _JANUARY,
        "effects",
        "_standing_shifts",
        "low, high = (datetime(year, 1, 1, "
        "tzinfo=timezone.utc).replace(tzinfo=None) for year in STANDING)",
        (
            "low, high = (datetime(year, 2, 1, "
            "tzinfo=timezone.utc).replace(tzinfo=None) for year in STANDING)",
            "low, high = (datetime(year, 1, 2, "
            "tzinfo=timezone.utc).replace(tzinfo=None) for year in STANDING)",
        ),
    ),
    (
        "The shifts of a standing rule are equally long, so the counts are alike.",
        "effects",
        "_which",
        "alone = len(times) == 1 and all((each.count == 1 for each in found))",
        ("alone = len(times) == 1 and any((each.count == 1 for each in found))",),
    ),
    (
        "Shifts are then found as much later, and readings are compared by their second.",
        "cron_instants",
        "InstantPattern.count_between",
        "start = after.replace(microsecond=0) + _SECOND",
        ("start = after.replace(microsecond=1) + _SECOND",),
    ),
    (
        "No count is below 0.",
        "preview",
        "preview",
        _PREVIEW.format(0),
        (_PREVIEW.format(-1),),
    ),
    (_TRUTH, "cron_words", "_is_even", "return False", ("return None",)),
    (
        "The second of an expression without seconds is 0, which is told like none.",
        "cron_words",
        "_Teller.__init__",
        "fields = text.readings if text.seconds else text.readings[1:]",
        ("fields = text.readings if text.seconds else text.readings[0:]",),
    ),
    (
        "The library's signature: what it hands over is never read.",
        "cron_words",
        "_Teller.transform_verbosity",
        "def transform_verbosity(self, description: str, *, "
        "use_verbose_format: bool=False) -> str:",
        (
            "def transform_verbosity(self, description: str, *, "
            "use_verbose_format: bool=True) -> str:",
        ),
    ),
    (
        _TRUTH,
        "effects",
        "_gap_words",
        "return ''",
        ("return None",),
    ),
    (
        _ALIKE,
        "effects",
        "_fold_words",
        "if found[0].action is DstAction.FIRST:",
        ("if found[-1].action is DstAction.FIRST:",),
    ),
    (
        _ALIKE,
        "effects",
        "_fold_words",
        "if found[0].action is DstAction.LAST:",
        ("if found[-1].action is DstAction.LAST:", "if found[1].action is DstAction.LAST:"),
    ),
)

EQUIVALENT_SCHEDULES: dict[tuple[str, str, str, str], str] = {
    (f"schedules/{module}", where, before, after): reason
    for reason, module, where, before, changed in _ROWS
    for after in changed
}
