"""Every public name says what it takes, what comes back and what it raises."""

import ast
import importlib
import inspect
import pkgutil
import re
import textwrap
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rankkit

# Modules whose names a user calls directly: each parameter is described. Everywhere else it is at least documented.
CALLED = ("rankkit", "rankkit.initializers", "rankkit.metrics", "rankkit.plots", "rankkit.rules", "rankkit.testing")
DESCRIBING = ("Parameters", "Other Parameters", "Attributes")
COMES_BACK = re.compile(r"\b(returns?|yields?|iterates?)\b", re.I)


def modules() -> Iterator[Any]:
    """Yield rankkit and all its public modules."""
    yield rankkit
    for found in pkgutil.walk_packages(rankkit.__path__, "rankkit."):
        if not any(part.startswith("_") for part in found.name.split(".")):
            yield importlib.import_module(found.name)


def own(thing: Any) -> bool:
    return getattr(thing, "__module__", "").split(".")[0] == "rankkit"


def methods_of(kind: type) -> Iterator[tuple[str, Any]]:
    """Yield the public methods and properties that a class defines itself."""
    for name, found in vars(kind).items():
        method = getattr(found, "__func__", found)
        defined = inspect.isfunction(method) and method.__qualname__ == f"{kind.__qualname__}.{name}"
        if not name.startswith("_") and (defined or isinstance(method, property)):
            yield name, method


def public() -> dict[str, Any]:
    """Return name -> function, class or method: each once, under the shortest name that leads to it."""
    names: dict[int, str] = {}
    things: dict[int, Any] = {}
    for module in modules():
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if not own(thing) or not (inspect.isfunction(thing) or inspect.isclass(thing)):
                continue
            members = methods_of(thing) if inspect.isclass(thing) else ()
            for path, member in ((name, thing), *((f"{name}.{method}", found) for method, found in members)):
                full = f"{module.__name__}.{path}"
                if id(member) not in names or full.count(".") < names[id(member)].count("."):
                    names[id(member)], things[id(member)] = full, member
    return {names[key]: things[key] for key in names}


PUBLIC = public()


def sections(doc: str) -> dict[str, list[str]]:
    """Return numpydoc's sections: title -> the names that its entries define."""
    found: dict[str, list[str]] = {}
    lines = inspect.cleandoc(doc).splitlines()
    title = None
    for line, following in zip(lines, [*lines[1:], ""], strict=True):
        if re.fullmatch("-{3,}", following):
            title = line
            found[title] = []
        elif title and re.match(r"[\w*]", line):  # an entry stands at the margin, its description is indented
            found[title] += re.findall(r"\*{0,2}(\w+)", line.split(" : ")[0])
    return found


def parameters(thing: Any) -> list[str]:
    """Return the names that a call gives; for a class, those of its construction; an exception takes a message."""
    if inspect.isclass(thing) and issubclass(thing, BaseException):
        return []
    elsewhere = inherited(thing) if inspect.isclass(thing) else set()
    return [name for name in inspect.signature(thing).parameters if name not in {"self", "cls"} | elsewhere]


def inherited(thing: type) -> set[str]:
    """Return the fields that a dataclass has from another library, whose documentation says what they are."""
    return {
        name
        for base in thing.__mro__[1:]
        if not base.__module__.startswith("rankkit")
        for name in getattr(base, "__dataclass_fields__", ())
    }


def lines_of(function: Callable[..., Any]) -> ast.AST:
    """Return the syntax of a function; of what a decorator made from text, an empty one."""
    try:
        return ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    except OSError:
        return ast.Module([], [])


def raised(function: Callable[..., Any]) -> set[str]:
    """Return the exceptions that a function's own lines raise by name."""
    tree = lines_of(function)
    inner = {id(node) for part in ast.walk(tree) if part is not tree and isinstance(part, ast.FunctionDef | ast.Lambda)
             for node in ast.walk(part)}  # fmt: skip
    errors = (node.exc for node in ast.walk(tree) if isinstance(node, ast.Raise) and id(node) not in inner)
    names = (error.func if isinstance(error, ast.Call) else error for error in errors)
    return {name.id for name in names if isinstance(name, ast.Name) and name.id.endswith(("Error", "Exception"))}


def answers(function: Callable[..., Any]) -> bool:
    """Return whether something comes back from a function."""
    gives = (ast.Return, ast.Yield, ast.YieldFrom)
    return any(isinstance(node, gives) and node.value is not None for node in ast.walk(lines_of(function)))


def gaps(name: str, thing: Any) -> list[str]:
    """Return what the docstring of a public name lacks, in words."""
    doc = thing.__doc__
    if not doc or not doc.strip():
        return ["a docstring"]
    first, *_ = inspect.cleandoc(doc).split("\n\n")
    if not first.endswith((".", ":")):
        return ["a first sentence that ends"]
    if isinstance(thing, property):
        return []  # its name and first sentence say what it is
    said, names = sections(doc), parameters(thing)
    described = {entry for title in DESCRIBING for entry in said.get(title, ())}
    lacks = []
    if (called(name) or "Parameters" in said) and (missing := [one for one in names if one not in described]):
        lacks.append(f"a description of {', '.join(missing)}")
    if not inspect.isclass(thing):
        if strangers := [one for one in said.get("Parameters", ()) if one not in names]:
            lacks.append(f"parameters named {', '.join(strangers)}, which it describes")
        if answers(thing) and not (COMES_BACK.search(first) or {"Returns", "Yields"} & set(said)):
            lacks.append("what comes back")
        if (called(name) or len(said) > 0) and (missing := sorted(raised(thing) - set(said.get("Raises", ())))):
            lacks.append(f"when {', '.join(missing)} is raised")
    return lacks


def called(name: str) -> bool:
    """Return whether a name is a function or class that users call, not a method and not an inner part."""
    return name.rpartition(".")[0] in CALLED


def test_there_are_names_to_check():
    assert {"rankkit.sweep_frequency", "rankkit.Factors", "rankkit.Factors.scaled", "rankkit.rules.Sine"} <= set(PUBLIC)


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_says_what_it_takes_gives_and_raises(name):
    assert gaps(name, PUBLIC[name]) == []


def no_docstring(x): ...


def unsaid(x, y):
    """Return their sum.

    Parameters
    ----------
    x : float
    """
    if y < 0:
        raise ValueError
    return x + y


def silent(x):
    """Add one.

    Parameters
    ----------
    x, z : float
    """
    return x + 1


def complete(x, *rest):
    """Return the sum.

    Parameters
    ----------
    x, *rest : float
        Summands.

    Raises
    ------
    TypeError, ValueError
        If there is nothing to add.
    """
    if not rest:
        raise ValueError
    if x is None:
        raise TypeError
    return x + sum(rest)


@pytest.mark.parametrize(
    ("function", "lacks"),
    [
        (no_docstring, ["a docstring"]),
        (unsaid, ["a description of y", "when ValueError is raised"]),
        (silent, ["parameters named z, which it describes", "what comes back"]),
        (complete, []),
    ],
)
def test_a_planted_gap_is_found(function, lacks):
    assert gaps("rankkit.planted", function) == lacks
