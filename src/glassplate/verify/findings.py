"""What a check says: findings as sentences, and facts that a reader wants beside them."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. ``where`` names the file or entry."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Verification:
    """The result of one run: everything holds when ``findings`` is empty."""

    findings: list[Finding] = field(default_factory=list)
    facts: list[str] = field(default_factory=list)

    def find(self, where: str, what: object) -> None:
        """Add a finding."""
        self.findings.append(Finding(where, str(what)))

    def tell(self, fact: str) -> None:
        """Add a fact."""
        self.facts.append(fact)

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings
