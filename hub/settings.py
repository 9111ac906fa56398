"""All settings, in one frozen value. A wrong one stops the start, with one sentence that names it, never its value.

Secrets are never settings: a setting names the *file* that holds one. ``python -m hub.settings`` writes
``deploy/env.example``; with ``--markdown`` it writes the table of ``deploy/README.md``.
"""

import difflib
import os
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from environs import Env, EnvError
from marshmallow import ValidationError

from contracts.retention import terms as retention

PREFIX = "HUB_"
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
_DATABASES = ("sqlite", "postgresql", "postgresql+psycopg")


class SettingsInvalid(Exception):
    """The settings do not let the hub start. Its text is one sentence for the operator."""


class Environment(StrEnum):
    """``demo`` may send webhooks over plain http to the named targets, and may hold passwords in addresses."""

    PRODUCTION = "productie"
    DEMO = "demo"


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """A host and port to which webhooks may go although the private-address guard would refuse it."""

    host: str
    port: int


class _MappingEnv(Env):
    """environs, reading one mapping instead of the process's own environment."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        super().__init__(expand_vars=False)
        self._mapping = dict(environ)

    def _get_value(self, env_key: str, default: Any) -> Any:
        value = self._mapping.get(env_key, "")
        return default if value == "" else value  # an empty value means "not set", as in a compose file


_Reader = Callable[[_MappingEnv, str, Any], Any]


def _integer(low: int, high: int) -> _Reader:
    def read(env: _MappingEnv, name: str, default: Any) -> int:
        def in_range(value: int) -> None:
            if not low <= value <= high:
                raise ValidationError("out of range")

        return int(env.int(name, default, validate=in_range))

    return read


def _text(env: _MappingEnv, name: str, default: Any) -> str:
    value = str(env.str(name, default))
    if any(character.isspace() or not character.isprintable() for character in value):
        raise EnvError("blank or control character")
    return value


def _path(env: _MappingEnv, name: str, default: Any) -> Path | None:
    return None if default is None and not env.str(name, "") else Path(env.path(name, default))


def _choice(kind: type[StrEnum]) -> _Reader:
    return lambda env, name, default: env.enum(name, default, enum=kind, by_value=True)


def _level(env: _MappingEnv, name: str, default: Any) -> str:
    level = str(env.str(name, default)).upper()
    if level not in ("DEBUG", "INFO", "WARNING", "ERROR"):
        raise EnvError("no such level")
    return level


def _host(env: _MappingEnv, name: str, default: Any) -> str:
    value = _text(env, name, default)
    if not (_HOST.fullmatch(value) or _HOST.fullmatch(f"[{value}]")):
        raise EnvError("no host")
    return value


def _targets(env: _MappingEnv, name: str, _default: Any) -> frozenset[Target]:
    parts = [part.strip() for part in str(env.str(name, "")).split(",") if part.strip()]
    return frozenset(_target(part) for part in parts)


def _target(text: str) -> Target:
    host, _, port = text.rpartition(":")
    if not _HOST.fullmatch(host) or not re.fullmatch(r"[0-9]{1,5}", port) or not 1 <= int(port) <= 65535:
        raise EnvError("no host:port")
    return Target(host.strip("[]").lower(), int(port))


@dataclass(frozen=True, slots=True)
class _Rule:
    """How a value is read, and how the sentence of a refusal ends."""

    read: _Reader
    belongs: str


_ENVIRONMENT = _Rule(_choice(Environment), "productie of demo")
_FOLDER = _Rule(_path, "een map")
_FILE = _Rule(_path, "een leesbaar bestand")
_DATABASE = _Rule(_text, "een adres met sqlite: of postgresql:")
_BROKER = _Rule(_text, "memory:// of een adres met amqp:")
_BASE = _Rule(_text, "een https-adres zonder pad (http alleen op deze machine)")
_HOST_NAME = _Rule(_host, "een naam of adres van een machine")
_PORT = _Rule(_integer(1, 65535), "een poort van 1 tot en met 65535, die geen andere instelling noemt")
_WORKERS = _Rule(_integer(1, 64), "een getal van 1 tot en met 64; meer dan 1 kan alleen op PostgreSQL")
_THREADS = _Rule(_integer(4, 256), "een getal van 4 tot en met 256")
_TARGETS = _Rule(_targets, "een lijst van host:poort, met komma's")
_LEVEL = _Rule(_level, "DEBUG, INFO, WARNING of ERROR")


def _setting(name: str, rule: _Rule, default: Any, shown: str, help_text: str) -> Any:
    """A field with all that its documentation needs; ``shown`` is its default as a person reads it."""
    return field(default=default, metadata={"name": name, "rule": rule, "shown": shown, "help": help_text})


# fmt: off
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the environment says. Paths are as given; addresses already hold the password of their file."""

    env: Environment = _setting(
        "HUB_ENV", _ENVIRONMENT, Environment.PRODUCTION, "productie",
        "`productie`, or `demo`: only then may webhooks to HUB_WEBHOOK_TOEGESTAAN go over plain http.",
    )
    data_dir: Path = _setting(
        "HUB_DATA_DIR", _FOLDER, Path("./var"), "./var",
        "Folder with the database, the keys and the state of the log.",
    )
    database_url: str = _setting(
        "HUB_DATABASE_URL", _DATABASE, "", "",
        "Address of the database. Default: a SQLite file hub.db in the data folder. More than one process needs"
        " PostgreSQL.",
    )
    database_password_file: Path | None = _setting(
        "HUB_DATABASE_PASSWORD_FILE", _FILE, None, "",
        "File with the password of the PostgreSQL account that the address names.",
    )
    keys_url: str = _setting(
        "HUB_KEYS_URL", _DATABASE, "", "",
        "Address of the store of the persons' keys, which is backed up apart. Default: a SQLite file keys.db in the"
        " data folder, or the database itself when that is PostgreSQL.",
    )
    broker_url: str = _setting(
        "HUB_BROKER_URL", _BROKER, "memory://", "memory://",
        "Address of the broker: memory:// inside one process, or amqp:// or amqps:// for RabbitMQ.",
    )
    broker_password_file: Path | None = _setting(
        "HUB_BROKER_PASSWORD_FILE", _FILE, None, "",
        "File with the password of the RabbitMQ account that the address names.",
    )
    base_url: str = _setting(
        "HUB_BASE_URL", _BASE, "", "",
        "Address at which partners reach the hub. Default: http on HUB_HOST and HUB_PORT.",
    )
    host: str = _setting(
        "HUB_HOST", _HOST_NAME, "127.0.0.1", "127.0.0.1",
        "Address on which the hub and its metrics listen.",
    )
    port: int = _setting(
        "HUB_PORT", _PORT, 8080, "8080",
        "Port of the API.",
    )
    metrics_port: int = _setting(
        "HUB_METRICS_PORT", _PORT, 9108, "9108",
        "Port of the metrics, and of nothing else.",
    )
    workers: int = _setting(
        "HUB_WORKERS", _WORKERS, 1, "1",
        "Number of worker processes; more than 1 only on PostgreSQL.",
    )
    threads: int = _setting(
        "HUB_THREADS", _THREADS, 32, "32",
        "Requests that one worker handles at a time, 4 to 256; a quarter of them may be waiting polls.",
    )
    master_key_file: Path | None = _setting(
        "HUB_MASTER_KEY_FILE", _FILE, None, "",
        "File with the master key that wraps all other keys. Default: keys/master.key in the data folder.",
    )
    webhook_toegestaan: frozenset[Target] = _setting(
        "HUB_WEBHOOK_TOEGESTAAN", _TARGETS, frozenset(), "",
        "Targets (host:port, with commas) to which webhooks may go although their address is private.",
    )
    bewaartermijnen_file: Path | None = _setting(
        "HUB_BEWAARTERMIJNEN_FILE", _FILE, None, "",
        "File (JSON) with terms that replace those of contracts/retention/bewaartermijnen.json.",
    )
    log_level: str = _setting(
        "HUB_LOG_LEVEL", _LEVEL, "INFO", "INFO",
        "How much the hub logs: DEBUG, INFO, WARNING or ERROR.",
    )
    # fmt: on

    @property
    def on_postgresql(self) -> bool:
        """True when the database is PostgreSQL, so that more than one process may use it."""
        return urlsplit(self.database_url).scheme.startswith("postgresql")

    @property
    def terms(self) -> retention.Terms:
        """How long what is kept. Raises ``SettingsInvalid``."""
        try:
            return retention.load(self.bewaartermijnen_file)
        except OSError:
            raise _refusal("bewaartermijnen_file") from None
        except retention.TermsInvalid as error:
            raise SettingsInvalid(f"HUB_BEWAARTERMIJNEN_FILE, {error}.") from None

    @property
    def master_key(self) -> Path:
        """The file of the master key."""
        return self.master_key_file or self.data_dir / "keys" / "master.key"

    def __repr__(self) -> str:
        """Only what holds no secret: addresses may hold a password."""
        return f"Settings(env={self.env.value}, data_dir={str(self.data_dir)!r}, port={self.port})"


