"""Seats are exact however many devices ask at the same moment."""

from storm import burst, one_by_one, percentile


def devices(key, count, name="device"):
    return [{"licenseKey": key, "deviceId": f"{name}-{n}"} for n in range(count)]


def test_fifty_devices_on_a_limit_of_five_get_five_seats(site):
    policy = site.policy(max_activations=5)
    answers = []
    for _turn in range(10):
        license_, key = site.license(policy)
        storm = burst(site.url("validate"), devices(key, 50))
        assert {answer.status for answer in storm} == {200}
        assert sum(answer.body["valid"] for answer in storm) == 5
        refused = {a.body["error"] for a in storm if not a.body["valid"]}
        assert refused == {"activation_limit_reached"}
        assert site.rows(license_) == 5
        answers += storm


def test_fighting_for_seats_costs_no_retries(site):
    """A retry of Odoo's sleeps for seconds: it would stand out of any queue.

    Fifty calls at once queue for two cores whatever they do. So the calls that fight
    are measured against calls in the same crowd that have nothing to fight over.
    """
    policy = site.policy(max_activations=5)
    _license, known = site.license(max_activations=-1)
    burst(site.url("validate"), devices(known, 50))
    alone = one_by_one(site.url("validate"), devices(known, 60, "alone"))[10:]
    crowd, fight = [], []
    for _turn in range(10):
        crowd += burst(site.url("validate"), devices(known, 50))
        _license, key = site.license(policy)
        fight += burst(site.url("validate"), devices(key, 50))
    one, worst = percentile(crowd, 0.5), percentile(fight, 0.99)
    print(
        f"new device alone p50 {percentile(alone, 0.5) * 1e3:.1f} ms; "
        f"50 known at once p50 {one * 1e3:.1f} ms; 50 fighting for 5 seats "
        f"p50 {percentile(fight, 0.5) * 1e3:.1f} ms, p99 {worst * 1e3:.1f} ms"
    )
    assert worst <= 10 * one


def test_two_hundred_devices_on_an_unlimited_key_all_get_a_seat(site):
    license_, key = site.license(max_activations=-1)
    storm = burst(site.url("validate"), devices(key, 200))
    assert {answer.status for answer in storm} == {200}
    assert all(answer.body["valid"] for answer in storm)
    assert site.rows(license_) == 200
    counts = sorted(answer.body["currentActivations"] for answer in storm)
    assert counts == list(range(1, 201))


def test_one_device_fifty_times_at_once_is_one_seat(site):
    license_, key = site.license(max_activations=5)
    storm = burst(site.url("validate"), devices(key, 1) * 50)
    assert {answer.status for answer in storm} == {200}
    assert all(answer.body["valid"] for answer in storm)
    assert {answer.body["currentActivations"] for answer in storm} == {1}
    assert site.rows(license_) == 1


def test_freeing_and_taking_at_once_never_oversells(site):
    license_, key = site.license(max_activations=5)
    one_by_one(site.url("validate"), devices(key, 5))
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        freed = pool.submit(burst, site.url("deactivate"), devices(key, 5))
        taken = pool.submit(burst, site.url("validate"), devices(key, 40, "other"))
        freed, taken = freed.result(), taken.result()
    assert {answer.status for answer in freed + taken} == {200}
    assert all(answer.body["success"] for answer in freed)
    seated = sum(answer.body["valid"] for answer in taken)
    assert seated <= 5
    assert site.rows(license_) == seated


def test_backend_and_api_take_seats_under_the_same_lock(site):
    """Odoo's own transactions are of another isolation level than the API's."""
    from concurrent.futures import ThreadPoolExecutor

    license_, key = site.license(max_activations=5)
    with ThreadPoolExecutor(9) as pool:
        names = [f"backend-{number}" for number in range(8)]
        by_hand = [pool.submit(site.let_in, license_, name) for name in names]
        storm = burst(site.url("validate"), devices(key, 20))
        created = sum(one.result() for one in by_hand)
    assert {answer.status for answer in storm} == {200}
    assert created + sum(answer.body["valid"] for answer in storm) == 5
    assert site.rows(license_) == 5


def instances(key, count):
    return [
        {"licenseKey": key, "instanceUrl": f"https://{n}.example.com"}
        for n in range(count)
    ]


def test_one_instance_fifty_times_at_once_is_one_row(site):
    license_, key = site.license(max_activations=1)
    storm = burst(site.url("/api/v1/licensing/validate"), instances(key, 1) * 50)
    assert {answer.status for answer in storm} == {200}
    assert site.rows(license_) == 1


def test_instances_that_take_seats_are_exact(site):
    license_, key = site.license(
        site.policy(instances_take_seats=True), max_activations=5
    )
    storm = burst(site.url("/api/v1/licensing/validate"), instances(key, 50))
    statuses = [answer.status for answer in storm]
    assert (statuses.count(200), statuses.count(403)) == (5, 45)
    assert site.rows(license_) == 5


def test_made_up_instances_do_not_fill_the_table(site):
    license_, key = site.license(max_activations=1)
    for turn in range(3):
        storm = burst(
            site.url("/api/v1/licensing/validate"),
            [
                {"licenseKey": key, "instanceName": f"made up {turn} {n}"}
                for n in range(60)
            ],
        )
        assert {answer.status for answer in storm} == {200}
    assert site.rows(license_) == 100
