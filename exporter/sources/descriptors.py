"""A lack of file descriptors: a fault of the exporter's machine that must not look like one of the appliance."""

from __future__ import annotations

import errno
from typing import Final

NO_DESCRIPTORS: Final = (errno.EMFILE, errno.ENFILE)
"""The numbers of the errors: the process has no descriptor left, or the machine."""

RAISE_THE_LIMIT: Final = (
    "the exporter may open no more files and connections: raise its limit, with LimitNOFILE= in systemd or ulimit -n in"
    " a shell"
)
