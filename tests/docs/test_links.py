"""Links and anchors of README and docs lead somewhere, and every page is found from the index."""

import re
import subprocess

import pytest

from tests.conftest import ROOT
from tests.docs.pages import LANGUAGES, PROGRAMS, Page, anchor_of, pages

KNOWN = {page.name: page for page in pages()}


@pytest.mark.parametrize("page", KNOWN.values(), ids=KNOWN)
def test_every_link_leads_somewhere(page):
    for target in page.links():
        name, _, anchor = target.partition("#")
        path = (page.path.parent / name).resolve() if name else page.path
        found = path.relative_to(ROOT).as_posix()
        assert path.exists(), f"{page.name}: {target}"
        if anchor:
            assert anchor in KNOWN[found].anchors(), f"{page.name}: {target}"


def test_every_page_is_in_the_index():
    index = KNOWN["docs/README.md"]
    linked = {(index.path.parent / link.partition("#")[0]).resolve() for link in index.links()}
    assert {page.path for page in KNOWN.values()} - linked == {ROOT / "README.md", index.path}


@pytest.mark.parametrize("page", KNOWN.values(), ids=KNOWN)
def test_every_block_says_its_language_and_no_command_hides_in_another(page):
    assert {language for language, _ in page.blocks()} <= LANGUAGES
    hidden = re.compile(rf"^(?:\t| {{4,}})(?:\$ )?(?:{'|'.join(PROGRAMS)}) ", re.MULTILINE)
    others = [body for language, body in page.blocks() if language != "sh"]
    assert not hidden.findall(page.prose) and not any("$ unfont" in body for body in others)


def test_pages_that_the_code_names_are_there():
    """Of what git tracks besides the docs: comments, params and messages."""
    named = re.compile(r"\bdocs/[\w/-]+\.(?:md|png|svg)")
    files = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    for file in files:
        if file.endswith((".py", ".yaml", ".toml", ".jinja", ".md", "Makefile")) and (ROOT / file).is_file():
            for name in named.findall((ROOT / file).read_text(encoding="utf-8")):
                assert (ROOT / name).exists(), f"{file}: {name}"


def test_anchors_are_made_as_github_makes_them():
    assert anchor_of("Labels in paths: `--pattern`") == "labels-in-paths---pattern"
    assert anchor_of("metrics/evaluate.json") == "metricsevaluatejson"
    assert anchor_of("Is it worth it?") == "is-it-worth-it"


def test_a_page_gives_its_shell_lines():
    text = "a `unfont run`\n\n```sh\nA=1 unfont run  # now\n# no\ndvc repro\n```\n\n```text\nunfont no\n```\n"
    page = Page(ROOT / "docs" / "x.md", text)
    assert page.commands() == ["unfont run", "dvc repro"] and page.mentions() == ["unfont run"]
