"""Documents whose commands and recipes are run as they are pasted."""

import json
import re
import shutil
import subprocess
import sys

from ground import paths

BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
#: What is another one on every server; its type, and a moment's form, are compared.
VOLATILE = {"id", "customerId", "productId", "policyId", "billingUrl", "token"}
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+00:00)")
#: How a recipe's program is called.
RUNTIMES = {
    "python": ("recipe.py", [sys.executable]),
    "javascript": ("recipe.js", ["node"]),
    "php": ("recipe.php", ["php"]),
    "go": ("recipe.go", ["go", "run"]),
}
#: Those that this machine has.
AT_HAND = [name for name, (_file, call) in RUNTIMES.items() if shutil.which(call[0])]


class Document:
    """A document of docs/: commands with their answers, then recipes.

    ``volatile``: fields of its answers that are others on every server.
    """

    def __init__(self, name, volatile=VOLATILE):
        self.volatile = volatile
        text = (paths.ROOT / "docs" / name).read_text()
        commands, _heading, recipes = text.partition("## Recipes")
        self.recipes = dict(BLOCK.findall(recipes))
        #: [(commands, [(language, answer)])]; "ini" is neither.
        self.commands = []
        for language, block in BLOCK.findall(commands):
            if language == "sh":
                self.commands.append((block, []))
            elif language in ("json", ""):
                self.commands[-1][1].append((language, block))

    def check(self, settings, folder=None):
        """Run all commands after these settings; compare what they print."""
        (first, nothing), *commands = self.commands
        assert "BASE=" in first and not nothing
        blocks = [settings, *(text for text, _answers in commands)]
        for (text, answers), output in zip(
            commands, paste(blocks, folder)[1:], strict=True
        ):
            assert answers, f"no answer is shown for: {text}"
            for language, answer in answers:
                output = self._compare(output, answer, language, text)
            assert not output.strip(), f"more than is shown: {output}"

    def _compare(self, output, shown, language, text):
        """Compare the begin of an output with an answer; return the rest of it.

        In what is no JSON, "…" stands for whatever there is.
        """
        output = output.lstrip()
        if language == "json":
            found, end = json.JSONDecoder().raw_decode(output)
            assert_alike(found, json.loads(shown), self.volatile, text)
            return output[end:]
        pattern = ".*".join(map(re.escape, shown.strip().split("…")))
        found = re.match(rf"{pattern}\n", output, re.DOTALL)
        assert found, f"{output}\ninstead of\n{shown}"
        return output[found.end() :]


def paste(blocks, folder=None):
    """Paste blocks into one shell; return what each printed."""
    marked = [f"echo; echo @@{number}\n{text}" for number, text in enumerate(blocks)]
    done = subprocess.run(
        ["bash", "-e"],
        input="\n".join(marked),
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return re.split(r"\n@@\d+\n", done.stdout)[1:]


def run_recipe(language, program, folder, *arguments):
    """Run a recipe's program in a folder; return (exit code, what it printed)."""
    name, call = RUNTIMES[language]
    (folder / name).write_text(program)
    done = subprocess.run(
        [*call, name, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    return done.returncode, done.stdout


def assert_alike(found, shown, volatile=VOLATILE, name=""):
    """The same fields, types and values, but for what differs between servers."""
    if isinstance(shown, dict):
        assert list(found) == list(shown), name
        for key, value in shown.items():
            assert_alike(found[key], value, volatile, key)
    elif isinstance(shown, list):
        assert len(found) == len(shown), name
        for one, other in zip(found, shown, strict=True):
            assert_alike(one, other, volatile, name)
    elif name in volatile:
        assert type(found) is type(shown), name
    elif isinstance(shown, str) and MOMENT.fullmatch(shown) and name != "expiresAt":
        assert MOMENT.fullmatch(found)[1] == MOMENT.fullmatch(shown)[1], name
    else:
        assert found == shown, name
