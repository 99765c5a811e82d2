"""Asking the server about a license, and remembering what it said."""

import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .answers import No, Yes
from .believing import verify_with_server_keys
from .claims import parse_date
from .errors import LicenseClientError, TransportError
from .judge import Judge
from .license_key import mask, normalize
from .memory import (
    Pace,
    remember_grant,
    remember_refusal,
    remember_trouble,
    remember_unsigned_grant,
)
from .online import Deactivation, Server
from .state import Refusal, State
from .store import StateStore
from .token import check_time
from .verdict import DEACTIVATED, MESSAGES, VALID, Verdict, granted, refused

_logger = logging.getLogger(__name__)


def new_nonce() -> str:
    """Return a number used once: an answer that holds it is no older than it."""
    return secrets.token_urlsafe(24)


@dataclass
class Asker:
    """One question at a time is the caller's business.

    :param has_failed: whether the last question had no usable answer
    """

    judge: Judge
    server: Server
    store: StateStore
    pace: Pace
    require_token: bool
    clock: Callable[[], float]
    has_failed: bool = field(default=False, init=False)

    def ask(self, key: str, known_key: str | None) -> Verdict:
        """Ask about a key, remember the answer, and return the verdict.

        :param known_key: the key in use; a no about another one changes nothing
        """
        is_known = known_key is not None and normalize(known_key) == normalize(key)
        nonce = new_nonce()
        _logger.debug("asking the server about license %s", mask(key))
        try:
            meaning = self.server.validate(key, nonce)
            if isinstance(meaning, Yes):
                verdict = self._take_yes(meaning, key, nonce)
            else:
                verdict = self._take_no(meaning, key, is_known)
        except LicenseClientError as error:
            _logger.info("no answer about license %s: %s", mask(key), error.code)
            self.has_failed = True
            return self._take_trouble(error, key, is_known)
        self.has_failed = False
        return verdict

    def deactivate(self, key: str) -> Deactivation:
        """Give the seat up; remembered, so that nothing takes it again by itself."""
        try:
            answer = self.server.deactivate(key)
        except TransportError as error:
            return Deactivation(False, error.code, error.message, False)
        if answer.done:
            self._remember_refusal(DEACTIVATED, key)
        return answer

    def _take_yes(self, yes: Yes, key: str, nonce: str) -> Verdict:
        if yes.token is None:
            return self._take_unsigned(yes, key)
        token, local = yes.token, self.clock()
        state = self.store.load()
        claims = verify_with_server_keys(
            self.judge, state, token, self.judge.expected(key, nonce), self.server.keys
        )
        check_time(claims, claims.issued_at)  # the server's clock, whatever ours says
        keys = state.keys

        def change(state: State) -> None:
            state.keys = keys
            remember_grant(state, key, token, claims, local, self.pace)

        self.store.update(change)
        return granted(claims, "server", self.store.warnings)

    def _take_unsigned(self, yes: Yes, key: str) -> Verdict:
        """A server without a signing key: its yes is good now, not offline."""
        if self.require_token:
            raise TransportError("bad_answer", "The server's answer is not signed.")
        local = self.clock()
        state = self.store.update(
            lambda state: remember_unsigned_grant(state, key, local, self.pace)
        )
        stored = self.judge.rule(state, key, local, self.store.warnings).verdict
        return stored if stored.valid else _unsigned(yes.fields, self.store.warnings)

    def _take_no(self, no: No, key: str, is_known: bool) -> Verdict:
        if is_known:
            self._remember_refusal(no.code, key)
        return refused(no.code, "server", warnings=self.store.warnings)

    def _remember_refusal(self, code: str, key: str) -> None:
        local = self.clock()

        def change(state: State) -> None:
            moment = max(state.latest, local + state.offset)
            refusal = Refusal(code, self.judge.scope(key), moment)
            remember_refusal(state, refusal, local, self.pace)

        self.store.update(change)

    def _take_trouble(
        self, error: LicenseClientError, key: str, is_known: bool
    ) -> Verdict:
        if not is_known:
            return refused(error.code, "none", error.message, conclusive=False)
        local = self.clock()
        state = self.store.update(
            lambda state: remember_trouble(state, error, local, self.pace)
        )
        return self.judge.rule(
            state, key, local, warnings_of(state, self.store)
        ).verdict


def warnings_of(state: State, store: StateStore) -> tuple[str, ...]:
    """Return what a verdict should warn of: the state file, the last question."""
    trouble = (state.trouble,) if state.trouble else ()
    return (*store.warnings, *trouble)


def _unsigned(fields: Any, warnings: tuple[str, ...]) -> Verdict:
    features, ends = fields.get("features"), fields.get("expiresAt")
    verdict = Verdict(
        valid=True,
        code=VALID,
        message=MESSAGES[VALID],
        source="server",
        features=features if isinstance(features, dict) else {},
        warnings=(
            *warnings,
            "unsigned: the server signs nothing, this is for now only",
        ),
    )
    try:
        return replace(verdict, expires_at=parse_date(ends)) if ends else verdict
    except (ValueError, TypeError, AttributeError):
        return verdict
