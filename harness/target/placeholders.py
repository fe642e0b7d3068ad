"""Words in braces that the harness replaces: `{python}`, `{postgres.url}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")

CA_FILE = "ca_file"
"""The additional placeholder of a link with TLS: the file of the authority to trust, in PEM."""
NAME = "name"
NAMED_URL = "named_url"
"""The additional placeholders of a link with a name: that name, and the URL with it in the address's place."""
SERVICE_PORT = "service.port"
"""Placeholder of a port that the harness chooses for the service to listen on."""
REMEMBERED_BY = ("prefix", "source", "id")
"""Placeholders in the key by which a service remembers a delivery."""
GIVEN = "given"
"""The additional placeholder of an id that the service gives to a delivery."""
VERSION = "version"
"""The additional placeholder of the version that an answer has shown of a delivery: an ETag, for `If-Match`."""
READ_BY = ("source", "id", "uuid", "number", GIVEN)
"""Placeholders in the path that shows a delivery."""
CHANGED_BY = (*READ_BY, VERSION)
"""Placeholders in the path and the headers of a change."""
LINK_AWAY = "{link}"
"""Placeholder of a link's name, in an answer to `ready` about a link that is away."""


def fill_in(text: str, words: Mapping[str, str]) -> str:
    """Replace each known placeholder by its value. Unknown ones were refused when the file was read."""
    return PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), text)
