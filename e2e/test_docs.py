"""docs/http_api.md: every command is run as it is pasted, every answer is compared."""

import json
import re
import shutil
import subprocess
import sys

import pytest

from ground import paths

DOCUMENT = (paths.ROOT / "docs" / "http_api.md").read_text()
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: What is another one on every server; its type, and a moment's form, are compared.
VOLATILE = {"id", "customerId", "productId", "policyId", "billingUrl", "token"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)")
#: How a recipe's program is called, where the machine has one.
RUNTIMES = {
    "python": ("recipe.py", [sys.executable]),
    "javascript": ("recipe.js", ["node"]),
    "php": ("recipe.php", ["php"]),
    "go": ("recipe.go", ["go", "run"]),
}


def get_commands():
    """Return [(commands, [(language, answer)])] of the document."""
    found = []
    for language, text in BLOCK.findall(DOCUMENT.partition("## Recipes")[0]):
        if language == "sh":
            found.append((text, []))
        else:
            found[-1][1].append((language, text))
    return found


def run(blocks):
    """Paste blocks into one shell; return what each printed."""
    marked = [f"echo; echo @@{number}\n{text}" for number, text in enumerate(blocks)]
    done = subprocess.run(
        ["bash", "-e"],
        input="\n".join(marked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.split(r"\n@@\d+\n", done.stdout)[1:]


def assert_alike(found, shown, name=""):
    """The same fields, types and values, but for what differs between servers."""
    if isinstance(shown, dict):
        assert list(found) == list(shown), name
        for key, value in shown.items():
            assert_alike(found[key], value, key)
    elif isinstance(shown, list):
        assert len(found) == len(shown), name
        for one, other in zip(found, shown, strict=True):
            assert_alike(one, other, name)
    elif name in VOLATILE:
        assert type(found) is type(shown), name
    elif isinstance(shown, str) and MOMENT.fullmatch(shown) and name != "expiresAt":
        assert MOMENT.fullmatch(found)[1] == MOMENT.fullmatch(shown)[1], name
    else:
        assert found == shown, name


@pytest.fixture(scope="module")
def first_block(site):
    """The document's settings, of this server."""
    policy = site.policy(plan="pro", features={"export": True})
    product = site.rpc.create(
        "product.product", name="Acme Editor Pro", license_policy_id=policy
    )
    customer = site.rpc.create("res.partner", name="Blue Heron Studio")
    # The other server's run of the document is another day.
    forget = "DELETE FROM software_license_request"
    site.place.postgres.sql(forget, db=site.server.db)
    return (
        f"BASE={site.server.url}\nAPI_KEY={site.api_key()}\n"
        f"CUSTOMER={customer}\nPRODUCT={product}\n"
    )


def test_every_command_answers_what_the_document_shows(first_block):
    (settings, nothing), *commands = get_commands()
    assert "BASE=" in settings and not nothing
    printed = run([first_block, *(text for text, _answers in commands)])[1:]
    for (text, answers), output in zip(commands, printed, strict=True):
        assert answers, f"no answer is shown for: {text}"
        for language, answer in answers:
            if language == "json":
                assert_alike(json.loads(output), json.loads(answer), text)
            else:
                lines, shown = output.splitlines(), answer.splitlines()
                assert lines[: len(shown)] == shown
                output = "\n".join(lines[len(shown) :])


def test_the_examples_show_every_call_of_the_document(site):
    shown = "".join(text for text, _answers in get_commands())
    for call in ("verify", "validate", "deactivate", "rotate", "activations"):
        assert f"/{call}" in shown
    for method in ("-X PUT", "-X DELETE", "-X POST"):
        assert method in shown


@pytest.mark.parametrize(
    "language", [name for name, (_f, call) in RUNTIMES.items() if shutil.which(call[0])]
)
def test_the_recipe_tells_whether_the_key_is_good(site, tmp_path, language):
    recipes = dict(BLOCK.findall(DOCUMENT.partition("## Recipes")[2]))
    license_, key = site.license()
    name, call = RUNTIMES[language]
    program = recipes[language].replace("RUSTBILL-7K3M-91QZ-V0XT", key)
    program = program.replace("http://localhost:8069", site.server.url)
    (tmp_path / name).write_text(program)
    for state, words in (
        ("active", ["verify: true", "validate: true"]),
        ("revoked", ["verify: false", "validate: false license_revoked"]),
    ):
        site.rpc("software.license", "write", [license_], {"state": state})
        done = subprocess.run(
            [*call, tmp_path / name], capture_output=True, text=True, check=True
        )
        assert [line.strip().lower() for line in done.stdout.splitlines()] == words
