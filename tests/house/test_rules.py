"""Every house rule catches a small bad sample, and lets a good one pass."""

from functools import partial

import pytest

from tests.house import rules
from tests.house.source import length, module

LOGS = partial(rules.loud_logs, allowed=frozenset({"count"}))
SIX = "def f(a: int, b: int, c: int, d: int, e: int, *, f: int) -> None: ..."
HELPED = "def helper() -> None:\n    assert a()\ndef test_a() -> None:\n    helper()"
LONG = "def f() -> None:\n" + "    a()\n" * 60


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (rules.too_long, "hub/a.py", "a = 1\n" * 401),
        (rules.too_long, "hub/a.py", LONG),
        (rules.unannotated, "hub/a.py", "def f(a): ..."),
        (rules.unannotated, "hub/a.py", "def f(a: int): ..."),
        (rules.unannotated, "hub/a.py", "class A:\n    def f(self, *b) -> None: ..."),
        (rules.many_arguments, "hub/a.py", SIX),
        (rules.badly_named, "hub/store/utils.py", ""),
        (rules.foreign_imports, "contracts/a.py", "import sqlalchemy"),
        (rules.foreign_imports, "contracts/a.py", "def f() -> None:\n    from consent.facts import Facts"),
        (rules.foreign_imports, "consent/a.py", "from flask import request"),
        (rules.foreign_imports, "connectors/x/a.py", "import hub.settings"),
        (rules.connectors_known, "hub/intake/a.py", "from connectors.port import Connector"),
        (rules.relative_imports, "hub/a.py", "from . import app"),
        (rules.xml_parsers, "connectors/x/a.py", "from lxml import etree\netree.fromstring(b'')"),
        (rules.xml_parsers, "connectors/x/a.py", "from lxml.etree import parse"),
        (rules.xml_parsers, "hub/a.py", "import xml.etree.ElementTree"),
        (rules.prints, "hub/a.py", "print(1)"),
        (rules.own_clocks, "hub/intake/a.py", "from datetime import datetime\ndatetime.now()"),
        (rules.own_clocks, "consent/a.py", "import datetime as d\nd.datetime.now(d.UTC)"),
        (rules.own_clocks, "hub/a.py", "import time\ntime.time()"),
        (rules.own_chance, "consent/a.py", "import os\nos.urandom(8)"),
        (rules.own_chance, "contracts/a.py", "import uuid\nuuid.uuid4()"),
        (LOGS, "hub/a.py", "log.info(f'naam {naam}')"),
        (LOGS, "hub/a.py", "log.info('naam %s', naam)"),
        (LOGS, "hub/a.py", "self._logger.warning('een', naam='x')"),
        (LOGS, "hub/a.py", "log.info('een', **event)"),
        (LOGS, "hub/a.py", "structlog.get_logger().info('een', naam='x')"),
        (rules.swallowed, "hub/a.py", "try:\n    a()\nexcept Exception:\n    pass"),
        (rules.unfinished, "hub/a.py", "# TO" + "DO later"),
        (rules.tests_without_assert, "tests/test_a.py", "def test_a() -> None:\n    run()"),
        (rules.skipped_tests, "tests/test_a.py", "import pytest\n@pytest.mark.skip\ndef test_a() -> None: ..."),
    ],
)
def test_a_rule_catches_a_bad_sample(rule: rules.Rule, path: str, text: str) -> None:
    assert len(rule([module(path, text)])) == 1


@pytest.mark.parametrize(
    ("rule", "path", "text"),
    [
        (rules.too_long, "hub/a.py", LONG.replace("    a()\n", "", 1)),
        (rules.unannotated, "hub/a.py", "class A:\n    def __init__(self, b: int): ...\n    def f(self) -> None: ..."),
        (rules.many_arguments, "hub/cli.py", "@main.command()\n" + SIX),
        (rules.foreign_imports, "consent/a.py", "import hashlib\nfrom contracts import errors\nimport sqlalchemy"),
        (rules.connectors_known, "hub/wiring.py", "from connectors.port import Connector"),
        (rules.xml_parsers, "connectors/safe_xml.py", "from lxml import etree\netree.fromstring(b'')"),
        (rules.xml_parsers, "connectors/x/write.py", "from lxml import etree\netree.SubElement(a, 'b')"),
        (rules.own_clocks, "hub/machine/clock.py", "from datetime import datetime\ndatetime.now()"),
        (rules.own_chance, "hub/wiring.py", "import os\nos.urandom(8)"),
        (LOGS, "hub/a.py", "log.info('een', count=3)"),
        (LOGS, "hub/a.py", "structlog.get_logger().info('een', count=3)"),
        (rules.swallowed, "hub/a.py", "try:\n    a()\nexcept ValueError:\n    pass"),
        (rules.tests_without_assert, "tests/test_a.py", HELPED),
    ],
)  # fmt: skip
def test_a_rule_lets_a_good_sample_pass(rule: rules.Rule, path: str, text: str) -> None:
    assert rule([module(path, text)]) == []


def test_a_wide_folder_is_caught_and_a_list_by_nature_is_not() -> None:
    assert rules.too_wide([module(f"hub/a{n}.py", "") for n in range(11)]) == ["hub/ has 11 modules"]
    assert rules.too_wide([module(f"hub/a{n}.py", "") for n in range(10)] + [module("hub/__init__.py", "")]) == []
    assert rules.too_wide([module(f"contracts/kinds/a{n}.py", "") for n in range(30)]) == []


def test_a_cycle_is_caught_also_one_for_types_only() -> None:
    one = module("hub/a.py", "from hub.b import x")
    two = module("hub/b.py", "import typing\nif typing.TYPE_CHECKING:\n    from hub import a")
    assert rules.cycles([one, two]) == ["hub.a → hub.b → hub.a"] or rules.cycles([one, two]) == [
        "hub.b → hub.a → hub.b"
    ]
    assert rules.cycles([one, module("hub/b.py", "def f() -> None:\n    import hub.a")]) == []


def test_a_docstring_does_not_count_as_length() -> None:
    (function,) = module("hub/a.py", 'def f() -> None:\n    """One.\n\n    Two.\n    """\n    a()\n').functions()
    assert length(function) == 2
