"""Kernels are compiled once, kept, shared; nothing about the folder does any harm."""

import importlib
import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from helpers.pace import PATIENCE_S
from numba.core import config

from popnet.kernels import compile_cache, first_use
from popnet.kernels.compiling import compiled, summing
from popnet.kernels.first_use import NotCompiled, compiling

SOURCE = """
import numpy as np
from popnet.kernels.compiling import compiled

BIG = np.ones(200_000)
def dot(a, b):
    total = a[0] * 0
    for i in range(a.shape[0]): total += a[i] * b[i]
    return total + 0
def big(i):
    return BIG[i]
def scaled(factor, turned):
    def scale(x): return factor * x
    if turned:
        def scale(x): return -factor * x
    return scale
"""
ONES = np.ones(5)


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder of our own for caches, and for the sources that decide its name."""
    monkeypatch.setattr(
        compile_cache, "__file__", str(tmp_path / "kernels" / "kept.py")
    )
    monkeypatch.setattr(config, "CACHE_DIR", "")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    compile_cache.where.cache_clear()
    yield tmp_path / "cache"
    compile_cache.where.cache_clear()


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A module of functions to compile; called with an edited text, read anew."""
    path = tmp_path / "modules" / "popnet_test_kernels.py"
    path.parent.mkdir()
    monkeypatch.syspath_prepend(path.parent)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def read(text=SOURCE):
        path.write_text(text)
        sys.modules.pop(path.stem, None)
        return importlib.import_module(path.stem)

    yield read
    sys.modules.pop(path.stem, None)


def where():
    """Decided anew, as by another process."""
    compile_cache.where.cache_clear()
    return compile_cache.where()


def files():
    return [p for p in compile_cache.where().folder.iterdir() if p.name != "lock"]


def first_call(kernel, *args):
    """The result, and whether the kernel was loaded."""
    result = kernel(*args)
    loaded, made = (sum(n.values()) for n in kernel.stats[1:])
    assert loaded + made == 1
    return result, bool(loaded)


# --- kept ----------------------------------------------------------------------------


@pytest.mark.usefixtures("home")
def test_a_kernel_is_compiled_once_and_then_loaded(source):
    module = source()
    assert first_call(compiled(module.dot), ONES, ONES) == (5, False)
    assert first_call(compiled(module.dot), ONES, ONES) == (5, True)
    (path,) = files()
    assert path.name.startswith("dot-") and path.stat().st_mode & 0o077 == 0
    single = ONES.astype(np.float32)
    assert first_call(compiled(module.dot), single, single) == (5, False)
    assert first_call(summing(module.dot), ONES, ONES) == (5, False)
    assert len(files()) == 3
    assert first_call(compiled(module.dot), ONES, ONES) == (5, True)


@pytest.mark.usefixtures("home")
def test_an_edited_source_is_compiled_anew(source):
    first_call(compiled(source().dot), ONES, ONES)
    edited = source(SOURCE.replace("total + 0", "total + 1"))
    assert first_call(compiled(edited.dot), ONES, ONES) == (6, False)
    assert first_call(compiled(source().dot), ONES, ONES) == (5, True)


@pytest.mark.usefixtures("home")
def test_addresses_of_this_process_are_not_kept(source):
    assert first_call(compiled(source().big), 3) == (1, False)
    assert files() == []


DAMAGES = {
    "empty": lambda data: data[:0],
    "truncated": lambda data: data[:200],
    "garbage": lambda data: bytes(range(256)) + data[256:],
    "one bit": lambda data: data[:3000] + bytes([data[3000] ^ 4]) + data[3001:],
    "zeros": lambda data: data[:2000] + bytes(len(data) - 2000),
    "something else": lambda data: compile_cache.sha256(data[:9]).digest() + data[:9],
}


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_as_good_as_none(source, damage):
    module = source()
    first_call(compiled(module.dot), ONES, ONES)
    (path,) = files()
    path.write_bytes(DAMAGES[damage](path.read_bytes()))
    for again in (False, True):
        assert first_call(compiled(module.dot), ONES, ONES) == (5, again)


@pytest.mark.usefixtures("home")
def test_a_full_disk_or_a_folder_gone_only_costs_time(source, monkeypatch):
    module = source()

    def full(*_):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(compile_cache.os, "replace", full)
        assert first_call(compiled(module.dot), ONES, ONES) == (5, False)
    assert files() == []
    kernel, folder = compiled(module.dot), compile_cache.where().folder
    compile_cache.shutil.rmtree(folder)
    assert first_call(kernel, ONES, ONES) == (5, False)
    assert not folder.exists()


# --- where ---------------------------------------------------------------------------


def test_the_usual_place_is_the_users_folder_for_caches(home, monkeypatch, tmp_path):
    folder, refused = where()
    assert folder.parent == home / "popnet" and folder.name.startswith("kernels-")
    assert refused == [] and folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    assert where().folder == tmp_path / "me/.cache/popnet" / folder.name
    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "chosen"))
    assert where().folder == tmp_path / "chosen/popnet" / folder.name
    assert str(tmp_path / "chosen") == config.CACHE_DIR, "left to the user"


