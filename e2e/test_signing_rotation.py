"""A signing key is rotated while clients ask: all of them can verify their tokens."""

import threading
import time
from contextlib import contextmanager

import jwt
import requests


class Client:
    """Keeps the published keys; asks for tokens, and verifies them."""

    def __init__(self, site, key, number):
        self.site = site
        self.body = {"licenseKey": key, "deviceId": f"device-{number}"}
        self.keys = self._fetch()
        #: When each token was asked for, and which key signed it.
        self.signed = []
        self.problems = []

    def _fetch(self):
        return {key["kid"]: key for key in self.site.jwks()}

    def run(self, is_over):
        while not is_over.is_set():
            begin = time.monotonic()
            answer = requests.post(
                self.site.url("validate"), json=self.body, timeout=30
            )
            try:
                self.signed.append((begin, self._verify(answer.json()["token"])))
            except Exception as problem:  # whatever it is, the client can't run
                self.problems.append(repr(problem))

    def _verify(self, token):
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.keys:
            self.keys = self._fetch()
        key = self.keys[kid]
        jwt.decode(token, jwt.PyJWK(key).key, [key["alg"]], audience="acme-editor")
        return kid


@contextmanager
def asking(site):
    """Let eight clients ask, each as fast as it can; yield them."""
    _license, key = site.license(site.policy(max_activations=0))
    clients = [Client(site, key, number) for number in range(8)]
    is_over = threading.Event()
    threads = [threading.Thread(target=it.run, args=[is_over]) for it in clients]
    for thread in threads:
        thread.start()
    try:
        yield clients
    finally:
        is_over.set()
        for thread in threads:
            thread.join()


def test_a_rotation_under_load_gives_nobody_a_token_that_does_not_verify(site):
    newest = []
    with asking(site) as clients:
        for algorithm in ("EdDSA", "RS256", "EdDSA"):
            time.sleep(1)
            newest.append(site.rotate(algorithm=algorithm))
        time.sleep(1)
    assert [problem for it in clients for problem in it.problems] == []
    signed = [kid for it in clients for _begin, kid in it.signed]
    assert set(newest) <= set(signed), "each new key signed something"
    assert all(it.signed[-1][1] == newest[-1] for it in clients)
    print(len(signed), "tokens, all verified")


def test_a_withdrawn_key_signs_nothing_more_in_any_thread_or_process(site):
    keys = "software.license.signing.key"
    withdrawn = {}
    with asking(site) as clients:
        for _turn in range(20):
            kid = site.jwks()[0]["kid"]
            site.rpc(keys, "action_withdraw", site.rpc.search(keys, ["kid", "=", kid]))
            withdrawn[kid] = time.monotonic()
            time.sleep(0.1)
    late = [
        begin - withdrawn[kid]
        for it in clients
        for begin, kid in it.signed
        if begin > withdrawn.get(kid, begin)
    ]
    assert late == []
    assert len({kid for it in clients for _begin, kid in it.signed}) > 13
