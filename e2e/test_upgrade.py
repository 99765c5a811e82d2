"""An old database, upgraded: what its customers had, they have, and nothing lacks."""

import lzma
import re

import inventory
import pytest
import requests
from old_use import LICENSE, OldBooks
from test_uninstall import BUSINESS, OURS, SUBSCRIPTIONS, install, uninstall

from ground import old_version, paths

DB = "e2e_upgrade"
#: An answer of the API that is the same in every version.
ANSWER = ("valid", "status", "expiresAt", "error", "features")


@pytest.fixture(scope="module", params=old_version.versions())
def upgraded(request, place):
    """Upgrade a database of each old version; yield it served, and its facts."""
    place.databases.drop(DB)
    facts = old_version.restore(place.postgres, request.param, DB)
    place.odoo.manage(DB, "-u", paths.MODULE)
    with place.server(DB) as server:
        yield OldBooks(server), facts
    place.databases.drop(DB)


@pytest.mark.parametrize("version", old_version.versions())
def test_every_psql_can_restore_the_dump(version):
    with lzma.open(old_version.DATA / f"{version}.sql.xz") as stream:
        assert not old_version.RESTRICT.findall(stream.read())


def test_an_upgrade_warns_of_nothing(upgraded):
    log = (paths.LOGS / f"odoo-{DB}.log").read_text()
    assert re.findall(r"^.* (?:WARNING|ERROR|CRITICAL) .*$", log, re.M) == []


def test_customers_have_the_keys_devices_and_answers_that_they_had(upgraded):
    books, facts = upgraded
    assert books.devices() == facts["devices"]
    now = books.licenses_by_key()
    assert now.keys() == facts["licenses"].keys()
    for key, then in facts["licenses"].items():
        answer, before = now[key].pop("verdict"), then.pop("verdict")
        assert now[key] == then
        assert {it: answer.get(it) for it in ANSWER} == {
            it: before.get(it) for it in ANSWER
        }


def test_an_upgraded_database_has_all_that_a_new_one_has(upgraded, place, installed):
    old, new = (inventory.take_module(place, db) for db in (DB, installed))
    assert (sorted(old - new), sorted(new - old)) == ([], [])


def test_everything_opens_after_an_upgrade(upgraded):
    books, _facts = upgraded
    inventory.open_all(books.rpc, (*BUSINESS, *SUBSCRIPTIONS, *OURS))
    assert inventory.follow_menus(books.rpc)


def test_a_signing_key_is_made_by_the_upgrade(upgraded):
    books, _facts = upgraded
    assert requests.get(f"{books.rpc.url}/api/licenses/jwks.json").json()["keys"]
    company = books.rpc.read(
        "res.company", 1, "license_send_messages", "license_expiry_notice_days"
    )
    assert company["license_send_messages"] is True
    assert company["license_expiry_notice_days"] == "30, 7, 1"


def test_after_an_upgrade_payments_issue_and_renew_and_refunds_suspend(upgraded):
    books, facts = upgraded
    books.pay(facts["open_invoice"])
    assert len(books.ids(facts["open_invoice"])) == 1
    before = books.rpc.read(LICENSE, facts["renewed"], "expires_at")["expires_at"]
    books.pay(facts["open_renewal"])
    after = books.rpc.read(LICENSE, facts["renewed"], "expires_at", "status")
    assert int(after["expires_at"][:4]) == int(before[:4]) + 30
    assert after["status"] == "active"
    books.refund(facts["paid_invoice"])
    row = books.rpc.read(LICENSE, facts["to_refund"], "status")
    assert row["status"] == "suspended"


def test_uninstalled_after_an_upgrade_nothing_is_left_and_it_comes_back(
    upgraded, place
):
    books, _facts = upgraded
    uninstall(books, paths.MODULE)
    before = inventory.take(place, place.databases.template("oca"))
    assert sorted(inventory.take(place, DB) - before) == []
    install(books, paths.MODULE)
    invoice = books.invoice(books.product(license_policy_id=books.policy()))
    books.pay(invoice)
    assert len(books.ids(invoice)) == 1
