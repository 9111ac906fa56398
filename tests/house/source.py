"""The project's own source, read as syntax trees, for the house tests. Nothing of it is imported or run."""

import ast
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROOMS = ("contracts", "consent", "connectors", "hub")
_NOT_OURS = (".git", ".venv", ".hypothesis", "var")
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True, slots=True)
class Module:
    """One Python file: its path from the top, and its tree."""

    path: str
    text: str
    tree: ast.Module

    @property
    def name(self) -> str:
        """The dotted name."""
        return self.path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    @property
    def lines(self) -> int:
        """How many lines it has."""
        return len(self.text.splitlines())

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))


def module(path: str, text: str) -> Module:
    """A module from its text; the tests of the rules make bad samples with it."""
    return Module(path, text, ast.parse(text))


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Every module below the folders, sorted by path. With none: of the four rooms."""
    paths = sorted(path for folder in folders or ROOMS for path in (ROOT / folder).rglob("*.py"))
    return tuple(module(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")) for path in paths)


def tracked_files() -> list[Path]:
    """Every file that is, or would be, under version control. Without git or a repository: every file that counts."""
    git = shutil.which("git")
    if git and (ROOT / ".git").exists():
        ask = [git, "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
        listed = subprocess.run(ask, cwd=ROOT, capture_output=True, check=True).stdout.decode()
        return [ROOT / name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    return [Path(folder) / name for folder, _, names in _walk() for name in names]


def _walk() -> Iterator[tuple[str, list[str], list[str]]]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [each for each in folders if each not in _NOT_OURS and "cache" not in each]
        yield folder, folders, names


def length(function: Function) -> int:
    """Lines of a function without its decorators and docstring."""
    body = function.body
    told = (
        isinstance(body[0], ast.Expr)
        and isinstance(body[0].value, ast.Constant)
        and isinstance(body[0].value.value, str)
    )
    documented = (body[0].end_lineno or 0) - body[0].lineno + 1 if told else 0
    return (function.end_lineno or 0) - function.lineno + 1 - documented


def arguments(function: Function) -> list[ast.arg]:
    """Every argument but ``self`` and ``cls``."""
    given = function.args
    positional = [arg for arg in (*given.posonlyargs, *given.args) if arg.arg not in ("self", "cls")]
    return [*positional, *given.kwonlyargs, *(arg for arg in (given.vararg, given.kwarg) if arg)]


def dotted(node: ast.AST) -> str:
    """``a.b.c`` of a chain of names, or an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        below = dotted(node.value)
        return f"{below}.{node.attr}" if below else ""
    return ""


def calls(module: Module) -> Iterator[tuple[ast.Call, str]]:
    """Every call with the dotted name of what is called."""
    return ((node, dotted(node.func)) for node in ast.walk(module.tree) if isinstance(node, ast.Call))


def imports(module: Module, everywhere: bool = True) -> Iterator[tuple[int, str]]:
    """Every imported name with its line: ``(3, "hub.store.tables")``. Not ``everywhere``: outside functions only."""
    nodes = ast.walk(module.tree) if everywhere else _outside_functions(module.tree)
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def _outside_functions(tree: ast.AST) -> Iterator[ast.AST]:
    for node in ast.iter_child_nodes(tree):
        if not isinstance(node, Function | ast.Lambda):
            yield node
            yield from _outside_functions(node)
