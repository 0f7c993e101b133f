"""The Cedar texts: the base that ships with Glassplate, the schema, and an example of a city's overlay."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources

from glassplate.encoding import canonical_json, sha256_hex
from glassplate.errors import CharterRejected

NO_OVERLAY = "// This city adds no prohibitions of its own.\n"


@dataclass(frozen=True, slots=True)
class PolicyTexts:
    """The three policy files of one charter version, as signed."""

    base: str
    overlay: str
    schema: str

    @property
    def base_sha256(self) -> str:
        """SHA-256 of ``base.cedar``."""
        return sha256_hex(self.base.encode())

    @property
    def overlay_sha256(self) -> str:
        """SHA-256 of ``overlay.cedar``."""
        return sha256_hex(self.overlay.encode())

    @property
    def schema_sha256(self) -> str:
        """SHA-256 of ``schema.cedarschema``."""
        return sha256_hex(self.schema.encode())

    @property
    def sha256(self) -> str:
        """One hash for all three; equal to ``Charter.policy.sha256`` of the charter that names them."""
        return sha256_hex(
            canonical_json(
                {
                    "base_sha256": self.base_sha256,
                    "overlay_sha256": self.overlay_sha256,
                    "schema_sha256": self.schema_sha256,
                }
            )
        )


def shipped_policy(overlay: str = NO_OVERLAY) -> PolicyTexts:
    """The shipped base and schema with a city's overlay."""
    return PolicyTexts(base=_read("base.cedar"), overlay=overlay, schema=_read("schema.cedarschema"))


def demand_shipped_rules(policy: PolicyTexts) -> None:
    """A city tightens by its overlay and never edits the base, where a missing prohibition is not seen by who signs.

    For signing and installing. What was installed under an older version's rules stays in force.

    Raises:
        CharterRejected: base or schema is not what this version ships.
    """
    shipped = shipped_policy()
    if (policy.base, policy.schema) != (shipped.base, shipped.schema):
        raise CharterRejected(
            "The charter's base.cedar or schema.cedarschema is not the one that this version of Glassplate ships. "
            "Draft the charter again, and put the city's own prohibitions into the overlay.",
            ("charter-policy",),
        )


def example_overlay() -> str:
    """An overlay to start from."""
    return _read("overlay-example.cedar")


def _read(name: str) -> str:
    return resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
