"""Each rule carries weight: take one out of ``decide``, and some line of the table says otherwise.

The mutants are made from the source itself: every condition forced to yes and to no, every term of an ``and`` or ``or``
dropped, every bound of an interval moved, every mark of a difference left out. So a rule that is added later is tried
without being named here. What the facts say of themselves (is it in force?) is a rule too, where the gate asks it.
"""

import ast
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import CodeType, ModuleType
from typing import Any

import pytest

from consent import decision, facts
from consent.gate import checks, coverage, person, weighing
from contracts import agreement
from contracts.identity import Role
from tests.unit.consent.decision_cases import NOW, RECEIVER, Case, party
from tests.unit.consent.decision_table import table

MODULES = (person, weighing, coverage, checks, decision)
#: Whose classes the facts are of: the facts stay, so a method is changed where it stands.
FACTS = (agreement, facts)
FLIPPED: dict[type[ast.cmpop], type[ast.cmpop]] = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt}

#: Mutants that answer as the original does, with the reason why they must.
SAME: dict[str, str] = {
    "gate.weighing.weigh: facts.rules.grounds := True": "saves time: no grounds, nothing to weigh",
    "gate.coverage.cover: uncovered := True": "saves time: nothing to explain",
    "gate.coverage.cover: (not OF_PERSON.isdisjoint(basis) or (no is None and _speaks(weighed, hidden is not None)))"
    " - (not OF_PERSON.isdisjoint(basis))": "saves time: what is covered speaks",
    "gate.coverage._speaks: not weighed.openings and all((g.miss for g in weighed.grounds)) := False": "saves time",
    "gate.coverage._why_not: best is not None and distance > best[0] := False": "saves time: sorted by distance",
    "gate.coverage._why_not: found == miss := False": "saves time: the same",
    "gate.coverage._why_not: bound (found.bit_count(), label) < best[:2]": "labels are unique",
    "gate.coverage._find: bound opening > latest": "labels are unique",
}

Change = Callable[[], None]


@dataclass(frozen=True)
class Mutant:
    """One change in one function of one module; ``says`` names it."""

    module: ModuleType
    function: str
    change: str
    tree: ast.Module

    @property
    def says(self) -> str:
        return f"{self.module.__name__.removeprefix('consent.')}.{self.function}: {self.change}"


def parse(module: ModuleType) -> ast.Module:
    assert module.__file__ is not None
    return ast.parse(Path(module.__file__).read_text(encoding="utf-8"))


def of_conditions(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Every condition forced to yes and to no, or dropped."""
    if isinstance(node, ast.If | ast.IfExp):
        said = ast.unparse(node.test)
        for value in (True, False):
            yield f"{said} := {value}", lambda v=value: setattr(node, "test", ast.Constant(v))  # type: ignore[misc]
    if isinstance(node, ast.comprehension):
        for test in list(node.ifs):
            yield f"for-if {ast.unparse(test)}", lambda t=test: node.ifs.remove(t)  # type: ignore[misc]


def of_terms(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Every term of an ``and``, ``or``, ``|`` or ``&`` dropped."""
    if isinstance(node, ast.BoolOp):
        for term in list(node.values):
            said = f"({ast.unparse(node)}) - ({ast.unparse(term)})"
            rest = [other for other in node.values if other is not term]
            yield said, lambda r=rest: setattr(node, "values", r * 2)  # type: ignore[misc]  # a term said twice is one
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr | ast.BitAnd):
        yield f"{ast.unparse(node)} := left", lambda: setattr(node, "right", node.left)
        yield f"{ast.unparse(node)} := right", lambda: setattr(node, "left", node.right)


def of_bounds(node: ast.AST) -> Iterator[tuple[str, Change]]:
    """Every bound moved by one instant, every mark of a difference left out."""
    if isinstance(node, ast.Compare) and type(node.ops[0]) in FLIPPED:
        flipped = FLIPPED[type(node.ops[0])]()
        yield f"bound {ast.unparse(node)}", lambda: node.ops.__setitem__(0, flipped)
    if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.BitOr):
        yield f"without {ast.unparse(node)}", lambda: setattr(node, "value", ast.Constant(0))


