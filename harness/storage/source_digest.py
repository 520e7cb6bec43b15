"""What a component computes, as a digest of its code: wording, formatting and places of files do not enter."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path

from harness.schema import digest
from harness.storage.rearranged import REARRANGED


def source_digest(component: type) -> str:
    """SHA-256 (hex) of the code of a class and of what it uses of the modules in its folder and in those below; ""
    where it has no file.

    Comments, docstrings, annotations, error messages, names of local variables, checks by `demand`, the order of
    definitions and the file that
    each stands in do not enter, nor does a definition that is not used. A protocol counts as the attributes that it
    asks for, other names from outside the folder as they are. The fields of the class itself do not enter: their
    values are settings. Code that was rearranged keeps its digest (`REARRANGED`). Within one process the answer stays,
    so that an edit does not tear a run apart.
    """
    file = getattr(sys.modules[component.__module__], "__file__", None)
    if file is None:
        return ""
    found = digest_of(Path(file), component.__module__.rpartition(".")[0], component.__name__)
    return REARRANGED.get(found, found)


@cache
def digest_of(file: Path, package: str, name: str) -> str:
    """The digest of what `name` needs; it is defined in `file`, a module of the package of this dotted name."""
    waiting, found = [(file, name)], set[tuple[Path, str]]()
    code = set[str]()
    while waiting:
        path, wanted = waiting.pop()
        if (path, wanted) in found:
            continue
        found.add((path, wanted))
        module = _module(path, file.parent, package)
        nodes = module.definitions.get(wanted, [])
        own = (path, wanted) == (file, name)
        code.update(_text(_without_fields(node) if own else node) for node in [*nodes, *module.loose])
        used = module.definitions if wanted == EVERYTHING else {*_names([*nodes, *module.loose]), EVERYTHING}
        waiting += [(path, each) for each in used if each in module.definitions]
        waiting += [place for each in used for place in module.siblings.get(each, [])]
    return digest(sorted(code))


EVERYTHING = "*"


@dataclass
class _Module:
    """One module: its top-level definitions by name, normalised, and its other statements.

    `siblings` maps the name of what is imported from another module of the folder, or below it, to the definition
    behind it.
    """

    definitions: dict[str, list[ast.stmt]] = field(default_factory=dict)
    loose: list[ast.stmt] = field(default_factory=list)
    siblings: dict[str, list[tuple[Path, str]]] = field(default_factory=dict)


@cache
def _module(path: Path, root: Path, package: str) -> _Module:
    """The module at `path`; `root` is the folder of the component, which is the `package` of this dotted name."""
    module, tree = _Module(), ast.parse(path.read_text(encoding="utf-8"))
    origins: dict[str, str] = {}
    for local, dotted, name in _imports(tree, ".".join([package, *path.parent.relative_to(root).parts])):
        sibling = _sibling(root, package, f"{dotted}.{name}" if name else dotted)
        if sibling is None:
            origins.setdefault(local, _origin(dotted, name) if name or local not in dotted.split(".") else local)
        else:
            origins[local] = name or local
            module.siblings.setdefault(origins[local], []).append(sibling)
    for statement in tree.body:
        node = _Normal(origins).visit(statement)
        names = _bound(node) if node is not None else []
        for each in names:
            module.definitions.setdefault(each, []).append(node)
        if node is not None and not names:
            module.loose.append(node)
    return module


def _imports(tree: ast.Module, package: str) -> Iterator[tuple[str, str, str]]:
    """(local name, dotted module, name in it or "") of every import, those inside functions too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.asname or alias.name.partition(".")[0], alias.name, "") for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            parts = package.split(".") if package else []
            above = parts[: len(parts) - node.level + 1] if node.level else []
            dotted = ".".join([*above, node.module] if node.module else above)
            yield from ((alias.asname or alias.name, dotted, alias.name) for alias in node.names)


def _sibling(folder: Path, package: str, dotted: str) -> tuple[Path, str] | None:
    """The file in the folder, or below it, that a dotted name leads to, and the name in it (EVERYTHING: the module)."""
    if package and not dotted.startswith(f"{package}."):
        return None
    parts = dotted.lstrip(".").removeprefix(f"{package}.").split(".")
    for depth in range(1, len(parts) + 1):
        file = folder.joinpath(*parts[:depth]).with_suffix(".py")
        if file.is_file():
            return file, ".".join(parts[depth:]) or EVERYTHING
    return None


