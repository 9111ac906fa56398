"""The mapping files that come with a connector, read from its own folder ``mappings/``."""

import re
from collections.abc import Mapping
from importlib.resources import files
from typing import Any, Final

from connectors.port import MappingInvalid
from contracts.errors import JsonInvalid
from contracts.strict_json import loads

_NAME: Final = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


def names(package: str | None) -> tuple[str, ...]:
    """The names of the mappings of this connector package, sorted."""
    folder = files(package or "connectors").joinpath("mappings")
    return tuple(sorted(item.name.removesuffix(".json") for item in folder.iterdir() if item.name.endswith(".json")))


def shipped(package: str | None, name: str) -> Mapping[str, Any]:
    """A shipped mapping, not yet checked. Raises ``MappingInvalid`` when there is none of this name."""
    if not _NAME.fullmatch(name) or name not in names(package):
        raise MappingInvalid("er is geen meegeleverde mapping met deze naam")
    return parse(files(package or "connectors").joinpath("mappings", f"{name}.json").read_bytes())


def parse(raw: bytes) -> Mapping[str, Any]:
    """A mapping file. Raises ``MappingInvalid`` when it is not a JSON object."""
    try:
        found = loads(raw)
    except JsonInvalid:
        found = None
    if not isinstance(found, dict):
        raise MappingInvalid("de mapping is geen JSON-object")
    return found
