"""The layers of the tree: core knows nobody, components know core, the command line knows all."""

import ast
import importlib.util
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMPONENTS = {
    "milter": "gatepost_milter",
    "policyd": "gatepost_policyd",
    "agent": "gatepost_agent",
    "sieve_manager": "gatepost_sieve_manager",
    "postfix_conf": "gatepost_postfix_conf",
    "dovecot_conf": "gatepost_dovecot_conf",
}
LAYERS = {"core": "gatepost", **COMPONENTS, "cli": "gatepost_cli"}
MAY_IMPORT = {
    "core": {"gatepost"},
    **{folder: {"gatepost", package} for folder, package in COMPONENTS.items()},
    "cli": set(LAYERS.values()),
}


def imported(module: Path) -> set[str]:
    """Name the top-level packages that a module imports, at its head or in a function."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(module.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    return names


@pytest.mark.parametrize("folder", LAYERS)
def test_imports_only_what_its_layer_allows(folder: str) -> None:
    modules = list((ROOT / folder).rglob("*.py"))
    ours = {name for module in modules for name in imported(module) if name.startswith("gatepost")}
    assert modules
    assert ours <= MAY_IMPORT[folder]


@pytest.mark.parametrize("folder", LAYERS)
def test_never_imports_the_tests(folder: str) -> None:
    assert not [m for m in (ROOT / folder).rglob("*.py") if imported(m) & {"tests", "pytest"}]


def test_milter_is_the_c_extension_of_pymilter() -> None:
    spec = importlib.util.find_spec("milter")
    assert spec is not None
    assert spec.origin is not None
    assert spec.origin.endswith(".so")


def test_folder_milter_is_no_package() -> None:
    assert not (ROOT / "milter" / "__init__.py").exists()
