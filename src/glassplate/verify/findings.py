"""What a check says: findings as sentences, and facts that a reader wants beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_FINDINGS = 1000  # a forger can cause millions; after a thousand nobody needs the next one


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
        """Add a finding; file names and contents in it come from strangers, so it is made fit to print."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(Finding(_printable(where), _printable(str(what))))
        elif len(self.findings) == MAX_FINDINGS:
            self.findings.append(
                Finding("the rest", f"more than {MAX_FINDINGS:,} findings; the others are left out")
            )

    def tell(self, fact: str) -> None:
        """Add a fact."""
        self.facts.append(_printable(fact))

    @property
    def holds(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def _printable(text: str) -> str:
    """No control character reaches a terminal, no broken name an encoder."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
