"""What the source itself may not do: run what it reads."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = [*sorted((ROOT / "popnet").rglob("*.py")), *sorted((ROOT / "cli").glob("*.py"))]
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__"}
FORBIDDEN_MODULES = {"pickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
KNOWN = {
    # compiled kernels are programs: read back from a folder of the user's own alone, in
    # which nobody else may write (tests/kernels/test_compiling)
    "popnet/kernels/compile_cache.py": ["pickle"],
    # travels in Ray's own messages, which are pickles behind its token; nothing that is
    # read from a disk is opened so
    "popnet/sweep/sealed.py": ["pickle"],
}
"""Where pickles are read, and why nobody else's can be."""
YAML = {"load", "load_all", "unsafe_load", "full_load", "unsafe_load_all"}


def called(node: ast.Call) -> str:
    """ "yaml.load" of yaml.load(...)."""
    return ast.unparse(node.func)


def faults(text: str) -> list[str]:
    """What in a file's text would let what is read be run."""
    found = []
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module = getattr(node, "module", None)
            names = [module or "", *(alias.name for alias in node.names)]
            found += [n for n in names if n.split(".")[0] in FORBIDDEN_MODULES]
        if not isinstance(node, ast.Call):
            continue
        name, given = called(node), {k.arg: k.value for k in node.keywords}
        true = {k for k, v in given.items() if isinstance(v, ast.Constant) and v.value}
        found += [name] * (name in FORBIDDEN_CALLS)
        found += [name] * (name in ("os.system", "os.popen", "pandas.eval"))
        found += [name] * (name.endswith((".query", ".eval")) and name != "model.eval")
        found += [name] * ("shell" in true)
        found += [name] * ("allow_pickle" in true)
        found += [name] * (name == "torch.load" and "weights_only" not in true)
        found += [name] * (name in {f"yaml.{f}" for f in YAML})
        found += [name] * (name == "np.load" and "allow_pickle" not in given)
        found += [name] * name.startswith(("ctypes.CDLL", "runpy."))
    return found


HARMFUL = [
    "eval(x)", "import pickle", "from pickle import loads", "os.system(x)",
    "subprocess.run(x, shell=True)", "torch.load(p)", "yaml.load(x, Loader=L)",
    "np.load(p)", "np.load(p, allow_pickle=True)", "frame.query(x)", "exec(x)",
    "torch.load(p, weights_only=False)", "import a, marshal", "frame.eval(x)",
]  # fmt: skip


@pytest.mark.parametrize("text", HARMFUL)
def test_the_search_finds_what_it_is_for(text: str) -> None:
    assert faults(text) != []


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_nothing_that_is_read_is_run(path: Path) -> None:
    known = KNOWN.get(str(path.relative_to(ROOT)), [])
    assert faults(path.read_text()) == known


def test_yaml_is_read_by_a_safe_loader_alone() -> None:
    import yaml

    from popnet.config import reading

    assert issubclass(reading._Loader, yaml.SafeLoader)
    others = [p for p in FILES if "yaml.compose" in p.read_text()]
    assert [p.name for p in others] == ["reading.py"]