def load(environ: Mapping[str, str]) -> Settings:
    """The settings in ``environ``. Raises ``SettingsInvalid`` for an unknown ``HUB_`` name or a bad value."""
    _refuse_unknown(environ)
    env = _MappingEnv(environ)
    values = {each.name: _read(env, each) for each in fields(Settings)}
    main = values["database_url"] or f"sqlite:///{values['data_dir'] / 'hub.db'}"
    beside = f"sqlite:///{values['data_dir'] / 'keys.db'}" if main.startswith("sqlite") else main
    # The main one first: where it is wrong, the keys that would lie beside it are not to blame.
    database_url = _database(values, "database_url", main)
    values["keys_url"] = _database(values, "keys_url", beside)
    values["database_url"] = database_url
    values["broker_url"] = _broker(values)
    values["base_url"] = _base(values)
    settings = Settings(**values)
    _refuse_contradictions(settings)
    return settings


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    known = [each.metadata["name"] for each in fields(Settings)]
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f" Bedoelde u {near[0]}?" if near else ""
            raise SettingsInvalid(f"De instelling {name} bestaat niet.{hint}")


def _refusal(name: str) -> SettingsInvalid:
    attribute = next(each for each in fields(Settings) if name in (each.name, each.metadata["name"]))
    return SettingsInvalid(f"In de instelling {attribute.metadata['name']} hoort {attribute.metadata['rule'].belongs}.")


