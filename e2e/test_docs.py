"""docs/http_api.md: every command is run as it is pasted, every answer is compared."""

import pytest
from conftest import one_kind
from documents import AT_HAND, Document, run_recipe

DOCUMENT = Document("http_api.md")
pytestmark = one_kind


@pytest.fixture(scope="module")
def first_block(site):
    """The document's settings, of this server."""
    policy = site.policy(plan="pro", features={"export": True})
    product = site.rpc.create(
        "product.product", name="Acme Editor Pro", license_policy_id=policy
    )
    customer = site.rpc.create("res.partner", name="Blue Heron Studio")
    return (
        f"BASE={site.server.url}\nAPI_KEY={site.api_key()}\n"
        f"CUSTOMER={customer}\nPRODUCT={product}\n"
    )


def test_every_command_answers_what_the_document_shows(first_block):
    DOCUMENT.check(first_block)


def test_the_examples_show_every_call_of_the_document(site):
    shown = "".join(text for text, _answers in DOCUMENT.commands)
    for call in ("verify", "validate", "deactivate", "rotate", "activations"):
        assert f"/{call}" in shown
    for method in ("-X PUT", "-X DELETE", "-X POST"):
        assert method in shown


@pytest.mark.parametrize("language", AT_HAND)
def test_the_recipe_tells_whether_the_key_is_good(site, tmp_path, language):
    license_, key = site.license()
    program = DOCUMENT.recipes[language].replace("RUSTBILL-7K3M-91QZ-V0XT", key)
    program = program.replace("http://localhost:8069", site.server.url)
    for state, words in (
        ("active", ["verify: true", "validate: true"]),
        ("revoked", ["verify: false", "validate: false license_revoked"]),
    ):
        site.rpc("software.license", "write", [license_], {"state": state})
        code, printed = run_recipe(language, program, tmp_path)
        assert code == 0
        assert [line.strip().lower() for line in printed.splitlines()] == words