@pytest.mark.usefixtures("home")
def test_any_change_of_any_kernel_is_another_folder(source, tmp_path, monkeypatch):
    """A file's own text does not say what the functions it calls have become."""
    (tmp_path / "kernels").mkdir()
    for name in ("kept.py", "tiles.py"):
        (tmp_path / "kernels" / name).write_text("A = 1\n")
    module, names = source(), [where().folder.name, where().folder.name]
    (tmp_path / "kernels" / "tiles.py").write_text("A = 2\n")
    for _ in range(2):  # what this process has read is gone from the disk
        assert first_call(compiled(module.dot), ONES, ONES) == (5, False)
    assert files() == []
    names.append(where().folder.name)
    for tool in (compile_cache.numba, compile_cache.llvmlite):
        monkeypatch.setattr(tool, "__version__", "0")
        names.append(where().folder.name)
    assert names[0] == names[1] and len(set(names)) == 4


@pytest.mark.usefixtures("home")
def test_what_others_may_write_is_not_trusted(monkeypatch, tmp_path):
    usual = where().folder
    spare = tmp_path / "temporary" / f"popnet-{os.getuid()}" / usual.name
    for part, mode in [(usual, 0o770), (usual.parent, 0o777), (usual, 0o702)]:
        part.chmod(mode)
        folder, (why,) = where()
        assert folder == spare and str(part) in why and "others" in why
        part.chmod(0o700)
    assert where().folder == usual
    monkeypatch.setattr(os, "getuid", lambda: 12345)
    assert where().folder is None and len(where().refused) == 2


def test_versions_of_long_ago_go_when_a_new_one_comes(home):
    home.mkdir()
    (home / "popnet").mkdir(mode=0o700)
    for age in range(12):
        old = home / "popnet" / f"kernels-{age}"
        old.mkdir()
        (old / "kernel").write_text("x")
        os.utime(old, (1e9 - age, 1e9 - age))
    left = {where().folder.name, *(f"kernels-{age}" for age in range(8))}
    assert {path.name for path in (home / "popnet").iterdir()} == left


def test_where_nothing_can_be_written_kernels_are_compiled_in_memory(
    source, home, monkeypatch
):
    """Below a file nobody can make a folder, not even root."""
    module = source()
    home.write_text("a file")
    folder, (why,) = where()
    assert folder.parent == home.parent / "temporary" / f"popnet-{os.getuid()}"
    assert str(home) in why
    assert first_call(compiled(module.dot), ONES, ONES) == (5, False)
    assert first_call(compiled(module.dot), ONES, ONES) == (5, True)
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    assert where().folder is None
    for _ in range(2):
        assert first_call(compiled(module.dot), ONES, ONES) == (5, False)


# --- other processes -----------------------------------------------------------------

PROCESS = """
import os, sys, time
here, number, kept_file = sys.argv[1:]
sys.path.insert(0, here)
from popnet.kernels import compile_cache
compile_cache.__file__, replace = kept_file, os.replace
# slowly, so that all meet
compile_cache.os.replace = lambda *paths: (time.sleep(1), replace(*paths))
from popnet_test_kernels import compiled, dot, np
kernel, a = compiled(dot), np.ones(5)
open(f"{here}/ready-{number}", "w").close()
while sum(name.startswith("ready-") for name in os.listdir(here)) < 3:
    time.sleep(0.01)
print(kernel(a, a), sum(kernel.stats.cache_misses.values()))
"""


@pytest.mark.slow
@pytest.mark.usefixtures("home")
def test_of_actors_that_start_at_once_one_per_kind_of_cpu_compiles(source):
    module = source()
    generic = {"NUMBA_CPU_NAME": "generic", "NUMBA_CPU_FEATURES": ""}
    call = [sys.executable, "-c", PROCESS, Path(module.__file__).parent]
    actors = [
        subprocess.Popen(
            [*call, str(number), compile_cache.__file__], env={**os.environ, **cpu},
            text=True, stdout=subprocess.PIPE,
        )
        for number, cpu in enumerate([generic, {}, {}])
    ]  # fmt: skip
    said = [actor.communicate(timeout=PATIENCE_S)[0].split() for actor in actors]
    assert [float(result) for result, _ in said] == [5, 5, 5]
    other, *here = [int(made) for _, made in said]
    assert other == 1 and sorted(here) == [0, 1] and len(files()) == 2
    assert first_call(compiled(module.dot), ONES, ONES) == (5, True)


# --- told ----------------------------------------------------------------------------


@pytest.mark.usefixtures("home")
def test_a_kernel_that_is_not_there_is_told_before_it_is_compiled(source):
    dot = source().dot
    with compiling(allowed=False):
        with pytest.raises(NotCompiled):
            compiled(dot)(ONES, ONES)
        assert files() == []
        with compiling(allowed=True):
            assert compiled(dot)(ONES, ONES) == 5
        assert first_call(compiled(dot), ONES, ONES) == (5, True)
        files()[0].write_bytes(b"damaged")
        with pytest.raises(NotCompiled):
            compiled(dot)(ONES, ONES)


@pytest.mark.usefixtures("home")
def test_it_is_logged_once_and_only_if_something_is_compiled(source, caplog):
    module, said = source(), "compiling kernels for this CPU, once"
    first_use._log.cache_clear()
    with caplog.at_level(logging.WARNING, "popnet"):
        for factor, turned in [(2, False), (3, False), (3, True)]:  # of one name
            made = compiled(module.scaled(factor, turned))
            assert made(7) == 7 * factor * (-1) ** turned
        assert [record.getMessage() for record in caplog.records] == [said]
        first_use._log.cache_clear()
        assert compiled(module.scaled(2, False))(7) == 14
    assert len(caplog.records) == 1 and len(files()) == 3
