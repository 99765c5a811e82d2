"""What mail programs can show, after caniemail.com: the rendered e-mails keep to it."""

import re

from lxml import html

from odoo import Command
from odoo.tests import tagged
from odoo.tools.mail import html2plaintext

from .test_messages import MessagesCommon

#: Gmail cuts off the rest of what is longer than 102 kB.
MAX_BYTES = 100_000
TAGS = set("html head meta body table tbody tr td p div span b a br img".split())
ATTRIBUTES = {
    *("align", "alt", "border", "cellpadding", "cellspacing", "charset", "colspan"),
    *("content", "height", "href", "http-equiv", "lang", "name", "role", "src"),
    *("style", "valign", "width"),
}
#: Shown alike by Gmail, Outlook, Apple Mail and Yahoo, or harmless where it is not.
PROPERTIES = {
    *("background-color", "border", "border-bottom", "border-collapse"),
    *("border-radius", "border-top", "color", "display", "font-family", "font-size"),
    *("font-weight", "height", "line-height", "margin", "max-width", "padding"),
    *("text-decoration", "user-select", "width", "word-break"),
}
WIDTH = re.compile(r"(?<!max-)(?:width|min-width): *(\d+)px")


@tagged("post_install", "-at_install")
class TestEmailHtml(MessagesCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.policy.features = {"export": True, "max_users": 50}
        cls.servers = cls._create_policy(
            application="acme-server",
            key_format="hex64",
            quantity_rule="licenses",
            features={f"feature_number_{number}": True for number in range(40)},
        )
        cls.server = cls._create_licensed_product(cls.servers, name="Server")

    def _get_mails(self):
        """Return one e-mail of each kind."""
        invoice = self._sell_with_days_left(5)
        mails = self._tell().mail_id
        self._unpay(invoice)
        mails |= self._tell(minutes=70).mail_id
        self._pay(invoice)
        return mails | self._tell(days=6).mail_id

    def test_every_mail_holds_only_what_mail_programs_know(self):
        mails = self._get_mails()
        self.assertGreaterEqual(len(mails), 4)
        for mail in mails:
            for element in html.document_fromstring(mail.body_html).iter("*"):
                with self.subTest(mail.subject, element=element.tag):
                    self.assertIn(element.tag, TAGS)
                    self.assertLessEqual(set(element.keys()), ATTRIBUTES)
                    self.assertLessEqual(_get_properties(element), PROPERTIES)

    def test_every_mail_fits_a_phone_and_a_pane_of_600_pixels(self):
        for mail in self._get_mails():
            body = mail.body_html
            self.assertLessEqual(max(map(int, WIDTH.findall(body)), default=0), 600)
            for element in html.document_fromstring(body).iter("table", "td"):
                width = element.get("width", "0")
                self.assertTrue(width.endswith("%") or int(width) <= 600, width)
                if width.isdigit() and int(width) > 300:
                    self.assertIn("width: 100%", element.get("style"))

    def test_every_text_has_a_background_of_its_own_for_dark_mode(self):
        for mail in self._get_mails():
            for element in html.document_fromstring(mail.body_html).iter("*"):
                if "color" in _get_properties(element):
                    with self.subTest(mail.subject, style=element.get("style")):
                        self.assertTrue(_has_background(element))

    def test_every_mail_is_read_without_images(self):
        for mail in self._get_mails():
            document = html.document_fromstring(mail.body_html)
            for image in document.iter("img"):
                self.assertTrue(image.get("alt"))
            self.assertIn(self.env.company.name, document.text_content())

    def test_the_key_is_selected_whole_and_in_monospace(self):
        invoice = self._sell(date="2099-01-01")
        key = invoice.license_ids.license_key
        document = html.document_fromstring(self._tell().mail_id.body_html)
        (element,) = document.xpath(f"//div[text()='{key}']")
        self.assertIn("user-select: all", element.get("style"))
        self.assertIn("monospace", element.getparent().get("style"))

    def test_the_plain_text_says_the_key_and_where_the_invoice_is(self):
        invoice = self._sell(date="2099-01-01")
        text = html2plaintext(self._tell().mail_id.body_html)
        self.assertIn(invoice.license_ids.license_key, text.split())
        self.assertIn(f"/my/invoices/{invoice.id}?access_token=", text)
        self.assertNotIn("{", text)

    def _sell_servers(self, quantity, *products):
        """Return the message about an invoice of many servers."""
        invoice = self._create_license_invoice(self.server, quantity, "2099-01-01")
        invoice.invoice_line_ids = [
            Command.create({"product_id": product.id, "tax_ids": False})
            for product in products
        ]
        invoice.action_post()
        self._pay(invoice)
        message = self._tell().sudo()
        self.assertTold(message, "issued")
        return message

    def test_keys_of_the_same_are_listed_together(self):
        message = self._sell_servers(3)
        body = message.mail_id.body_html
        self.assertEqual(body.count("Feature number 7"), 1)
        for license_ in message.license_ids:
            self.assertEqual(body.count(license_.license_key), 1)
        self.assertFalse(message.mail_id.attachment_ids)

    def test_of_two_hundred_keys_some_are_in_a_file_and_gmail_shows_all_of_the_mail(
        self,
    ):
        message = self._sell_servers(200)
        body = message.mail_id.body_html
        self.assertLess(len(body.encode()), MAX_BYTES)
        shown = [it for it in message.license_ids if it.license_key in body]
        self.assertEqual(len(shown), 150)
        self.assertIn("There are 50 more.", " ".join(body.split()))
        (attachment,) = message.mail_id.attachment_ids
        self.assertEqual(attachment.name, "License keys.csv")
        rows = attachment.raw.decode("utf-8-sig").splitlines()
        self.assertEqual(rows[0], "Product,License Key,Valid until")
        keys = message.license_ids.mapped("license_key")
        told = {f"Server,{key},2099-12-31" for key in keys}
        self.assertEqual(set(rows[1:]), told)

    def test_the_longest_mail_is_short_enough(self):
        """As many products, features and keys as there may be, new and renewed."""
        servers = [self._create_licenses(self.servers, 150) for _part in range(2)]
        others = [
            self._create_licenses(self.servers.copy({"name": f"Server {number}"}))
            for number in range(30)
        ]
        message = self._send(
            license_ids=(servers[0] + servers[1]).union(*others).ids,
            renewed_license_ids=servers[1].union(*others[15:]).ids,
        )
        body = message.mail_id.body_html
        self.assertEqual(body.count("Feature number 7<"), 20)
        size = len(body.encode())
        self.assertLess(size, MAX_BYTES)
        self.assertGreater(size, MAX_BYTES / 2)  # or this is not the longest
        self.assertIn(" and 28 more", message.mail_id.subject)

    def _create_licenses(self, policy, count=1):
        vals = {"policy_id": policy.id, "partner_id": self.customer.id}
        return self.env["software.license"].create([vals] * count)

    def _send(self, **vals):
        """Send the keys of licenses to the customer; return the message."""
        messages = self.env["software.license.message"].sudo()
        ids = {"company_id": self.env.company.id, "partner_id": self.customer.id}
        return messages._send([{"kind": "issued", **ids, **vals}])

    def test_no_cell_of_the_file_is_a_formula(self):
        self.servers.name = "=HYPERLINK(1)"
        file = self._create_licenses(self.servers)._get_keys_file()
        row = file.decode("utf-8-sig").splitlines()[1]
        self.assertTrue(row.startswith("'=HYPERLINK(1),"), row)

    def test_the_file_of_keys_goes_with_the_mail(self):
        message = self._sell_servers(151)
        attachment = message.mail_id.attachment_ids
        message.mail_id.unlink()
        self.assertFalse(attachment.exists())


def _get_properties(element):
    """Return the names of an element's inline styles."""
    style = element.get("style") or ""
    return {part.partition(":")[0].strip() for part in style.split(";") if part.strip()}


def _has_background(element):
    """Is the background known, in front of which this text is?"""
    return any(
        "background-color" in _get_properties(it)
        for it in (element, *element.iterancestors())
    )