def _origin(dotted: str, name: str) -> str:
    """A name from outside the folder: dotted, but what this package shares is known by its own name, wherever it is."""
    if not name or not dotted.startswith("harness."):
        return f"{dotted}.{name}".rstrip(".")
    try:
        meant = getattr(import_module(dotted), name, None)
    except ImportError:
        return name
    if not getattr(meant, "_is_protocol", False):
        return name
    kinds = meant.__mro__ if isinstance(meant, type) else ()
    asked = {key for kind in kinds for key in (*vars(kind), *vars(kind).get("__annotations__", ()))}
    return f"protocol({', '.join(sorted(key for key in asked if key[0] != '_'))})"


class _Normal(ast.NodeTransformer):
    """Takes off what changes no number, and calls what is imported by where it comes from."""

    def __init__(self, origins: dict[str, str]) -> None:
        self.origins = origins

    def visit_Import(self, node: ast.Import) -> None:  # the name that ast asks for, as below
        return None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        return None

    def visit_If(self, node: ast.If) -> ast.AST | None:
        types_only = isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING"
        return None if types_only else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST | None:
        node.returns = None
        self.generic_visit(node)
        names = [each for each in ast.walk(node) if isinstance(each, ast.Name)]
        local = list(dict.fromkeys(each.id for each in names if isinstance(each.ctx, ast.Store)))
        for each in names:
            each.id = f"local{local.index(each.id)}" if each.id in local else each.id
        return None if node.name == "__post_init__" and not node.body else node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Only here an annotation matters: it makes a field of a dataclass. `kind` is a setting."""
        fields, others = [], []
        for each in node.body:
            if isinstance(each, ast.AnnAssign) and "ClassVar" not in ast.unparse(each.annotation):
                value = self.visit(each.value) if each.value else None
                fields.append(ast.AnnAssign(each.target, ast.Constant(None), value, 1))
            elif not (isinstance(each, ast.AnnAssign) and _bound(each) == ["kind"]):
                others.append(self.visit(each))
        node.body = [*fields, *(each for each in others if each is not None)]
        node.bases, node.keywords = [self.visit(e) for e in node.bases], [self.visit(e) for e in node.keywords]
        node.decorator_list = [self.visit(each) for each in node.decorator_list]
        return node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        return self.generic_visit(ast.Assign([node.target], node.value)) if node.value else None

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        called = node.value.func if isinstance(node.value, ast.Call) else None
        check = isinstance(called, ast.Name) and called.id.startswith("demand")
        return None if text or check else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        node.exc = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        node.cause = None
        return self.generic_visit(node)

    def visit_Name(self, node: ast.Name) -> ast.AST:
        node.id = self.origins.get(node.id, node.id)
        return node


def _without_fields(node: ast.stmt) -> ast.stmt:
    """The class of the component itself without its name and its fields."""
    if isinstance(node, ast.ClassDef):
        kept = [each for each in node.body if not isinstance(each, ast.AnnAssign)]
        return ast.ClassDef("", node.bases, node.keywords, kept, node.decorator_list)
    return node


def _bound(node: ast.stmt) -> list[str]:
    """The names that a statement defines."""
    if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
        return [node.name]
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [each.id for target in targets for each in ast.walk(target) if isinstance(each, ast.Name)]
    return []


def _names(nodes: Iterable[ast.stmt]) -> set[str]:
    return {each.id for node in nodes for each in ast.walk(node) if isinstance(each, ast.Name)}


def _text(node: object) -> str:
    """A syntax tree as text, the same for every version of Python: fields that are empty do not count."""
    if isinstance(node, ast.AST):
        fields = ((name, value) for name, value in ast.iter_fields(node) if name not in ("ctx", "kind", "type_comment"))
        inner = ", ".join(f"{name}={_text(value)}" for name, value in fields if value is not None and value != [])
        return f"{type(node).__name__}({inner})"
    return f"[{', '.join(map(_text, node))}]" if isinstance(node, list) else repr(node)
