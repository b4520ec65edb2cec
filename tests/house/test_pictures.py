"""The timelines in the guides show what the engine does now, the lifecycle what may follow what.

Written anew with `REWRITE_PICTURES=1 python -m pytest tests/house/test_pictures.py`.
"""

from __future__ import annotations

import os
import re
from xml.etree import ElementTree

import pytest

from benchmarks.plots import WORDS
from docs.pictures import lifecycle
from docs.pictures.scenes import SCENES, draw
from tests.house.sources import REPOSITORY

IMAGES = REPOSITORY / "docs" / "images"
LIFECYCLE = "lifecycle"


@pytest.mark.django_db
@pytest.mark.parametrize("name", SCENES)
def test_a_picture_shows_what_the_engine_does(name):
    check(name, draw(SCENES[name]))


def test_the_lifecycle_shows_the_moves_of_the_code():
    check(LIFECYCLE, lifecycle.draw())


def check(name, drawn):
    """Compare the file with what was drawn just now, or write it anew if that is asked for."""
    file = IMAGES / f"{name}.svg"
    if os.environ.get("REWRITE_PICTURES"):
        file.write_text(drawn, encoding="utf-8", newline="\n")
    assert file.read_bytes() == drawn.encode(), "draw it anew with REWRITE_PICTURES=1, and look"


@pytest.mark.parametrize("file", sorted(IMAGES.glob("*.svg")), ids=lambda file: file.stem)
def test_a_picture_says_in_words_what_it_shows(file):
    assert file.stem in (*SCENES, LIFECYCLE) or file.name in WORDS
    picture = ElementTree.parse(file).getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert picture.get("role") == "img"
    assert all(picture.findtext(f"{name}{tag}") for tag in ("title", "desc"))


def test_every_picture_is_shown_with_words_for_those_who_do_not_see_it():
    pages = (page.read_text(encoding="utf-8") for page in (REPOSITORY / "docs").rglob("*.md"))
    shown = {
        name: words
        for page in pages
        for words, name in re.findall(r"!\[([^\]]*)\]\(\S*?images/([\w-]+)\.svg\)", page)
    }
    measured = {file.stem for file in IMAGES.glob("*.svg") if file.name in WORDS}
    assert set(shown) == {*SCENES, LIFECYCLE} | measured
    assert all(shown.values())
