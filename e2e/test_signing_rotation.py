"""A signing key is rotated while clients ask: all of them can verify their tokens."""

import threading
import time

import jwt
import requests


class Client:
    """Keeps the published keys; asks for tokens, and verifies them."""

    def __init__(self, site, key, number):
        self.site = site
        self.body = {"licenseKey": key, "deviceId": f"device-{number}"}
        self.keys = self._fetch()
        self.kids = []
        self.problems = []

    def _fetch(self):
        return {key["kid"]: key for key in self.site.jwks()}

    def run(self, is_over):
        while not is_over.is_set():
            answer = requests.post(
                self.site.url("validate"), json=self.body, timeout=30
            )
            try:
                self._verify(answer.json()["token"])
            except Exception as problem:  # whatever it is, the client can't run
                self.problems.append(repr(problem))

    def _verify(self, token):
        kid = jwt.get_unverified_header(token)["kid"]
        if kid not in self.keys:
            self.keys = self._fetch()
        key = self.keys[kid]
        jwt.decode(token, jwt.PyJWK(key).key, [key["alg"]], audience="acme-editor")
        self.kids.append(kid)


def test_a_rotation_under_load_gives_nobody_a_token_that_does_not_verify(site):
    _license, key = site.license(site.policy(max_activations=0))
    clients = [Client(site, key, number) for number in range(8)]
    is_over = threading.Event()
    threads = [threading.Thread(target=it.run, args=[is_over]) for it in clients]
    for thread in threads:
        thread.start()
    newest = []
    for algorithm in ("EdDSA", "RS256", "EdDSA"):
        time.sleep(1)
        newest.append(site.rotate(algorithm=algorithm))
    time.sleep(1)
    is_over.set()
    for thread in threads:
        thread.join()
    assert [problem for it in clients for problem in it.problems] == []
    seen = {kid for it in clients for kid in it.kids}
    assert set(newest) <= seen, "each new key signed something"
    assert all(it.kids[-1] == newest[-1] for it in clients)
    print(sum(len(it.kids) for it in clients), "tokens, all verified")
