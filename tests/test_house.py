"""The package's own rules: floors, keyword-only defaults, public names."""

import ast
import importlib
import inspect
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import keras_colorizer

PACKAGE = Path(keras_colorizer.__file__).parent

# Modules and folders of the package, lowest floor first. A module imports
# from floors below its own only, and freely inside its own folder.
FLOORS = [
    ["errors", "registration", "silence"],
    ["files"],
    ["label", "litert"],
    ["presets", "pretrained"],
    ["color", "config", "networks", "losses", "optimization", "photos"],
    ["encoding", "chroma", "hint_simulation"],
    ["hints"],
    ["gan", "data", "metrics"],
    ["callbacks", "inference"],
    ["evaluation", "exporting", "training"],
    ["colorizing", "serving", "video"],
    ["cli"],
    ["__main__"],
]
FLOOR = {name: i for i, names in enumerate(FLOORS) for name in names}

# What the networks of any Keras backend, and the command line, must not load.
WITHOUT_TENSORFLOW = [
    "colorizing",
    "chroma.saturation",
    "chroma.steps",
    "cli",
    "config",
    "errors",
    "files",
    "hints",
    "inference.colorizer",
    "inference.tflite_network",
    "label",
    "litert",
    "photos",
    "presets",
    "pretrained",
    "serving.rest",
    "silence",
    "video",
]
KERAS_ONLY = ["losses", "networks"]

# The public contract gives these a default that may be passed by position.
POSITIONAL_DEFAULTS = {
    "build_generator",
    "build_discriminator",
    "generator_loss",
}


def modules(name):
    path = PACKAGE.joinpath(*name.split("."))
    return (
        sorted(path.rglob("*.py"))
        if path.is_dir()
        else [path.with_suffix(".py")]
    )


def imports(path):
    """Yields the dotted name of every module imported anywhere in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path):
    for name in imports(path):
        package, _, rest = name.partition(".")
        if package == PACKAGE.name and rest.split(".")[0] in FLOOR:
            yield rest.split(".")[0]


def test_every_module_has_a_floor():
    found = {
        p.stem for p in PACKAGE.iterdir() if p.suffix == ".py" or is_package(p)
    }
    assert found - {"__init__"} == set(FLOOR)


def is_package(path):
    return (path / "__init__.py").exists()


@pytest.mark.parametrize("name", FLOOR)
def test_imports_go_down(name):
    for path in modules(name):
        for imported in own_imports(path):
            assert imported == name or FLOOR[imported] < FLOOR[name], path


@pytest.mark.parametrize("name", KERAS_ONLY)
def test_networks_and_losses_need_keras_alone(name):
    for path in modules(name):
        roots = {imported.split(".")[0] for imported in imports(path)}
        outside = roots - set(sys.stdlib_module_names) - {PACKAGE.name}
        assert outside <= {"keras"}, path


@pytest.mark.parametrize("name", WITHOUT_TENSORFLOW)
def test_light_modules_load_no_tensorflow(name):
    loaded = "; ".join(f"import {dotted(path)}" for path in modules(name))
    check = "import sys; assert 'tensorflow' not in sys.modules"
    subprocess.run([sys.executable, "-c", f"{loaded}; {check}"], check=True)


def dotted(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def own_functions():
    for path in sorted(PACKAGE.rglob("*.py")):
        name = dotted(path)
        if name.endswith("__main__"):
            continue
        module = importlib.import_module(name)
        for _, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__
            if own and not function.__name__.startswith("_"):
                yield pytest.param(function, id=f"{name}.{function.__name__}")


@pytest.mark.parametrize("function", list(own_functions()))
def test_defaults_are_keyword_only(function):
    if function.__name__ not in POSITIONAL_DEFAULTS:
        assert not function.__defaults__


@pytest.mark.parametrize("function", list(own_functions()))
def test_public_functions_are_documented(function):
    assert function.__doc__


@pytest.mark.parametrize("name", keras_colorizer.__all__)
def test_public_names_load_and_are_documented(name):
    value = getattr(keras_colorizer, name)
    if name != "__version__":
        assert inspect.getdoc(value)
        assert value.__name__ == name


def test_unknown_public_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no_such_name"):
        keras_colorizer.no_such_name  # noqa: B018, the access is the test


@pytest.mark.parametrize(
    "folder", [p.parent.name for p in PACKAGE.glob("*/__init__.py")]
)
def test_no_circles_inside_folders(folder):
    inside = PACKAGE / folder
    names = {path.stem for path in inside.glob("*.py")}
    arrows = {
        path.stem: {
            parts[2]
            for parts in (name.split(".") for name in imports(path))
            if parts[:2] == [PACKAGE.name, folder] and len(parts) > 2
        }
        & names
        for path in inside.glob("*.py")
    }
    list(TopologicalSorter(arrows).static_order())  # Raises at a circle.


def test_function_bodies_have_at_most_25_lines():
    long = []
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                first, *_ = [
                    part for part in node.body if part is not docstring(node)
                ] or [node.body[-1]]
                if (lines := node.end_lineno - first.lineno + 1) > 25:
                    long.append(f"{dotted(path)}.{node.name}: {lines}")
    assert not long


def docstring(node):
    """The statement that is a function's docstring, if it has one."""
    return node.body[0] if ast.get_docstring(node) is not None else None


def test_folders_hold_at_most_a_dozen_files():
    for folder in PACKAGE.glob("*/__init__.py"):
        modules = [p for p in folder.parent.glob("*.py") if p != folder]
        assert len(modules) <= 12, folder.parent
