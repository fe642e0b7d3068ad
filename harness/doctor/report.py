"""The findings of an examination, as data and as plain text."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from harness.capability import Capability


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the report.

    `ok` is the answer. `detail` says what was found, or what went wrong. `mend` says how to fix a "no". If what is
    `required` is missing, no scenario can run; if the rest is missing, some are `unavailable`, or something takes
    longer.
    """

    name: str
    ok: bool
    detail: str
    mend: str = ""
    required: bool = False

    @classmethod
    def of(cls, capability: Capability, *, required: bool = False) -> Finding:
        """Return the finding that a tried capability makes."""
        return cls(capability.name, capability.available, capability.detail, capability.mend, required)

    @property
    def answer(self) -> str:
        """`yes`, `no`, or `NO` if it is required."""
        return "yes" if self.ok else "NO" if self.required else "no"


@dataclass(frozen=True, slots=True)
class Report:
    """All findings, in the order in which they are shown."""

    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether everything that is required exists, so that the gate can run."""
        return all(each.ok for each in self.findings if each.required)

    def __getitem__(self, name: str) -> Finding:
        """Return the finding of that name. Raises KeyError."""
        for each in self.findings:
            if each.name == name:
                return each
        raise KeyError(name)

    def as_json(self) -> dict[str, object]:
        """Return what `json.dumps` takes: schema, `ok`, and each finding's fields."""
        findings = [dataclasses.asdict(each) for each in self.findings]
        return {"schema": "harness.doctor/1", "ok": self.ok, "findings": findings}

    def as_text(self) -> str:
        """Return plain text: a line for each finding, the fix below a "no", and the conclusion."""
        width = max((len(each.name) for each in self.findings), default=0)
        lines: list[str] = []
        for each in self.findings:
            detail = each.detail.replace("\n", "\n" + " " * (width + 6))
            lines.append(f"{each.answer:<3}  {each.name:<{width}} {detail}".rstrip())
            if each.mend and not each.ok:
                lines.append(f"{'':<5}{'':<{width}} mend: {each.mend}")
        return "\n".join([*lines, "", self._conclusion()])

    def _conclusion(self) -> str:
        missing = [each.name for each in self.findings if each.required and not each.ok]
        if missing:
            return f"The gate cannot run here: {', '.join(missing)}."
        lacking = [each.name for each in self.findings if not each.ok]
        if lacking:
            return f"The gate can run here; what needs one of these is unavailable: {', '.join(lacking)}."
        return "The gate can run here, all of it."
