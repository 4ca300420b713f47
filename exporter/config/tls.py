"""TLS in the settings of a source: which certificates are trusted, and what an appliance takes from the defaults.

It works for every source whose settings have the keys `scheme`, `port` and `tls`.
"""

from __future__ import annotations

from collections.abc import Set
from pathlib import Path
from typing import Final, Literal

from pydantic import PrivateAttr, model_validator

from exporter.config.files import LoadContext
from exporter.config.values import CaFile, Ciphers, Fingerprint, OptionalKey, Section, bad_value
from exporter.config.yaml_file import YamlMapping, as_mapping


class TlsSettings(Section):
    """How the certificate of an appliance is checked.

    By `ca_file`, by `fingerprint_sha256`, or with `verify: false` not at all. Without any of the three, the authorities
    that this machine trusts are used.
    """

    ca_file: OptionalKey[CaFile] = None
    """A file with the PEM certificates to trust, relative to the folder of this file."""
    fingerprint_sha256: OptionalKey[Fingerprint] = None
    """The SHA-256 of the one certificate to accept: 64 hexadecimal digits, with or without colons."""
    verify: bool = True
    """Whether the certificate is checked. Without the check, anyone between exporter and appliance can read the
    password."""
    min_version: Literal["TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"] = "TLSv1.2"
    """The oldest TLS version to accept; below TLSv1.2 the ciphers must allow it too."""
    ciphers: OptionalKey[Ciphers] = None
    """The ciphers to offer up to TLSv1.2, as OpenSSL lists them; "DEFAULT:@SECLEVEL=0" for old appliances."""

    legacy_renegotiation: bool = False
    """Whether to accept an appliance that cannot renegotiate safely (RFC 5746). Somebody on the network in between can
    then put octets of their own in front of a request."""

    _authorities: str = PrivateAttr(default="")
    """The content of ca_file: after the file is renewed, a reload gives settings that differ."""

    def model_post_init(self, context: object, /) -> None:
        """Keep the content of the CA file if the settings come from a file."""
        if isinstance(context, LoadContext) and self.ca_file:
            self._authorities = context.files.certificates[Path(self.ca_file)]

    @model_validator(mode="after")
    def _one_trust(self) -> TlsSettings:
        if [self.ca_file is None, self.fingerprint_sha256 is None, self.verify].count(False) > 1:
            raise bad_value("has more than one of ca_file, fingerprint_sha256 and verify: false: keep one")
        return self


_TRUST: Final = frozenset({"ca_file", "fingerprint_sha256", "verify"})
"""The alternatives of `tls`. One at an appliance replaces that of the defaults."""


def inherited(defaults: YamlMapping, own: YamlMapping) -> YamlMapping:
    """Return what the settings of a source at an appliance take from the defaults, both as they are in the file.

    The port of another scheme, TLS for http, and another way to trust the certificate are not taken.
    """
    kept = defaults
    if _scheme(defaults, own) != _scheme(defaults):
        kept = _without({"port"}, kept)
    if _scheme(defaults, own) == "http":
        return _without({"tls"}, kept)
    if _TRUST & as_mapping(own.get("tls")).keys():
        return kept | {"tls": _without(_TRUST, as_mapping(kept.get("tls")))}
    return kept


def has_tls_without_https(defaults: YamlMapping, own: YamlMapping) -> bool:
    """Return whether the settings of a source at an appliance have `tls` although the scheme is http."""
    return "tls" in own and _scheme(defaults, own) == "http"


def with_ca_path(settings: YamlMapping, folder: Path) -> YamlMapping:
    """Return the settings of a source with a `ca_file` that does not depend on the folder of their file."""
    tls = as_mapping(settings.get("tls"))
    ca_file = tls.get("ca_file")
    return settings | {"tls": tls | {"ca_file": str(folder / ca_file)}} if isinstance(ca_file, str) else settings


def _scheme(defaults: YamlMapping, own: YamlMapping | None = None) -> object:
    return (own or {}).get("scheme") or defaults.get("scheme") or "https"


def _without(keys: Set[str], data: YamlMapping) -> YamlMapping:
    return {key: value for key, value in data.items() if key not in keys}
