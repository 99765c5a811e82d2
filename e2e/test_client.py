"""The client and the real server: a license's life, as the software sees it."""

import json
from base64 import b64decode
from datetime import datetime, timedelta, timezone
from functools import partial

import pytest
from machine import BY_FILE, BY_SERVER, BY_TOKEN, DAY, told

from software_license_client.armor import unwrap_request

DEVICES = "software.license.activation"


def validations(proxy):
    return [path for path in proxy.asked if path.endswith("/validate")]


def test_a_device_takes_a_seat_runs_from_its_token_and_gives_the_seat_back(
    own_site, proxy, laptop
):
    license_, key = own_site.license(own_site.policy(plan="pro"), max_activations=1)
    verdict = laptop.start().activate(key)
    assert told(verdict) == BY_SERVER and verdict.plan == "pro"
    assert own_site.rows(license_) == 1
    client = laptop.start()
    assert told(client.check()) == BY_TOKEN
    assert len(validations(proxy)) == 1, "a good token needs no network"
    assert client.deactivate()
    assert own_site.rows(license_) == 0
    assert told(laptop.start().check()) == ("deactivated", "server", 1)
    assert told(laptop.start().activate()) == BY_SERVER
    assert own_site.rows(license_) == 1


def test_a_due_token_is_refreshed_in_the_background(own_site, proxy, laptop):
    _license, key = own_site.license()
    client = laptop.start(key)
    client.check()
    first = laptop.token
    laptop.clock.wrong_by = DAY - 60
    client.check()
    assert client.wait(60) and len(validations(proxy)) == 1, "not due yet"
    laptop.clock.wrong_by = DAY
    assert told(client.check()) == BY_TOKEN
    assert client.wait(60) and len(validations(proxy)) == 2
    assert told(client.check()) == BY_TOKEN and laptop.token != first


def test_a_device_too_many_is_refused_until_a_seat_is_free(own_site, laptop, tower):
    license_, key = own_site.license(max_activations=1)
    assert laptop.start(key).check()
    full = ("activation_limit_reached", "server", 1)
    assert told(tower.start(key).check()) == full
    assert own_site.rows(license_) == 1
    assert laptop.start(key).deactivate()
    assert told(tower.start(key).check()) == full, "an hour, unless the user asks"
    assert told(tower.start(key).sync()) == BY_SERVER


def test_a_policy_may_keep_devices_from_giving_seats_back(own_site, laptop):
    license_, key = own_site.license(own_site.policy(self_deactivation=False))
    laptop.start(key).check()
    answer = laptop.start(key).deactivate()
    assert (answer.done, answer.code) == (False, "deactivation_not_allowed")
    assert own_site.rows(license_) == 1 and laptop.start(key).check()


def with_look_alikes(key):
    return f" {key.lower().replace('0', 'o').replace('1', 'l')} "


@pytest.mark.parametrize(
    ("key_format", "retype"), [("grouped", with_look_alikes), ("hex64", str.upper)]
)
def test_a_key_may_be_typed_in_any_way_that_the_server_takes(
    own_site, laptop, key_format, retype
):
    _license, key = own_site.license(own_site.policy(key_format=key_format))
    assert told(laptop.start(retype(key)).check()) == BY_SERVER
    assert told(laptop.start(key).check()) == BY_TOKEN
    assert told(laptop.start(retype(key)).check()) == BY_TOKEN


def test_a_device_may_have_any_name(own_site, laptop):
    license_, key = own_site.license(max_activations=1)
    odd = {"device_id": " Ännas Läptop 🦊\n", "device_name": "\x00" + "x" * 300}
    assert told(laptop.start(key, **odd).check()) == BY_SERVER
    assert told(laptop.start(key, **odd).check()) == BY_TOKEN
    assert laptop.start(key, **odd).deactivate()
    assert own_site.rows(license_) == 0


def test_another_application_may_not_use_the_license(own_site, laptop):
    license_, key = own_site.license()
    verdict = laptop.start(key, application="acme-render").check()
    assert told(verdict) == ("application_mismatch", "server", 1)
    assert own_site.rows(license_) == 0


def test_a_key_that_nobody_has_is_refused_for_sure(laptop):
    unknown = ("license_not_found", "server", 1)
    assert told(laptop.start().activate("E2E-0000-0000-0000-0000")) == unknown


