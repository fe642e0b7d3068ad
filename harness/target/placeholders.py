"""Words in braces that the harness fills in: `{python}`, `{postgres.url}`."""

from __future__ import annotations

import re
from collections.abc import Mapping

PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_.]*)\}")

CA_FILE = "ca_file"
"""What a link that speaks TLS can be asked for besides its protocol's words: the authority to trust, in PEM."""
REMEMBERED_BY = ("prefix", "source", "id")
"""What the key by which a service remembers a delivery is made of."""
READ_BY = ("source", "id")
"""What the path that shows a delivery is made of."""


def fill_in(text: str, words: Mapping[str, str]) -> str:
    """Replace each known placeholder by its value. Unknown ones were refused when the file was read."""
    return PLACEHOLDER.sub(lambda match: words.get(match[1], match[0]), text)
