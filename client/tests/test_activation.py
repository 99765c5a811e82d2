"""Taking a seat, and giving it up."""

from authority import KEY, OTHER_KEY, decided_by


def test_a_key_that_was_activated_is_known_from_then_on(make, server):
    assert decided_by(make(None).activate(f" {KEY} ")) == "server"
    assert decided_by(make(None).check()) == "token"
    assert decided_by(make(None).sync()) == "server"


def test_a_key_that_is_refused_is_not_kept(make, server):
    server.refusal = (404, {"valid": False, "error": "license_not_found"})
    assert make(None).activate(KEY).code == "license_not_found"
    assert make(None).check().code == "no_license_key"


def test_a_wrong_new_key_leaves_the_old_one_working(make, server):
    client = make(None)
    client.activate(KEY)
    server.refusal = (404, {"valid": False, "error": "license_not_found"})
    assert client.activate(OTHER_KEY).code == "license_not_found"
    assert decided_by(client.check()) == "token"
    server.stop()
    verdict = client.activate(OTHER_KEY)
    assert (verdict.code, verdict.conclusive) == ("server_unreachable", False)
    assert decided_by(client.check()) == "token"
    server.start()


def test_a_good_new_key_takes_over(make, server):
    client = make()
    client.check()
    assert client.activate(OTHER_KEY).valid
    assert decided_by(client.check()) == "token"
    assert decided_by(make(None).check()) == "token"
    assert decided_by(make(OTHER_KEY).check()) == "token"


def test_activating_without_any_key_asks_nobody(make, server):
    assert make(None).activate().code == "no_license_key"
    assert make(None).deactivate().code == "no_license_key"
    assert server.asked == []


def test_a_device_that_was_given_up_takes_no_seat_by_itself(make, server):
    client = make()
    client.check()
    assert client.deactivate()
    path, body, _headers = server.asked[-1]
    assert path == "/api/licenses/deactivate"
    assert body == {"licenseKey": KEY, "deviceId": "device-1"}
    for again in (client, make()):
        assert again.check().code == "deactivated"
        assert again.sync().code == "deactivated"
    assert len(server.validations()) == 1
    assert make().activate().valid
    assert make().check().valid


def test_a_device_that_the_server_does_not_know_has_given_up_its_seat(make, server):
    client = make()
    client.check()
    server.deactivation = (404, {"error": "device_not_found", "message": "…"})
    assert client.deactivate().done
    assert client.check().code == "deactivated"


def test_a_seat_that_may_not_be_given_up_stays(make, server):
    client = make()
    client.check()
    server.deactivation = (403, {"error": "deactivation_not_allowed"})
    answer = client.deactivate()
    assert (answer.done, answer.code) == (False, "deactivation_not_allowed")
    assert answer.conclusive and client.check().valid


def test_no_answer_to_a_deactivation_changes_nothing(make, server):
    client = make()
    client.check()
    for wrong in ((500, {}), (200, {}), (404, {}), (200, {"success": "yes"})):
        server.deactivation = wrong
        answer = client.deactivate()
        assert not answer.done and not answer.conclusive
    server.stop()
    assert client.deactivate().code == "server_unreachable"
    assert client.check().valid
    server.start()