def test_a_trial_says_when_it_ends(own_site, laptop):
    policy = own_site.policy(trial_days=3)
    product = own_site.rpc.create(
        "product.product", name="Editor", license_policy_id=policy
    )
    customer = own_site.rpc.create("res.partner", name="Jörg & Söhne")
    wanted = {"customerId": str(customer), "productId": str(product), "trial": True}
    key = own_site.manage("POST", json=wanted).json()["licenseKey"]
    verdict = laptop.start(key).check()
    assert verdict.org_name == "Jörg & Söhne"
    left = verdict.trial_ends_at - datetime.now(timezone.utc)
    assert timedelta(days=2) < left <= timedelta(days=4)
    assert verdict.valid_until == verdict.trial_ends_at
    assert laptop.start(key).check().trial_ends_at == verdict.trial_ends_at


# === WHAT THE SELLER DOES === #


def put(site, _license, key, **changes):
    assert site.manage("PUT", f"/{key}", json=changes).status_code == 200


def ended(days):
    """So many days ago, as the managed API wants it."""
    moment = datetime.now(timezone.utc) - timedelta(days=days)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def delete(site, _license, key):
    assert site.manage("DELETE", f"/{key}").status_code == 200


def rotate(site, _license, key):
    assert site.manage("POST", f"/{key}/rotate").status_code == 200


def replace(site, license_, _key):
    site.rpc("software.license", "action_replace_key", [license_])


def on_devices(action, site, license_, _key):
    """Press a button on all devices of a license, the archived ones too."""
    either = ["active", "in", [True, False]]
    devices = site.rpc.search(DEVICES, ["license_id", "=", license_], either)
    site.rpc(DEVICES, action, devices)


def give_the_seat_away(site, license_, key):
    assert site.manage("DELETE", f"/{key}/activations/laptop").status_code == 200
    assert site.let_in(license_, "tower")


def take_the_seat_back(site, _license, key):
    assert site.manage("DELETE", f"/{key}/activations/tower").status_code == 200


#: What is done, what the device is told, and how it is undone, if it can be.
SELLER = {
    "revokes it": (partial(put, status="revoked"), "license_revoked", None),
    "suspends it": (
        partial(put, status="suspended"),
        "license_suspended",
        partial(put, status="active"),
    ),
    "lets it end, grace and all": (
        partial(put, expiresAt=ended(4)),
        "license_expired",
        partial(put, expiresAt=None),
    ),
    "deletes it": (delete, "license_not_found", None),
    "replaces its key": (replace, "license_revoked", None),
    "replaces its key by the API": (rotate, "license_revoked", None),
    "blocks the device": (
        partial(on_devices, "action_block"),
        "device_blocked",
        partial(on_devices, "action_unblock"),
    ),
    "gives its seat to another": (
        give_the_seat_away,
        "activation_limit_reached",
        take_the_seat_back,
    ),
}


@pytest.mark.parametrize(("act", "code", "undo"), SELLER.values(), ids=SELLER)
def test_what_the_seller_does_takes_effect_when_the_device_asks(
    own_site, proxy, laptop, act, code, undo
):
    license_, key = own_site.license(own_site.policy(grace_days=3), max_activations=1)
    client = laptop.start(key)
    client.check()
    act(own_site, license_, key)
    assert told(client.check()) == BY_TOKEN, "it has not asked yet"
    laptop.clock.wrong_by = DAY
    assert told(client.check()) == BY_TOKEN, "it asks meanwhile"
    assert client.wait(60)
    assert told(client.check()) == (code, "server", 1)
    proxy.stop()
    restarted = laptop.start(key)
    assert told(restarted.check()) == told(restarted.sync()) == (code, "server", 1)
    proxy.start()
    assert told(restarted.sync()) == (code, "server", 1)
    if undo:
        undo(own_site, license_, key)
        assert told(restarted.sync()) == BY_SERVER
        assert told(laptop.start(key).check()) == BY_TOKEN


def test_a_replaced_key_works_on_the_same_seat_and_the_old_one_no_more(
    own_site, laptop
):
    license_, old = own_site.license(max_activations=1)
    laptop.start().activate(old)
    replace(own_site, license_, old)
    new = own_site.rpc.read("software.license", license_, "license_key")["license_key"]
    assert told(laptop.start().sync()) == ("license_revoked", "server", 1)
    assert told(laptop.start().activate(new)) == BY_SERVER
    assert told(laptop.start().check()) == BY_TOKEN
    assert own_site.rows(license_) == 1


