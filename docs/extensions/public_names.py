"""The directive `public`: names of a module's `__all__`, each with its docstring.

```
.. public:: rankkit.rules
   :names: Sine RULES

   RULES: What a constant holds, which has no docstring of its own.
```

Without `:names:` it shows all of `__all__`; without `:bare:` the module's own docstring comes first.
"""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from types import ModuleType
from typing import Any

from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.roles import XRefRole
from sphinx.util.docutils import SphinxDirective
from sphinx.util.nodes import make_refnode

__all__ = ["setup"]

# napoleon takes what stands before a property's first colon for its type, so it gets to see another character
COLON = "\N{MODIFIER LETTER COLON}"


class Public(SphinxDirective):
    """Document public names of a module."""

    required_arguments = 1
    has_content = True
    option_spec = {"names": str.split, "bare": directives.flag}  # noqa: RUF012 - docutils' own form

    def run(self) -> list[nodes.Node]:
        """Return what autodoc makes of every name."""
        module = importlib.import_module(self.arguments[0])
        names = self.options.get("names", module.__all__)
        if unknown := [name for name in names if name not in module.__all__]:
            raise self.error(f"{module.__name__}.__all__ does not have {', '.join(unknown)}.")
        told = dict(re.findall(r"^(\w+): (.+)$", "\n".join(self.content), re.M))
        lines = [] if "bare" in self.options else [f".. automodule:: {module.__name__}", ""]
        for name in names:
            lines += [*self._entry(module, name, told), ""]
        return self.parse_text_to_nodes("\n".join(lines))

    def _entry(self, module: ModuleType, name: str, told: Mapping[str, str]) -> Iterator[str]:
        path, where, thing = f"{module.__name__}.{name}", f"   :module: {module.__name__}", getattr(module, name)
        if isinstance(thing, ModuleType):
            raise self.error(f"{path} is a module: give it a directive of its own.")
        if module.__name__ != "rankkit" and _at_the_top(name, thing):
            yield from (f".. py:function:: {name}", where, "", f"   The same as :obj:`rankkit.{name}`.")
        elif inspect.isclass(thing):
            yield from (f".. autoclass:: {path}", "   :members:", "   :special-members: __call__")
        elif inspect.isroutine(thing):
            yield f".. autofunction:: {path}"
        elif name in told:
            yield from (f".. py:data:: {name}", where, "", f"   {told[name]}", "", *_held(thing))
        else:
            raise self.error(f"{path} has no docstring: say what it is, as '{name}: ...' below the directive.")


def _at_the_top(name: str, thing: object) -> bool:
    import rankkit

    return name in rankkit.__all__ and getattr(rankkit, name) is thing


def _held(thing: object) -> Iterator[str]:
    """Return an iterator over the lines that say what a table of names, or a tuple of them, holds."""
    if isinstance(thing, (Mapping, tuple)):
        yield f"   It holds {', '.join(f'``{entry}``' for entry in thing)}."


class Name(XRefRole):
    """A name in single backticks: a link where it is documented; a leading dot, as in `.table`, is only text."""

    def process_link(
        self, env: Any, refnode: nodes.Element, has_explicit_title: bool, title: str, target: str
    ) -> tuple[str, str]:
        """Return the text and the target, told where in the reference the name stands."""
        refnode["py:module"], refnode["py:class"] = (env.ref_context.get(f"py:{kind}") for kind in ("module", "class"))
        return title, target


def _plain(_app: object, what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    """Keep shapes like (*batch, m, n) and sizes like |margin| what they are: no markup is meant."""
    if what == "property" and lines:
        lines[0] = lines[0].replace(":", COLON)
    for i, line in enumerate(lines):
        if not re.match(r"\*+\w+ |\s*>>>", line):
            lines[i] = re.sub(r"(?<![`\\])\||(?<![\*`\\])\*(?=\w)", r"\\\g<0>", line)


def _with_colons(_app: object, _what: str, _name: str, _thing: object, _options: object, lines: list[str]) -> None:
    lines[:] = [line.replace(COLON, ":") for line in lines]


def _resolved(app: Any, env: Any, node: Any, content: nodes.Element) -> nodes.Node | None:
    """Link a name in single backticks that belongs to rankkit itself; any other, such as an argument's, is text."""
    if node.get("reftype") != "name":
        return None
    found = env.domains["py"].objects.get(f"rankkit.{node['reftarget']}")
    return make_refnode(app.builder, node["refdoc"], found.docname, found.node_id, content) if found else content


def setup(app: Any) -> dict[str, Any]:
    """Register the directive, and let single backticks in docstrings link to what they name."""
    app.add_directive("public", Public)
    app.add_role_to_domain("py", "name", Name())
    app.connect("autodoc-process-docstring", _plain, priority=100)  # before napoleon, at 500
    app.connect("autodoc-process-docstring", _with_colons, priority=900)
    app.connect("missing-reference", _resolved)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
