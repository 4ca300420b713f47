"""Destinations of mail in the configuration: names and patterns that matter, by class."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from exporter.config.values import bad_value, is_host_name


def _domain_pattern(text: str) -> str:
    if not is_host_name(text.removeprefix("*.")):
        raise bad_value("must be a domain (uni-a.edu), or *. and a domain (*.uni-b.edu)")
    return text.lower().rstrip(".")


DomainPattern = Annotated[str, AfterValidator(_domain_pattern)]
"""A domain, or `*.` and a domain, which stands for all domains below it."""
