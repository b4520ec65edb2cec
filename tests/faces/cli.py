"""Calling ``manage.py scheduler`` as a person, as a program, and wrongly."""

from __future__ import annotations

import io
import json

import pytest
from django.core.management import CommandError, call_command


def say(*words):
    """What the command prints for people."""
    out, err = io.StringIO(), io.StringIO()
    call_command("scheduler", *words, stdout=out, stderr=err)
    assert err.getvalue() == ""
    return out.getvalue()


def ask(*words):
    """The document the command prints for programs."""
    return json.loads(say(*words, "--json"))


def refused(*words):
    """The error the command ends with; nothing else is printed."""
    out, err = io.StringIO(), io.StringIO()
    with pytest.raises(CommandError) as raised:
        call_command("scheduler", *words, stdout=out, stderr=err)
    assert (out.getvalue(), err.getvalue()) == ("", "")
    assert raised.value.returncode == 1
    return str(raised.value)
