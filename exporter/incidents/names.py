"""What an alert is called where people read of incidents."""

from __future__ import annotations

import re

from exporter.phrases import Phrases


def incident_name(alert: str, phrases: Phrases) -> str:
    """Return the words for an alert, with or without IronPort in its name; an unknown one is taken apart into words."""
    key = phrase_key(alert)
    return phrases.text(key) if key in phrases else " ".join(_words(alert)).capitalize()


def phrase_key(alert: str) -> str:
    return f"alert_{'_'.join(_words(alert)).lower()}"


def _words(alert: str) -> list[str]:
    return re.findall(r"[A-Z][a-z]*", alert.removeprefix("IronPort"))
