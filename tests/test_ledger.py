from datetime import date, datetime

from odoo.tests import BaseCase

from ..tools import period
from ..tools.ledger import Entry, balance, in_force, renewal_start


def entry(start, end, quantity=1, is_effective=True, **flags):
    """Return a billed entry; ``source`` makes it another."""
    source = flags.pop("source", "invoice")
    start, end = date.fromisoformat(start), end and date.fromisoformat(end)
    return Entry(
        start,
        end,
        period.end_moment(end),
        quantity,
        is_effective,
        is_billed=source == "invoice",
        is_manual=source == "manual",
        is_trial=source == "trial",
        is_advance=source in ("trial", "order"),
        **flags,
    )


JANUARY = entry("2026-01-01", "2026-01-31")
FEBRUARY = entry("2026-02-01", "2026-02-28")


class TestLedger(BaseCase):
    def balance(self, *entries, today="2026-01-15"):
        return balance(entries, date.fromisoformat(today))

    def test_the_end_is_that_of_the_latest_effective_term(self):
        self.assertEqual(
            self.balance(FEBRUARY, JANUARY).expires_at, datetime(2026, 3, 1)
        )
        unpaid = FEBRUARY._replace(is_effective=False)
        self.assertEqual(self.balance(JANUARY, unpaid).expires_at, datetime(2026, 2, 1))

    def test_a_term_without_end_never_ends(self):
        self.assertIsNone(self.balance(JANUARY, entry("2026-01-01", None)).expires_at)
        self.assertIsNone(self.balance(entry("2026-01-01", None), JANUARY).expires_at)

    def test_nothing_paid_of_what_was_billed_is_a_reversed_payment(self):
        unpaid = JANUARY._replace(is_effective=False)
        self.assertTrue(self.balance(unpaid).is_payment_reversed)
        self.assertEqual(self.balance(unpaid).expires_at, datetime(2026, 2, 1))
        self.assertFalse(self.balance(unpaid, FEBRUARY).is_payment_reversed)

    def test_a_license_never_billed_has_no_payment_to_reverse(self):
        given = entry("2026-01-01", "2026-01-31", source="manual")
        self.assertFalse(self.balance(given).is_payment_reversed)

    def test_a_date_set_by_hand_wins_until_a_later_paid_term(self):
        shortened = entry(
            "2026-01-05", "2026-01-10", source="manual", is_adjustment=True
        )
        self.assertEqual(
            self.balance(JANUARY, shortened).expires_at, datetime(2026, 1, 11)
        )
        self.assertEqual(
            self.balance(JANUARY, shortened, FEBRUARY).expires_at,
            datetime(2026, 3, 1),
        )

    def test_a_change_by_hand_of_what_was_paid_is_gone_with_the_payment(self):
        unpaid = JANUARY._replace(is_effective=False)
        extended = entry(
            "2026-01-05", "2026-12-31", source="manual", is_adjustment=True
        )
        self.assertTrue(self.balance(unpaid, extended).is_payment_reversed)

    def test_a_period_given_after_the_payment_was_reversed_counts(self):
        unpaid = JANUARY._replace(is_effective=False)
        goodwill = entry("2026-01-05", "2026-01-12", source="manual")
        result = self.balance(unpaid, goodwill)
        self.assertFalse(result.is_payment_reversed)
        self.assertEqual(result.expires_at, datetime(2026, 1, 13))

    def test_goodwill_ends_when_the_payment_is_made_again(self):
        goodwill = entry("2026-01-05", "2026-01-12", source="manual")
        result = self.balance(JANUARY, goodwill)
        self.assertEqual(result.expires_at, datetime(2026, 2, 1))
        forever = entry("2026-01-05", None, source="manual")
        self.assertEqual(
            self.balance(JANUARY, forever).expires_at, datetime(2026, 2, 1)
        )

    def test_goodwill_does_not_count_a_second_time(self):
        goodwill = entry("2026-01-05", "2026-12-31", source="manual")
        adjusted = entry(
            "2026-01-06", "2027-12-31", source="manual", is_adjustment=True
        )
        unpaid = JANUARY._replace(is_effective=False)
        for later in (adjusted, FEBRUARY._replace(is_effective=False)):
            with self.subTest(later):
                result = self.balance(unpaid, goodwill, later)
                self.assertTrue(result.is_payment_reversed)

    def test_a_date_set_by_hand_on_an_order_is_gone_with_order_and_payment(self):
        given = entry("2026-01-01", "2026-01-08", source="order")
        longer = entry("2026-01-05", "2026-12-31", source="manual", is_adjustment=True)
        unpaid = JANUARY._replace(is_effective=False)
        cancelled = given._replace(is_effective=False)
        for entries, is_reversed in (
            ((given, longer), False),
            ((cancelled, longer), True),
            ((given, longer, JANUARY), False),
            ((given, longer, unpaid), True),
        ):
            result = self.balance(*entries)
            with self.subTest(entries):
                self.assertEqual(result.is_payment_reversed, is_reversed)
                if not is_reversed:
                    self.assertEqual(result.expires_at, datetime(2027, 1, 1))

    def test_what_was_given_before_anything_was_billed_stays(self):
        given = entry("2026-01-01", "2026-12-31", source="manual")
        self.assertEqual(self.balance(given, JANUARY).expires_at, datetime(2027, 1, 1))
        unpaid = JANUARY._replace(is_effective=False)
        self.assertFalse(self.balance(given, unpaid).is_payment_reversed)

    def test_a_trial_is_one_until_something_is_paid(self):
        trial = entry("2026-01-01", "2026-01-14", source="trial")
        self.assertEqual(self.balance(trial).trial_ends_at, datetime(2026, 1, 15))
        self.assertIsNone(self.balance(trial, JANUARY).trial_ends_at)

    def test_what_was_given_ahead_is_over_when_the_payment_is_taken_back(self):
        unpaid = JANUARY._replace(is_effective=False)
        for source in ("trial", "order"):
            given = entry("2026-01-01", "2026-03-31", source=source)
            with self.subTest(source):
                self.assertFalse(self.balance(given).is_payment_reversed)
                self.assertTrue(self.balance(given, unpaid).is_payment_reversed)
                self.assertEqual(
                    self.balance(given, JANUARY).expires_at, datetime(2026, 4, 1)
                )

    def test_a_period_credited_is_gone_though_a_later_one_is_paid(self):
        gone = JANUARY._replace(is_effective=False, is_refunded=True)
        by_hand = entry("2026-01-05", "2026-01-20", source="manual")
        for entries, is_reversed in (
            ((gone, FEBRUARY), True),
            ((gone, JANUARY, FEBRUARY), False),
            ((JANUARY, FEBRUARY._replace(is_effective=False, is_refunded=True)), False),
            ((gone._replace(is_refunded=False), FEBRUARY), False),
            ((gone, FEBRUARY, by_hand._replace(is_adjustment=True)), False),
        ):
            with self.subTest(entries=entries):
                self.assertEqual(
                    self.balance(*entries).is_payment_reversed, is_reversed
                )

    def test_a_credited_period_ahead_is_a_moment_to_look_again(self):
        gone = FEBRUARY._replace(is_effective=False, is_refunded=True)
        march = entry("2026-03-01", "2026-03-31")
        for today, until in (
            ("2026-01-15", datetime(2026, 2, 1)),
            ("2026-02-15", datetime(2026, 3, 1)),
        ):
            self.assertEqual(
                self.balance(gone, march, today=today).quantity_until, until
            )

    def test_a_key_on_an_order_that_is_cancelled_counts_no_more(self):
        given = entry("2026-01-01", "2026-03-31", source="order", is_effective=False)
        self.assertTrue(self.balance(given).is_payment_reversed)

    def test_a_renewal_begins_when_what_is_paid_is_over(self):
        unpaid = FEBRUARY._replace(is_effective=False)
        trial = entry("2026-01-01", "2026-06-30", source="trial")
        by_hand = entry("2026-01-01", "2026-05-31", source="manual")
        for entries, day, start in (
            ([JANUARY], "2026-01-10", "2026-02-01"),
            ([JANUARY], "2026-02-01", "2026-02-01"),
            ([JANUARY], "2026-03-05", "2026-03-05"),
            ([JANUARY, FEBRUARY], "2026-01-10", "2026-03-01"),
            ([JANUARY, unpaid], "2026-01-10", "2026-02-01"),
            ([unpaid], "2026-01-10", "2026-01-10"),
            ([trial], "2026-01-10", "2026-01-10"),
            ([by_hand], "2026-01-10", "2026-06-01"),
            ([entry("2026-01-01", None)], "2026-01-10", "2026-01-10"),
            ([], "2026-01-10", "2026-01-10"),
            ([entry("2026-01-01", "9999-12-31")], "2026-01-10", "9999-12-31"),
        ):
            with self.subTest(entries=entries, day=day):
                self.assertEqual(
                    renewal_start(entries, date.fromisoformat(day)),
                    date.fromisoformat(start),
                )

    def test_an_upgrade_takes_the_place_of_what_was_bought_before(self):
        five = JANUARY._replace(quantity=5)
        upgrade = entry("2026-01-10", "2026-01-20", quantity=7, is_upgrade=True)
        beside = upgrade._replace(quantity=2)
        later = entry("2026-01-15", "2026-01-20", quantity=1, is_upgrade=True)
        unpaid = upgrade._replace(is_effective=False)
        for entries, today, quantity in (
            ((five, upgrade), "2026-01-09", 5),
            ((five, upgrade), "2026-01-10", 7),
            ((five, upgrade), "2026-01-21", 5),  # what was bought longer is not lost
            ((five, unpaid), "2026-01-10", 5),
            ((five, upgrade, beside), "2026-01-10", 9),
            ((five, upgrade, beside, later), "2026-01-15", 1),
            ((five, later, upgrade), "2026-01-15", 1),
            ((upgrade, five), "2026-01-10", 12),  # more of the same product
            ((upgrade, five._replace(product="pro")), "2026-01-10", 7),
        ):
            with self.subTest(entries=entries, today=today):
                self.assertEqual(self.balance(*entries, today=today).quantity, quantity)

    def test_the_quantity_is_what_was_bought_for_today(self):
        five, three = JANUARY._replace(quantity=5), FEBRUARY._replace(quantity=3)
        for today, quantity in (
            ("2026-01-01", 5),
            ("2026-01-31", 5),
            ("2026-02-01", 3),
            ("2026-03-09", 3),  # over: as it was last
            ("2025-12-31", 5),  # not begun: as it will be first
        ):
            with self.subTest(today=today):
                self.assertEqual(
                    self.balance(five, three, today=today).quantity, quantity
                )

    def test_what_is_bought_beside_adds_up(self):
        more = entry("2026-01-10", "2026-01-31", quantity=2)
        self.assertEqual(self.balance(JANUARY, more).quantity, 3)
        self.assertEqual(self.balance(JANUARY, more, today="2026-01-09").quantity, 1)

    def test_what_is_not_paid_adds_nothing(self):
        more = entry("2026-01-10", "2026-01-31", quantity=2, is_effective=False)
        self.assertEqual(self.balance(JANUARY, more).quantity, 1)

    def test_a_date_set_by_hand_again_gives_no_more_seats(self):
        given = entry("2026-01-01", None, quantity=4, source="manual")
        trial = entry("2026-01-01", "2026-01-20", quantity=2, source="trial")
        once_more = entry("2026-01-02", "2026-03-01", source="manual")
        for entries, quantity in (
            ((given, once_more), 1),
            ((once_more, given), 4),
            ((trial, once_more), 2),
            ((trial, once_more, once_more), 2),
        ):
            self.assertEqual(self.balance(*entries).quantity, quantity)

    def test_what_was_given_counts_only_where_nothing_was_bought(self):
        given = entry("2026-01-01", None, quantity=4, source="manual")
        self.assertEqual(self.balance(given).quantity, 4)
        self.assertEqual(self.balance(given, JANUARY).quantity, 1)

    def test_the_plan_in_force_is_that_of_the_period_that_began_last(self):
        beside = entry("2026-01-01", "2026-01-31", key="beside")
        upgrade = entry("2026-01-10", "2026-01-31", key="upgrade")
        unpaid = upgrade._replace(is_effective=False)
        january = JANUARY._replace(key="january")
        for entries, today, key in (
            ((january, beside), "2026-01-15", "january"),
            ((january, upgrade), "2026-01-09", "january"),
            ((january, upgrade), "2026-01-10", "upgrade"),
            ((january, unpaid), "2026-01-10", "january"),
            ((january, FEBRUARY), "2026-01-31", "january"),
            ((january,), "2026-07-01", "january"),
        ):
            with self.subTest(entries=entries, today=today):
                found = in_force(entries, date.fromisoformat(today))
                self.assertEqual(found.key, key)
        self.assertIsNone(in_force([], date(2026, 1, 1)))

    def test_the_quantity_holds_from_one_begin_or_end_of_a_period_to_the_next(self):
        january, february, march = (datetime(2026, month, 1) for month in (1, 2, 3))
        for today, begin, until in (
            ("2025-12-31", None, january),
            ("2026-01-01", january, february),
            ("2026-01-15", january, february),
            ("2026-02-28", february, march),
            ("2026-03-01", march, None),
        ):
            with self.subTest(today=today):
                balance = self.balance(JANUARY, FEBRUARY, today=today)
                self.assertEqual(balance.quantity_from, begin)
                self.assertEqual(balance.quantity_until, until)

    def test_a_period_ends_at_midnight_after_its_last_day(self):
        self.assertEqual(period.end_moment(date(2026, 1, 31)), datetime(2026, 2, 1))
        self.assertEqual(period.day_of_end(datetime(2026, 2, 1)), date(2026, 1, 31))
        self.assertEqual(period.day_of_end(datetime(2026, 2, 1, 9)), date(2026, 2, 1))
        self.assertIsNone(period.end_moment(None))

    def test_the_year_9999_is_no_error(self):
        self.assertEqual(
            period.end_moment(date.max), datetime(9999, 12, 31, 23, 59, 59)
        )
        far = period.duration(9000, "year")
        self.assertEqual(period.last_day(date(2026, 1, 1), far), date.max)

    def test_a_month_from_the_31st_ends_with_the_short_month(self):
        month = period.duration(1, "month")
        self.assertEqual(period.last_day(date(2026, 1, 31), month), date(2026, 2, 27))
        self.assertEqual(period.last_day(date(2024, 2, 29), month), date(2024, 3, 28))
        self.assertIsNone(
            period.last_day(date(2026, 1, 1), period.duration(1, "perpetual"))
        )
