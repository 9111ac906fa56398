"""What the commands say when they are not understood: one language, that of their readers."""

from collections.abc import Iterator
from typing import Any

import click
import pytest

from consent import audit
from hub import cli

ENGLISH = ("Error:", "Usage:", "Options:", "Commands:", "No such", "Missing", "Show this", "Try '", "[required]")


def commands() -> Iterator[tuple[str, ...]]:
    """Every command, by its words."""
    context = click.Context(cli.cli)
    for name in cli.COMMANDS:
        command: Any = cli.cli.get_command(context, name)
        yield (name,)
        if isinstance(command, click.Group):
            yield from ((name, each) for each in command.commands)


@pytest.mark.parametrize("words", list(commands()), ids=" ".join)
def test_help_and_mistakes_are_in_dutch(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    for more in (("--help",), ("--onbekend",)):
        with pytest.raises(SystemExit):
            cli.main([*words, *more])
        told = capsys.readouterr()
        assert "Gebruik:" in told.out + told.err
        assert [word for word in ENGLISH if word in told.out + told.err] == []


def test_the_verifier_speaks_it_too(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as end:
        audit.main(["--onbekend"])
    assert end.value.code == 2 and "niet begrepen: --onbekend" in capsys.readouterr().err