def test_a_seat_that_the_seller_freed_is_given_up_all_the_same(own_site, laptop):
    license_, key = own_site.license()
    laptop.start(key).check()
    on_devices("action_free", own_site, license_, key)
    answer = laptop.start(key).deactivate()
    assert (answer.done, answer.code) == (True, "device_not_found")
    assert told(laptop.start(key).sync()) == ("deactivated", "server", 1)
    assert own_site.rows(license_) == 0


def test_a_suspension_that_is_over_is_noticed_within_the_hour(own_site, laptop):
    license_, key = own_site.license()
    put(own_site, license_, key, status="suspended")
    client = laptop.start(key)
    assert told(client.check()) == ("license_suspended", "server", 1)
    put(own_site, license_, key, status="active")
    laptop.clock.wrong_by = 3600
    client.check()
    assert client.wait(60) and told(client.check()) == BY_TOKEN


def test_within_the_grace_a_license_that_ended_is_valid_to_the_end_of_the_grace(
    own_site, proxy, laptop
):
    license_, key = own_site.license(own_site.policy(grace_days=3))
    put(own_site, license_, key, expiresAt=ended(1))
    verdict = laptop.start(key).check()
    assert told(verdict) == BY_SERVER
    assert verdict.expires_at < datetime.now(timezone.utc)
    assert verdict.valid_until - verdict.expires_at == timedelta(days=3)
    proxy.stop()
    laptop.clock.wrong_by = 2 * DAY
    assert told(laptop.start(key).check()) == ("token_expired", "token", 1)


# === FLOATING LICENSES === #


def pass_by(site, license_, minutes):
    """Let time pass by for the seats of a license."""
    site.place.postgres.sql(
        "UPDATE software_license_activation SET last_seen = last_seen"
        f" - interval '{minutes} minutes' WHERE license_id = {license_}",
        db=site.server.db,
    )


@pytest.fixture
def floating(own_site):
    return own_site.license(own_site.policy(lease_minutes=60), max_activations=1)


def test_the_token_of_a_floating_seat_ends_with_its_lease(
    own_site, proxy, laptop, tower, floating
):
    license_, key = floating
    verdict = laptop.start(key).check()
    (end,) = own_site.place.postgres.sql(
        "SELECT extract(epoch FROM date_trunc('second', last_seen))::bigint + 3600"
        f" FROM software_license_activation WHERE license_id = {license_}",
        db=own_site.server.db,
    )
    assert verdict.valid_until.timestamp() == int(end)
    pass_by(own_site, license_, 61)
    assert told(tower.start(key).check()) == BY_SERVER, "the seat is free"
    laptop.clock.wrong_by = 61 * 60
    full = ("activation_limit_reached", "server", 1)
    assert told(laptop.start(key).check()) == full
    tower.clock.wrong_by = 61 * 60
    proxy.stop()
    assert told(tower.start(key).check()) == ("token_expired", "token", 1)


def test_a_floating_seat_is_renewed_by_half_of_its_life(
    own_site, proxy, laptop, floating
):
    license_, key = floating
    client = laptop.start(key)
    client.check()
    pass_by(own_site, license_, 31)
    laptop.clock.wrong_by = 31 * 60
    assert told(client.check()) == BY_TOKEN
    assert client.wait(60) and len(validations(proxy)) == 2
    pass_by(own_site, license_, 31)  # it would be over now, were it not renewed
    assert not own_site.let_in(license_, "tower")


# === LICENSE FILES === #


def by_wizard(site, license_, _key, request):
    """The license file for a request, as a seller makes it."""
    wizard = site.rpc.create(
        "software.license.file", license_id=license_, kind="request", request=request
    )
    site.rpc("software.license.file", "action_make", [wizard])
    content = site.rpc.read("software.license.file", wizard, "content")["content"]
    return b64decode(content).decode()


def by_api(site, _license, key, request):
    """The same by the managed API, as a vendor's own portal asks for it."""
    asked = unwrap_request(request)
    wanted = {"deviceId": asked["deviceId"], "nonce": asked["nonce"]}
    answer = site.manage("GET", f"/{key}/file", params=wanted)
    assert answer.status_code == 200
    return answer.text


