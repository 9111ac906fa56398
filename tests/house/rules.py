"""The house rules: each takes modules and returns findings. ``test_rules.py`` shows that each one bites."""

import ast
import sys
from collections.abc import Callable, Iterable
from graphlib import CycleError, TopologicalSorter

from tests.house.source import ROOMS, Module, arguments, calls, dotted, imports, length

Rule = Callable[[Iterable[Module]], list[str]]
LONGEST_MODULE, LONGEST_FUNCTION, WIDEST_FOLDER, MOST_ARGUMENTS = 400, 60, 10, 5
#: What each room may import beside the standard library, itself and the rooms below it.
MAY_IMPORT = {
    "contracts": {"contracts", "marshmallow", "jsonschema_rs"},
    "consent": {"consent", "contracts", "sqlalchemy", "cryptography"},
    "connectors": {"connectors", "contracts", "lxml", "gnupg", "httpx2", "joserfc", "authlib", "cryptography",
                   "openpyxl", "xlsxwriter", "click", "standardwebhooks"},
}  # fmt: skip
KNOW_CONNECTORS = ("hub/wiring.py", "hub/cli.py", "hub/commands/")
CLOCKS = ("hub/machine/clock.py", "connectors/agent/clock.py", "hub/demo/")
_NOW = ("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns")
_CHANCE = ("os.urandom", "random.", "secrets.", "uuid.uuid1", "uuid.uuid4", "uuid4")
_XML_PARSERS = (
    "fromstring",
    "parse",
    "XML",
    "HTML",
    "iterparse",
    "XMLParser",
    "HTMLParser",
    "fromstringlist",
    "XMLPullParser",
)
_LOG_METHODS = ("debug", "info", "warning", "error", "exception", "critical")
_UNFINISHED = ("TO" + "DO", "FIX" + "ME", "X" * 3)


def too_long(modules: Iterable[Module]) -> list[str]:
    """Modules over 400 lines, functions over 60."""
    modules = list(modules)
    long = [f"{m.path}: {m.lines} lines" for m in modules if m.lines > LONGEST_MODULE]
    # A migration is a list of columns, written once: its functions may be as long as a table is wide.
    functions = [(m, f, length(f)) for m in modules if "/migrations/" not in m.path for f in m.functions()]
    return long + [f"{m.path}:{f.lineno}: {f.name} has {n} lines" for m, f, n in functions if n > LONGEST_FUNCTION]


def too_wide(modules: Iterable[Module]) -> list[str]:
    """Folders with more than 10 modules; kinds/, codelists/ and migrations are lists by nature."""
    counts: dict[str, int] = {}
    for each in modules:
        folder, _, name = each.path.rpartition("/")
        counts[folder] = counts.get(folder, 0) + (name != "__init__.py")
    apart = ("kinds", "codelists", "versions", "migrations")
    return [f"{f}/ has {n} modules" for f, n in counts.items() if n > WIDEST_FOLDER and not f.endswith(apart)]


def unannotated(modules: Iterable[Module]) -> list[str]:
    """Functions without a return type or with an argument without one."""
    found = []
    for each in modules:
        for function in each.functions():
            bare = [arg.arg for arg in arguments(function) if arg.annotation is None]
            if bare or (function.returns is None and function.name != "__init__"):
                found.append(f"{each.path}:{function.lineno}: {function.name} is not annotated")
    return found


def many_arguments(modules: Iterable[Module]) -> list[str]:
    """Public functions with more than five arguments; a command of the command line has one for each option."""
    found = []
    for each in modules:
        for function in each.functions():
            command = any("command" in ast.dump(decorator) for decorator in function.decorator_list)
            count = len(arguments(function))
            if count > MOST_ARGUMENTS and not command and not function.name.startswith("_"):
                found.append(f"{each.path}:{function.lineno}: {function.name} takes {count} arguments")
    return found


def badly_named(modules: Iterable[Module]) -> list[str]:
    """A module that says nothing of its job."""
    return [m.path for m in modules if m.path.rpartition("/")[2] in ("utils.py", "util.py", "helpers.py", "misc.py")]


def cycles(modules: Iterable[Module]) -> list[str]:
    """Import cycles between modules, by what they import outside functions (for type checking, too)."""
    known = {each.name: each for each in modules}
    graph = {}
    for name, each in known.items():
        found = {
            target if target in known else target.rpartition(".")[0] for _, target in imports(each, everywhere=False)
        }
        graph[name] = {target for target in found if target in known and target != name}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [" → ".join(reversed(error.args[1]))]
    return []


def foreign_imports(modules: Iterable[Module]) -> list[str]:
    """Imports that a room may not have: of a room above it, or of a library that is not for it."""
    found = []
    for each in modules:
        allowed = MAY_IMPORT.get(each.path.split("/")[0])
        for line, name in imports(each):
            top = name.split(".")[0]
            if allowed is not None and top not in allowed and top not in sys.stdlib_module_names:
                found.append(f"{each.path}:{line}: imports {top}")
    return found


def connectors_known(modules: Iterable[Module]) -> list[str]:
    """Modules of hub that know the connectors, though only wiring and the command line may."""
    strangers = [m for m in modules if m.path.startswith("hub/") and not m.path.startswith(KNOW_CONNECTORS)]
    return [
        f"{m.path}:{line}: imports {name}" for m in strangers for line, name in imports(m) if _top(name) == "connectors"
    ]


def relative_imports(modules: Iterable[Module]) -> list[str]:
    """Relative imports, which would hide from the other rules."""
    nodes = ((m, node) for m in modules for node in ast.walk(m.tree))
    return [f"{m.path}:{n.lineno}: relative import" for m, n in nodes if isinstance(n, ast.ImportFrom) and n.level]


