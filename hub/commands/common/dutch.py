"""What click itself says, in the language of who reads it: its errors and its help.

click looks every sentence up with ``gettext``; here is the catalogue, put where it looks. A sentence that is not in it
stays as it is.
"""

from collections.abc import Callable
from importlib import import_module
from typing import Final

_MODULES: Final = ("core", "decorators", "exceptions", "formatting", "parser", "types")
_WORDS: Final = {
    "Usage:": "Gebruik:",
    "Options": "Opties",
    "Commands": "Opdrachten",
    "Positional arguments": "Argumenten",
    "required": "verplicht",
    "default: {default}": "standaard: {default}",
    "Show this message and exit.": "Toon deze uitleg.",
    "Show the version and exit.": "Toon de versie.",
    "%(prog)s, version %(version)s": "%(prog)s, versie %(version)s",
    "Try '{command} {option}' for help.": "Uitleg geeft: {command} {option}",
    "Error: {message}": "Fout: {message}",
    "Invalid value: {message}": "Dit klopt niet: {message}",
    "Invalid value for {param_hint}: {message}": "Dit klopt niet bij {param_hint}: {message}",
    "Missing argument": "Er ontbreekt een argument",
    "Missing option": "Er ontbreekt een optie",
    "Missing parameter": "Er ontbreekt iets",
    "Missing parameter: {param_name}": "Er ontbreekt: {param_name}",
    "Missing {param_type}": "Er ontbreekt: {param_type}",
    "Missing command.": "Er ontbreekt een opdracht.",
    "No such command {name!r}.": "De opdracht {name!r} bestaat niet.",
    "No such option {name!r}.": "De optie {name!r} bestaat niet.",
    "Did you mean {possibility}?": "Bedoelde u {possibility}?",
    "(Did you mean one of: {possibilities}?)": "(Bedoelde u een van deze: {possibilities}?)",
    "Option {name!r} does not take a value.": "Bij de optie {name!r} hoort geen waarde.",
    "Option {name!r} requires an argument.": "Bij de optie {name!r} hoort een waarde.",
    "Got unexpected extra argument ({args})": "Hier staat iets te veel ({args})",
    "Got unexpected extra arguments ({args})": "Hier staat iets te veel ({args})",
    "Choose from:\n\t{choices}": "Kies uit:\n\t{choices}",
    "{value!r} is not one of {choices}.": "{value!r} is niet een van {choices}.",
    "{value!r} is not one of {choice}.": "{value!r} is niet {choice}.",
    "{value!r} is not a valid {number_type}.": "{value!r} is geen geldig getal ({number_type}).",
    "{name} {filename!r} does not exist.": "{filename!r} is er niet.",
    "{name} {filename!r} is a file.": "{filename!r} is een bestand; hier hoort een map.",
    "{name} {filename!r} is a directory.": "{filename!r} is een map; hier hoort een bestand.",
    "{name} {filename!r} is not readable.": "{filename!r} is niet te lezen.",
    "Could not open file {filename!r}: {message}": "{filename!r} is niet te openen: {message}",
    "Aborted!": "Afgebroken.",
}


def speak_dutch() -> None:
    """Have click speak Dutch in this process."""
    for name in _MODULES:
        module = import_module(f"click.{name}")
        for looked_up, said in _LOOKED_UP.items():
            if hasattr(module, looked_up):
                setattr(module, looked_up, said)


def _one(text: str) -> str:
    return _WORDS.get(text, text)


def _count(one: str, many: str, number: int) -> str:
    return _one(one if number == 1 else many)


_LOOKED_UP: Final[dict[str, Callable[..., str]]] = {"_": _one, "ngettext": _count}