@pytest.mark.parametrize("make_file", [by_wizard, by_api])
def test_a_machine_without_network_runs_from_its_license_file(
    own_site, proxy, laptop, tower, make_file
):
    license_, key = own_site.license(own_site.policy(file_days=90))
    proxy.stop()
    text = make_file(own_site, license_, key, laptop.start(offline=True).request_file())
    assert own_site.rows(license_) == 1, "the file took a seat"
    assert told(laptop.start(offline=True).install_file(text)) == BY_FILE
    assert told(laptop.start(offline=True).check()) == BY_FILE
    assert told(tower.start(offline=True).install_file(text)) == (
        "wrong_device",
        "file",
        1,
    )
    laptop.clock.wrong_by = 90 * DAY - 60
    assert told(laptop.start(offline=True).check()) == BY_FILE
    laptop.clock.wrong_by = 90 * DAY
    expired = ("token_expired", "file", 1)
    assert told(laptop.start(offline=True).check()) == expired
    assert told(laptop.start(offline=True).install_file(text)) == expired


def test_a_file_for_any_device_runs_on_each(own_site, laptop, tower):
    license_, key = own_site.license()
    text = own_site.manage("GET", f"/{key}/file").text
    for machine in (laptop, tower):
        assert machine.start(offline=True).install_file(text)
        assert told(machine.start(offline=True).check()) == BY_FILE
    assert own_site.rows(license_) == 0


def test_a_revoked_license_gets_no_file_and_an_older_file_lifts_no_refusal(
    own_site, laptop
):
    license_, key = own_site.license()
    text = by_api(own_site, license_, key, laptop.start(key).request_file())
    assert laptop.start(key).install_file(text)
    put(own_site, license_, key, status="revoked")
    assert told(laptop.start(key).sync()) == ("license_revoked", "server", 1)
    assert told(laptop.start(key).install_file(text)) == ("license_revoked", "file", 1)
    assert told(laptop.start(key).check()) == ("license_revoked", "server", 1)
    assert own_site.manage("GET", f"/{key}/file").status_code == 409


# === THE COMMAND LINE === #


def test_scripts_learn_the_verdict_from_the_exit_code(own_site, proxy, laptop):
    license_, key = own_site.license()
    assert laptop.run("activate", key)[0] == 0
    proxy.stop()
    assert laptop.run("check")[0] == 0
    assert laptop.run("deactivate")[0] == 3
    proxy.start()
    put(own_site, license_, key, status="suspended")
    assert laptop.run("sync")[0] == 1
    put(own_site, license_, key, status="active")
    assert laptop.run("sync")[0] == 0
    assert laptop.run("deactivate")[0] == 0
    assert own_site.rows(license_) == 0
    assert laptop.run("check")[0] == 1
    assert laptop.run("check", "--license-key", key, "--require-tokens")[0] == 2


def test_scripts_learn_that_nobody_can_tell(own_site, proxy, laptop):
    _license, key = own_site.license()
    proxy.stop()
    code, printed = laptop.run("check", "--license-key", key, "--json")
    said = json.loads(printed)
    assert (code, said["code"], said["conclusive"]) == (3, "server_unreachable", False)


def test_the_verdict_as_json_tells_what_the_license_allows(own_site, laptop):
    policy = own_site.policy(plan="pro", features={"export": True})
    _license, key = own_site.license(policy)
    code, printed = laptop.run("activate", key, "--json")
    said = json.loads(printed)
    assert code == 0 and said["valid"] is True and said["source"] == "server"
    assert (said["plan"], said["features"]) == ("pro", {"export": True})
    assert said["expires_at"] > said["valid_until"] and key not in printed


def test_the_command_line_carries_a_license_to_a_machine_without_network(
    own_site, laptop
):
    license_, key = own_site.license()
    request, file = laptop.folder / "request.txt", laptop.folder / "acme.lic"
    assert laptop.run("request-file", "--offline", "-o", str(request))[0] == 0
    file.write_text(by_wizard(own_site, license_, key, request.read_text()))
    assert laptop.run("install-file", "--offline", str(file))[0] == 0
    code, printed = laptop.run("check", "--offline", "--json")
    assert (code, json.loads(printed)["source"]) == (0, "file")
