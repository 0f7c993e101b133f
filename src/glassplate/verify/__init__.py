"""Checking a city from outside: only its public folder and the offices' fingerprints are believed.

    (0) folder     plain files only, none without a reason                        `folder.check_folder`, `check_strays`
    (1) charters   every version, against the fingerprints                        `charters.check_charters`
    (2) policies   files under their own hashes                                   `charters.check_policies`
    (3) keys       the log's and the publisher's are those the charter names; a re-keyed twin fails here
    (4) tree       checkpoint, tiles, entries                                     `tree.check_tree`
    (5) charters   installed ones are published ones                              `charters.check_installations`
    (6) keys       created, closed, destroyed in time, counted daily              `key_life.KeyLife`
                   holds placed, counted, ended in time                           `hold_life.check_holds`
    (7) acts       only inside a charter's life, only by the agency it names      `acts.check_acts`
                   restores from a backup, and how each was assured              `restores.check_restores`
    (8) bundle     the published epoch keys are those of the record               `published.check_bundle`
    (9) report     pages as signed; numbers are those of the record               `published.check_site`, `check_report`
    (10) bodies    with an auditor's pulled folder                                `bodies.check_bodies`, `outages.check_outages`
    (11) decisions each decided again, under the policy then in force             `decisions.check_decisions`
                   signed by their persons' own passkeys                          `signatures.check_signatures`

An evidence package is checked by itself, offline: `package.verify_package`.

Nothing here imports the vault, the store or the keys.
"""

from glassplate.verify.findings import Finding, Verification
from glassplate.verify.package import verify_package
from glassplate.verify.verify import verify_city

__all__ = ["Finding", "Verification", "verify_city", "verify_package"]