def _read(env: _MappingEnv, attribute: "Field[Any]") -> Any:
    default = None if attribute.default is MISSING else attribute.default
    try:
        return attribute.metadata["rule"].read(env, attribute.metadata["name"], default)
    except (EnvError, ValueError):
        # `from None`: the cause repeats the value.
        raise _refusal(attribute.name) from None


def _database(values: Mapping[str, Any], name: str, default: str) -> str:
    url = values[name] or default
    parts = _split(url, name)
    if parts.scheme not in _DATABASES or (parts.scheme != "sqlite" and not parts.path.strip("/")):
        raise _refusal(name)
    if parts.scheme == "sqlite":
        return str(url)
    psycopg = "postgresql+psycopg" + url[len(parts.scheme) :]
    return _with_password(psycopg, values, name, "database_password_file")


def _broker(values: Mapping[str, Any]) -> str:
    url = str(values["broker_url"])
    parts = _split(url, "broker_url")
    if parts.scheme == "memory":
        return "memory://"
    if parts.scheme not in ("amqp", "amqps") or not parts.hostname:
        raise _refusal("broker_url")
    return _with_password(url, values, "broker_url", "broker_password_file")


def _split(url: str, name: str) -> Any:
    try:
        parts = urlsplit(url)
        _ = parts.port  # urlsplit looks at the port only when it is asked for
    except ValueError:
        raise _refusal(name) from None
    return parts


def _with_password(url: str, values: Mapping[str, Any], name: str, file_name: str) -> str:
    """The address with the password of its file in it. One already in it is refused, but RabbitMQ's public guest."""
    parts = _split(url, name)
    if parts.password is not None:
        guest = (parts.username, parts.password) == ("guest", "guest") and parts.hostname in _LOOPBACK
        if not guest and values["env"] is not Environment.DEMO:
            raise SettingsInvalid(
                f"In de instelling {PREFIX}{name.upper()} staat een wachtwoord: zet dat in het bestand dat"
                f" {PREFIX}{file_name.upper()} noemt."
            )
        return url
    path = values[file_name]
    if path is None:
        return url
    if parts.username is None:
        raise SettingsInvalid(f"De instelling {PREFIX}{name.upper()} noemt niet van wie het wachtwoord is.")
    account, at, rest = url.partition("@")
    return f"{account}:{quote(_secret(path, file_name), safe='')}{at}{rest}"


def _secret(path: Path, name: str) -> str:
    try:
        secret = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise _refusal(name) from None
    if not secret:
        raise _refusal(name)
    return secret


def _base(values: Mapping[str, Any]) -> str:
    url = str(values["base_url"]) or f"http://{_reachable(values['host'])}:{values['port']}"
    parts = _split(url, "base_url")
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise _refusal("base_url")
    if parts.path.strip("/") or parts.query or parts.fragment:
        raise _refusal("base_url")
    own = not values["base_url"] or parts.hostname in _LOOPBACK or values["env"] is Environment.DEMO
    if parts.scheme == "http" and not own:
        raise _refusal("base_url")
    return f"{parts.scheme}://{parts.netloc}"


def _reachable(host: str) -> str:
    """A host as it stands in an address; "every address" is reached here through loopback."""
    if host in ("0.0.0.0", "::", "[::]"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def _refuse_contradictions(settings: Settings) -> None:
    _ = settings.terms  # a file of terms that cannot be used stops the start
    if settings.metrics_port == settings.port:
        raise _refusal("metrics_port")
    if settings.workers > 1 and not settings.on_postgresql:
        raise _refusal("workers")
    if settings.on_postgresql and settings.keys_url.startswith("sqlite"):
        raise SettingsInvalid("In de instelling HUB_KEYS_URL hoort een adres met postgresql:, zoals de database.")


def env_example() -> str:
    """The text of ``deploy/env.example``: every setting with its help and its default."""
    lines = ["# Made by `python -m hub.settings > deploy/env.example`. Each line shows the default.", ""]
    for each in fields(Settings):
        lines += [f"# {each.metadata['help']}", f"#{each.metadata['name']}={each.metadata['shown']}", ""]
    return "\n".join(lines)


def markdown_table() -> str:
    """The settings as the table of ``deploy/README.md``."""
    told = [each.metadata for each in fields(Settings)]
    rows = [f"| `{one['name']}` | {one['shown'] or '–'} | {one['help']} |" for one in told]
    return "\n".join(["| setting | default | what it does |", "|---|---|---|", *rows, ""])


def _write(arguments: list[str]) -> None:
    sys.stdout.write(markdown_table() if "--markdown" in arguments else env_example())


def from_process() -> Settings:
    """The settings in the environment of this process."""
    return load(os.environ)


if __name__ == "__main__":
    _write(sys.argv[1:])