def xml_parsers(modules: Iterable[Module]) -> list[str]:
    """Parsing of XML outside connectors/safe_xml.py."""
    found = []
    for each in modules:
        if each.path == "connectors/safe_xml.py":
            continue
        found += [f"{each.path}:{line}: imports {name}" for line, name in imports(each) if _is_xml_parser(name)]
        used = [(call, name) for call, name in calls(each) if name.startswith(("etree.", "lxml.", "objectify."))]
        found += [f"{each.path}:{call.lineno}: {n}" for call, n in used if n.rpartition(".")[2] in _XML_PARSERS]
    return found


def _is_xml_parser(name: str) -> bool:
    top, last = _top(name), name.rpartition(".")[2]
    return top in ("defusedxml",) or name.startswith("xml.") or (top == "lxml" and last in _XML_PARSERS)


def prints(modules: Iterable[Module]) -> list[str]:
    """Calls of print."""
    return [f"{m.path}:{call.lineno}: print" for m in modules for call, name in calls(m) if name == "print"]


def own_clocks(modules: Iterable[Module]) -> list[str]:
    """Readings of the clock outside the clock port."""
    rest = [m for m in modules if not m.path.startswith(CLOCKS)]
    return [f"{m.path}:{call.lineno}: {name}" for m in rest for call, name in calls(m) if name.endswith(_NOW)]


def own_chance(modules: Iterable[Module]) -> list[str]:
    """Randomness made in contracts or consent instead of passed in."""
    pure = [m for m in modules if m.path.startswith(("contracts/", "consent/"))]
    return [f"{m.path}:{call.lineno}: {name}" for m in pure for call, name in calls(m) if name.startswith(_CHANCE)]


def loud_logs(modules: Iterable[Module], allowed: frozenset[str]) -> list[str]:
    """Log calls with a text that is not fixed, with arguments for it, or under a key that is not on the list."""
    found = []
    for each in modules:
        for call, name in _log_calls(each):
            fixed = len(call.args) == 1 and isinstance(call.args[0], ast.Constant)
            keys = {keyword.arg or "**" for keyword in call.keywords} - allowed - {"exc_info"}
            if not fixed or keys:
                found.append(f"{each.path}:{call.lineno}: {name} {sorted(keys)}")
    return found


def _log_calls(module: Module) -> Iterable[tuple[ast.Call, str]]:
    """Calls on a logger: a name such as ``self._log``, or what a call of ``get_logger`` gives."""
    for call, _ in calls(module):
        function = call.func
        if isinstance(function, ast.Attribute) and function.attr in _LOG_METHODS:
            made = isinstance(function.value, ast.Call)
            owner = dotted(function.value.func if isinstance(function.value, ast.Call) else function.value)
            if owner.rpartition(".")[2].lstrip("_") in (("get_logger",) if made else ("log", "logger")):
                yield call, f"{owner}.{function.attr}"


def swallowed(modules: Iterable[Module]) -> list[str]:
    """Handlers that catch everything and do nothing."""
    handlers = ((m, n) for m in modules for n in ast.walk(m.tree) if isinstance(n, ast.ExceptHandler))
    wide = [(m, n) for m, n in handlers if n.type is None or dotted(n.type) in ("Exception", "BaseException")]
    idle = (ast.Pass, ast.Continue)
    return [f"{m.path}:{n.lineno}: swallowed" for m, n in wide if all(isinstance(each, idle) for each in n.body)]


def unfinished(modules: Iterable[Module]) -> list[str]:
    """Notes of work left, and bodies that only say "not implemented" outside an abstract class."""
    lines = ((m, number, line) for m in modules for number, line in enumerate(m.text.splitlines(), 1))
    return [f"{m.path}:{number}: unfinished" for m, number, line in lines if any(word in line for word in _UNFINISHED)]


def tests_without_assert(modules: Iterable[Module]) -> list[str]:
    """Tests that can hardly fail: no assert, no ``raises``, no search, no property of not raising (``@given``)."""
    found = []
    for each in modules:
        asserting = _asserting(each)
        tests = [f for f in each.functions() if f.name.startswith("test_")]
        found += [f"{each.path}:{f.lineno}: {f.name} asserts nothing" for f in tests if f.name not in asserting]
    return found


def _asserting(module: Module) -> set[str]:
    """The functions of a module that assert, or call one that does."""
    asserting: set[str] = set()
    growing = True
    while growing:
        found = {f.name for f in module.functions() if any(_asserts(node, asserting) for node in ast.walk(f))}
        growing, asserting = found != asserting, found
    return asserting


def _asserts(node: ast.AST, known: set[str]) -> bool:
    if isinstance(node, ast.Assert):
        return True
    name = dotted(node.func).rpartition(".")[2] if isinstance(node, ast.Call) else ""
    by_name = name.startswith(("assert", "check", "expect", "verify"))  # a verifier raises
    return by_name or name in known or name in ("raises", "fail", "find", "given")


def skipped_tests(modules: Iterable[Module]) -> list[str]:
    """Tests that may be left out without anybody noticing."""
    banned = ("skip", "skipif", "xfail", "importorskip")
    nodes = ((m, n) for m in modules for n in ast.walk(m.tree) if isinstance(n, ast.Attribute) and n.attr in banned)
    return [f"{m.path}:{n.lineno}: {n.attr}" for m, n in nodes if dotted(n).startswith("pytest.")]


def _top(name: str) -> str:
    return name.split(".")[0]


def rooms_of(modules: Iterable[Module]) -> set[str]:
    """The rooms that the modules are in."""
    return {m.path.split("/")[0] for m in modules} & set(ROOMS)
