"""The section tls_config of --http.config.file."""

from __future__ import annotations

import ssl

from pydantic import SecretStr, model_validator

from exporter.config.files import pem_text
from exporter.config.secrets import FileText, revealed
from exporter.config.tls_context import TLS_VERSIONS, TlsVersion, load_identity
from exporter.config.values import OptionalKey, Section, bad_value


class ClientTlsConfig(Section):
    """Which certificate of the server is accepted, and with which certificate we prove who we are."""

    ca: OptionalKey[SecretStr] = None
    """The PEM certificates of the authorities to trust, instead of those that this machine trusts."""
    ca_file: OptionalKey[FileText] = None
    """A file with them."""
    cert: OptionalKey[SecretStr] = None
    """Our own PEM certificate."""
    cert_file: OptionalKey[FileText] = None
    """A file with it."""
    key: OptionalKey[SecretStr] = None
    """The key of our certificate."""
    key_file: OptionalKey[FileText] = None
    """A file with it."""
    server_name: OptionalKey[str] = None
    """The name that the server's certificate must have, instead of the host of the URL."""
    insecure_skip_verify: bool = False
    """Whether any certificate is accepted. Then anyone on the way can read the credentials."""
    min_version: TlsVersion = "TLS12"
    """The oldest version of TLS to accept."""
    max_version: TlsVersion = "TLS13"
    """The newest version of TLS to accept."""

    @model_validator(mode="after")
    def _usable(self) -> ClientTlsConfig:
        if (self.cert or self.cert_file) is None and (self.key or self.key_file) is not None:
            raise bad_value("has a key without a certificate: add cert_file")
        if (self.cert or self.cert_file) is not None and (self.key or self.key_file) is None:
            raise bad_value("has a certificate without its key: add key_file")
        if self.model_fields_set:
            self.context()
        return self

    def context(self) -> ssl.SSLContext:
        """Return the context of connections."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version, context.maximum_version = (
            TLS_VERSIONS[self.min_version],
            TLS_VERSIONS[self.max_version],
        )
        if self.insecure_skip_verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        self._trust(context)
        if certificate := revealed(self.cert, self.cert_file):
            load_identity(context, certificate, revealed(self.key, self.key_file))
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        if self.ca is None and self.ca_file is None:
            context.load_default_certs()
            return
        try:
            context.load_verify_locations(cadata=pem_text(revealed(self.ca, self.ca_file).encode()))
        except ssl.SSLError:
            raise bad_value("has no readable certificate of an authority: put PEM certificates into ca_file") from None
