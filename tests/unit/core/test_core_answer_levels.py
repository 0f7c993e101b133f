"""The charter says how firmly an act must be recorded before its answer leaves: every way by which reads leave obeys."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tests.support.approvals import AUDITOR, SUPERVISOR, approve
from tests.support.city import make_city

from glassplate.errors import LogUnavailable, StorageFailed
from glassplate.log import VerifierKey, verify_proof
from glassplate.records import ExportRequest, HoldRequest

PLATE, CASE = "7KDR214", "26-004512"
APPROVED = ("plate_search", "image_view", "hotlist_alerts", "export")


@pytest.fixture
def city(tmp_path):
    made = make_city(tmp_path / "city")
    features = tuple(
        type(f)(f.name, f.name in APPROVED, f.not_before, f.expires_at) for f in made.charter().features
    )
    made.vault.install_charter(made.signed(made.charter(answer_level="L2", features=features)))
    yield made
    made.close()


class Acts:
    """Each way by which a read leaves, ready to be done once."""

    def __init__(self, city):
        self.city = city
        city.ingest(PLATE)
        self.token = city.sign_in("m.okafor")
        searched = city.vault.gate.search(self.token, city.request(PLATE))
        self.index, self.read_id = searched.receipt.entry_index, searched.reads[0].read.read_id
        self.hold_id = self._placed().hold.hold_id

    def _placed(self):
        request = HoldRequest(
            case_number=CASE,
            authority="District attorney",
            reason="evidence",
            until=self.city.now() + timedelta(days=60),
            read_ids=(self.read_id,),
            search_index=self.index,
        )
        approve(self.city, "hold", "m.okafor", request, SUPERVISOR)
        return self.city.vault.holds.place(self.token, request)

    def search(self):
        return self.city.vault.gate.search(self.token, self.city.request(PLATE))

    def image(self):
        return self.city.vault.gate.open_image(self.token, self.read_id, self.index, "crop")

    def hold(self):
        return self._placed()

    def open_hold(self):
        return self.city.vault.holds.open(self.token, self.hold_id, CASE)

    def export(self):
        request = ExportRequest(
            case_number=CASE, reason="discovery", read_ids=(self.read_id,), search_index=self.index
        )
        approve(self.city, "export", "m.okafor", request, SUPERVISOR, AUDITOR)
        return self.city.vault.exports.make(self.token, request)


@pytest.mark.parametrize("act", ["search", "image", "hold", "open_hold", "export"])
def test_the_answer_carries_its_proof(city, act):
    receipt = getattr(Acts(city), act)().receipt
    assert receipt.level == "L2"
    key = VerifierKey.parse((city.folder.public / "log" / "vkey").read_text().strip())
    verify_proof(receipt.proof.encode(), key, city.vault.log.record(receipt.entry_index).leaf)


@pytest.mark.parametrize("act", ["search", "image", "hold", "open_hold", "export"])
def test_nothing_is_answered_that_cannot_be_published(city, act, monkeypatch):
    acts = Acts(city)

    def refuses(_log):
        raise StorageFailed("the tree cannot be written")

    monkeypatch.setattr(type(city.vault.log), "publish", refuses)
    with pytest.raises(LogUnavailable, match="Nothing was answered"):
        getattr(acts, act)()
