"""Publishing beside everything else: the numbers are those of the record, whoever asks for them at the same time."""

from __future__ import annotations

import threading
from datetime import timedelta

from tests.support.city import make_city
from tests.support.invariants import check_city, public

from glassplate.lane import open_bundle
from glassplate.log import VerifierKey
from glassplate.seal.bundle import MAX_BUNDLE_KEYS


def test_many_ask_for_the_report_while_it_is_published(city):
    """Counting is shared: two who count the same entries at once must not count them twice."""
    for _ in range(6):
        for _ in range(8):
            city.sign_in("r.alvarez")
        city.vault.log.publish()
        start = threading.Barrier(5)

        def ask(act, start=start):
            start.wait()
            act()

        acts = [city.vault.report.numbers] * 4 + [city.vault.publish]
        threads = [threading.Thread(target=ask, args=(act,)) for act in acts]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        numbers = city.vault.report.numbers()
        assert sum(count for _, count in numbers["entries_by_type"]) == numbers["log_size"]
    check_city(city)


def test_more_live_keys_than_a_lane_reads(tmp_path):
    """Short epochs and a long retention: the list keeps the newest keys, so that capture goes on."""
    city = make_city(tmp_path / "city", epoch_minutes=2, retention_minutes=1440)
    now = city.now()
    while len(city.vault.keyring.records()) <= MAX_BUNDLE_KEYS:
        city.vault.epochs.make_ahead(now)
        now += timedelta(minutes=6)
    city.clock.advance(now - city.now())
    bundle_key = VerifierKey.parse((city.folder.public / "bundle.vkey").read_text().strip())
    assert open_bundle(city.vault.bundle(), bundle_key)
    assert len(city.ingest("7KDR214", captured_at=city.now()).accepted) == 1
    assert len(public(city, "epoch-created")) > MAX_BUNDLE_KEYS
    city.close()