def logic(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of a function that are no annotation."""
    for name, field in ast.iter_fields(node):
        for child in field if isinstance(field, list) else [field]:
            if isinstance(child, ast.AST) and name not in ("annotation", "returns", "decorator_list"):
                yield child
                yield from logic(child)


def functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef]]:
    """Every function under its name, a method behind that of its class: two classes may each have one of a name."""
    owner = {node: f"{one.name}." for one in ast.walk(tree) if isinstance(one, ast.ClassDef) for node in one.body}
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield owner.get(node, "") + node.name, node


def to_change() -> Iterator[tuple[ModuleType, str]]:
    """Every function of the gate, and of the facts those that it asks."""
    asked = {node.attr for module in MODULES for node in ast.walk(parse(module)) if isinstance(node, ast.Attribute)}
    for module in (*FACTS, *MODULES):
        for name, function in functions(parse(module)):
            if module in MODULES or function.name in asked:
                yield module, name


def mutants() -> Iterator[Mutant]:
    """One at a time: each place is found in a fresh tree, changed there, and the tree kept."""
    for module, name in to_change():
        place = 0
        while True:
            tree = parse(module)
            function = dict(functions(tree))[name]
            found = [c for node in logic(function) for of in (of_conditions, of_terms, of_bounds) for c in of(node)]
            if place >= len(found):
                break
            says, change = found[place]
            change()
            place += 1
            yield Mutant(module, name, says, tree)


def built(patch: pytest.MonkeyPatch, codes: dict[str, CodeType], mutant: Mutant | None) -> dict[str, Any]:
    """The gate from a fresh chain of modules, one of them changed; what comes before it in the chain can stay."""
    if mutant is not None and mutant.module in FACTS:
        return asking(patch, mutant)
    start = MODULES.index(mutant.module) if mutant is not None else 0
    for module in MODULES[start:]:
        changed = mutant is not None and mutant.module is module
        fresh = ModuleType(module.__name__)
        patch.setitem(sys.modules, module.__name__, fresh)
        package, _, name = module.__name__.rpartition(".")
        patch.setattr(sys.modules[package], name, fresh)
        exec(compiled(mutant.tree) if changed and mutant else codes[module.__name__], fresh.__dict__)
    return sys.modules["consent.decision"].__dict__


def asking(patch: pytest.MonkeyPatch, mutant: Mutant) -> dict[str, Any]:
    """The gate as it is, which asks a changed method of the facts."""
    fresh = ModuleType(mutant.module.__name__)
    exec(compiled(mutant.tree), fresh.__dict__)
    owner, _, method = mutant.function.partition(".")
    patch.setattr(getattr(mutant.module, owner), method, vars(getattr(fresh, owner))[method])
    return decision.__dict__


def compiled(tree: ast.Module) -> CodeType:
    return compile(ast.fix_missing_locations(tree), "mutant", "exec")


def answers(gate: dict[str, Any], cases: Sequence[Case]) -> Iterator[Any]:
    """What the gate says to every line of the table; an error is an answer too."""
    for someone in (None, party(RECEIVER, Role.MBO), party(RECEIVER, Role.MBO, active=False)):
        for given in (True, False):
            yield told(gate["notice_allowed"], someone, given)
    for case in cases:
        yield told(explained, gate, case)


def told(ask: Callable[..., Any], *arguments: Any) -> Any:
    try:
        return ask(*arguments)
    except (TypeError, AttributeError, ValueError, LookupError, StopIteration) as error:
        return type(error).__name__


def explained(gate: dict[str, Any], case: Case) -> Any:
    """A decision as plain values, for each chain has classes of its own."""
    said = gate["decide"](case.request, case.facts, NOW)
    steps = [(step.name, step.passed, step.code, step.reason) for step in said.steps]
    outward = [(step.name, step.passed, step.code, step.reason) for step in gate["outward_steps"](said)]
    rest = str(said.outcome), said.code, said.allowed, said.left_out, dict(said.basis), said.statements, said.secrecy
    return *rest, steps, outward


def survivors() -> Iterator[tuple[str, bool]]:
    """Every mutant, and whether no line of the table tells it from the original."""
    codes = {module.__name__: compiled(parse(module)) for module in MODULES}
    cases = list(table())
    original = list(answers(decision.__dict__, cases))
    with pytest.MonkeyPatch.context() as patch:
        assert list(answers(built(patch, codes, None), cases)) == original  # control: unchanged, it says the same
    for mutant in mutants():
        with pytest.MonkeyPatch.context() as patch:
            said = answers(built(patch, codes, mutant), cases)
            yield mutant.says, all(one == other for one, other in zip(said, original, strict=True))


def test_every_mutant_is_told_from_the_original() -> None:
    found = list(survivors())
    assert len(found) > 200
    assert {says for says, survived in found if survived} == SAME.keys()
