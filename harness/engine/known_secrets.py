"""The secrets of a run. The harness knows them: it made passwords and keys, and sent bodies and signatures."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from harness.engine.secret_parts import secret_parts
from harness.history.events import SecretShown
from harness.target import OutgoingRequest
from harness.target.sections.secrets import SecretsDescription

SOUGHT: Final = 12
"""A text that shows this many characters of a secret shows the secret. No other text of a run has that many by
chance."""
RUN: Final = re.compile(rf"[A-Za-z0-9+/=_-]{{{SOUGHT},}}")
OF_BODY: Final = re.compile(rb"(?<![A-Za-z0-9])(?=[0-9]*[A-Za-z])[A-Za-z0-9]{%d}" % SOUGHT)
"""A part of a body that needs no escapes and is more than a number. The search tries only where such a part begins."""
AROUND: Final = 60


@dataclass(slots=True)
class KnownSecrets:
    """Collects secrets, and finds them in a text. `of_bodies`: beginnings that only an acknowledgement may show."""

    described: SecretsDescription
    _whole: dict[str, str] = field(default_factory=dict)
    _beginnings: dict[str, str] = field(default_factory=dict)
    _of_bodies: set[str] = field(default_factory=set)

    def __len__(self) -> int:
        """How many secrets are known."""
        return len(self._whole) + len(self._beginnings)

    def add(self, what: str, value: str) -> None:
        """Add a secret of the configuration, in each form in which it may be written. `what`: its name, for readers."""
        for run in RUN.findall(value):
            for form in _forms(run):
                self._whole[form] = what

    def sent(self, request: OutgoingRequest) -> None:
        """Add the parts of a request that the target calls secret."""
        for name, value in request.headers.items():
            if name.lower() in self.described.headers:
                for run in RUN.findall(value):
                    self._beginnings[run[:SOUGHT]] = f"the header {name.lower()}"
        if self.described.bodies:
            found = OF_BODY.search(request.body)
            if found is not None:
                beginning = found[0].decode("ascii")
                self._beginnings[beginning] = "a body"
                self._of_bodies.add(beginning)

    def shown_in(self, text: str, where: str, *, may_show_bodies: bool = False) -> Iterator[SecretShown]:
        """Find secrets in a text, each kind once. The result hides the secret itself."""
        seen: set[str] = set()
        for at, secret, what in self._found(text):
            if what not in seen and not (may_show_bodies and secret in self._of_bodies):
                seen.add(what)
                yield SecretShown(what, where, _around(text, at, secret))

    def _found(self, text: str) -> Iterator[tuple[int, str, str]]:
        for secret, what in self._whole.items():
            if (at := text.find(secret)) >= 0:
                yield at, secret, what
        for run in RUN.finditer(text):
            for at in range(run.start(), run.end() - SOUGHT + 1):
                beginning = text[at : at + SOUGHT]
                if beginning in self._beginnings:
                    yield at, beginning, self._beginnings[beginning]


def known_secrets(
    described: SecretsDescription, environment: Mapping[str, str], passwords: Mapping[str, str]
) -> KnownSecrets:
    """Return the secrets of a service in this environment. `passwords`: those of its links, by name."""
    known = KnownSecrets(described)
    links: dict[str, list[str]] = {}
    for link, password in passwords.items():  # a replica has its primary's
        links.setdefault(password, []).append(link)
    for password, names in links.items():
        known.add(f"the password on {' and '.join(names)}", password)
    for name in described.settings:
        for part in secret_parts(environment.get(name, ""), described.parts.get(name)):
            known.add(name, part)
    return known


def _forms(run: str) -> Sequence[str]:
    """The text, and if it is base64, perhaps behind a prefix such as `whsec_`, its bytes as programs write them."""
    forms = [run]
    try:
        raw = base64.b64decode(run.rpartition("_")[2], validate=True)
    except binascii.Error:
        return forms
    written = repr(raw)[2:-1]
    forms += [raw.hex(), written, written.replace("\\", "\\\\")]
    return [form for form in forms if len(form) >= SOUGHT]


def _around(text: str, at: int, secret: str) -> str:
    before, after = text[max(0, at - AROUND) : at], text[at + len(secret) : at + len(secret) + AROUND]
    return f"{before.rpartition(chr(10))[2]}[...]{RUN.sub('[...]', after.partition(chr(10))[0])}"
