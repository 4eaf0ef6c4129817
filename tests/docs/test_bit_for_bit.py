"""What is promised bit for bit is promised in the same words everywhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("popnet", "configs", "k8s")
PAGES = [
    ROOT / "README.md",
    *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.md")),
    *(page for folder in FOLDERS for page in (ROOT / folder).rglob("*.yaml")),
    *(ROOT / "cli").glob("*.py"),
]
WORDS = "bit for bit on CPUs of one instruction set"


@pytest.mark.parametrize("path", PAGES, ids=str)
def test_bit_for_bit_is_within_one_instruction_set(path):
    text = path.read_text()
    text = re.sub(r'"\s*\n\s*f?"', "", text)  # a message in two lines of code
    text = " ".join(text.split())
    claims = re.findall(r"[^.|]*(?:bit for bit|bitwise|same bits)[^.|]*", text)
    for claim in claims:
        assert WORDS in claim, claim
