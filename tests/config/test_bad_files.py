"""Each wrong file in bad/ gives the message beside it, and the message is a good one.

``bad/NAME.txt`` holds the message after the file's name.  Files in ``bad/after`` are
wrong only beside the task or rule they come with (``popnet.config.checking``).
"""

import re
from pathlib import Path

import pytest

from popnet.catalogue import load_sweep
from popnet.config import ConfigError

BAD = Path(__file__).parent / "bad"
FILES = sorted(BAD.glob("*.yaml"))
AFTER = sorted((BAD / "after").glob("*.yaml"))
NO_LINE = {"empty_file"}
ELSEWHERE = {
    "cases_not_the_same_paths": "delay_s",
    "epoch_not_whole_steps_default": "dt_s",
    "flipflop_unit_readout": "task",
    "zip_unequal": "delay_s",
}
"""The file gives only the other of two settings that clash: its line is shown."""


def message(path: Path) -> str:
    """What the user reads."""
    with pytest.raises(ConfigError) as caught:
        load_sweep(path)
    return str(caught.value)


@pytest.mark.parametrize("path", FILES + AFTER, ids=lambda p: p.stem)
def test_the_message_is_the_one_beside_the_file(path: Path) -> None:
    text = message(path)
    assert text.startswith(str(path))
    expected = path.with_suffix(".txt").read_text()
    assert text.removeprefix(str(path)) + "\n" == expected


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_it_names_the_line_where_the_fault_is(path: Path) -> None:
    text = message(path)
    lines = path.read_bytes().decode("latin-1").splitlines()
    found = re.match(r", line (\d+)", text.removeprefix(str(path)))
    if path.stem in NO_LINE:
        assert found is None
        return
    assert found is not None
    number = int(found[1])
    assert 1 <= number <= len(lines)
    key = re.match(r"[^:]*: ([a-z_0-9.]+): ", text.removeprefix(str(path)))
    if key:
        parts = [part for part in key[1].split(".") if not part.isdecimal()]
        parts = [ELSEWHERE[path.stem]] if path.stem in ELSEWHERE else parts
        assert any(part in lines[number - 1] for part in parts), lines[number - 1]


@pytest.mark.parametrize("path", FILES + AFTER, ids=lambda p: p.stem)
def test_it_is_one_short_line(path: Path) -> None:
    text = message(path)
    assert "\n" not in text
    assert len(text.removeprefix(str(path))) < 420
    assert text.endswith((".", "?"))


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("misspelt_top_key", "'train'"),
        ("misspelt_key", "'dt_s'"),
        ("misspelt_nested_key", "'spread'"),
        ("misspelt_rule_key", "'learning_rate'"),
        ("misspelt_law", "'uniform'"),
        ("unknown_task", "'dnms'"),
        ("unknown_perturbation", "'synaptic_jitter'"),
        ("unknown_metric", "'behaviour'"),
        ("wrong_unit_key", "'tau_s'"),
        ("grid_unknown_path", "'gain'"),
        ("grid_unknown_root", "'network'"),
        ("preset_unknown", "'paper'"),
        ("sample_law", "'log_uniform'"),
    ],
)
def test_it_offers_the_nearest_right_name(name: str, hint: str) -> None:
    asked = message(BAD / f"{name}.yaml").partition("Did you mean ")[2]
    assert hint in asked.partition("?")[0]


def test_a_missing_file_is_named_with_its_nearest_neighbour(tmp_path: Path) -> None:
    (tmp_path / "tau_spread.yaml").write_text("name: x\n")
    asked = tmp_path / "tau_spred.yaml"
    expected = f"{asked}: does not exist. Did you mean 'tau_spread.yaml'?"
    assert message(asked) == expected


def test_a_folder_is_not_a_sweep_file(tmp_path: Path) -> None:
    assert message(tmp_path) == f"{tmp_path}: is a folder, not a file."


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    asked = tmp_path / ("n" * 300)
    assert message(asked) == f"{asked}: cannot be read: File name too long."


def test_a_huge_file_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)  # sparse: takes no disk
    assert message(path) == f"{path}: larger than 1,000,000 bytes."


def test_a_number_too_long_to_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.yaml"
    path.write_text(f"name: x\nseed: {'9' * 5000}\n")
    assert message(path).startswith(f"{path}, line 2: '999")
    assert message(path).endswith("(5,002 characters) is not a number.")


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deep.yaml"
    for depth in (60, 5000):
        path.write_text("network: " + "{a: " * depth + "1" + "}" * depth)
        assert "nested too deeply" in message(path)


@pytest.mark.parametrize("byte", [0x00, 0x01, 0x7F])
def test_a_control_character_is_named_with_its_line(tmp_path: Path, byte: int) -> None:
    path = tmp_path / "control.yaml"
    path.write_bytes(b"name: x\nseed: 7" + bytes([byte]) + b"\n")
    assert message(path) == (
        f"{path}, line 2: not valid YAML: the control character {chr(byte)!r}; "
        "delete it."
    )
