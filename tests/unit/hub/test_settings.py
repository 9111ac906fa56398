"""Settings: defaults, every bad value stops the start with a sentence, and no sentence repeats a value."""

import re
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, fields
from pathlib import Path

import pytest

from hub.settings import Environment, Settings, SettingsInvalid, Target, env_example, load, markdown_table

POSTGRES = "postgresql://hub@db.example/hub"


def test_defaults_are_the_embedded_hub() -> None:
    settings = load({})
    assert settings.env is Environment.PRODUCTION
    assert settings.database_url == "sqlite:///var/hub.db"
    assert settings.keys_url == "sqlite:///var/keys.db"
    assert settings.broker_url == "memory://"
    assert settings.base_url == "http://127.0.0.1:8080"
    assert (settings.host, settings.port, settings.metrics_port, settings.workers) == ("127.0.0.1", 8080, 9108, 1)
    assert settings.master_key == Path("var/keys/master.key")
    assert settings.webhook_toegestaan == frozenset()


def test_the_data_folder_moves_database_keys_and_master_key(tmp_path: Path) -> None:
    settings = load({"HUB_DATA_DIR": str(tmp_path)})
    assert settings.database_url == f"sqlite:///{tmp_path}/hub.db"
    assert settings.keys_url == f"sqlite:///{tmp_path}/keys.db"
    assert settings.master_key == tmp_path / "keys/master.key"


def test_an_empty_value_means_not_set() -> None:
    assert load({"HUB_PORT": "", "HUB_ENV": "", "HUB_MASTER_KEY_FILE": ""}) == load({})


def test_postgresql_uses_psycopg_and_holds_the_keys_too() -> None:
    settings = load({"HUB_DATABASE_URL": POSTGRES, "HUB_WORKERS": "3"})
    assert settings.database_url == "postgresql+psycopg://hub@db.example/hub"
    assert settings.keys_url == settings.database_url
    assert settings.on_postgresql and settings.workers == 3


def test_targets_are_read_as_host_and_port() -> None:
    settings = load({"HUB_WEBHOOK_TOEGESTAAN": "127.0.0.1:9001, Ontvanger.Local:443,[::1]:8443"})
    assert settings.webhook_toegestaan == {
        Target("127.0.0.1", 9001),
        Target("ontvanger.local", 443),
        Target("::1", 8443),
    }


def test_other_variables_are_left_alone() -> None:
    assert load({"PATH": "/usr/bin", "HUBBLE": "1", "GITHUB_TOKEN": "x"}) == load({})


def test_settings_are_read_from_the_mapping_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB_PORT", "9999")
    assert load({}).port == 8080


def test_an_unknown_name_stops_the_start_and_names_the_near_one() -> None:
    with pytest.raises(SettingsInvalid, match=r"HUB_DATABSE_URL bestaat niet\. Bedoelde u HUB_DATABASE_URL"):
        load({"HUB_DATABSE_URL": "sqlite:///x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("HUB_ENV", "geheimwaarde"),
        ("HUB_PORT", "geheimwaarde"),
        ("HUB_PORT", "0"),
        ("HUB_PORT", "65536"),
        ("HUB_PORT", "8080.5"),
        ("HUB_PORT", "9108"),
        ("HUB_METRICS_PORT", "8080"),
        ("HUB_WORKERS", "0"),
        ("HUB_WORKERS", "2"),
        ("HUB_THREADS", "3"),
        ("HUB_HOST", "geheim waarde"),
        ("HUB_HOST", "geheim/waarde"),
        ("HUB_LOG_LEVEL", "geheimwaarde"),
        ("HUB_DATABASE_URL", "mysql://geheimwaarde/hub"),
        ("HUB_DATABASE_URL", "geheimwaarde"),
        ("HUB_DATABASE_URL", "postgresql://geheimwaarde"),
        ("HUB_DATABASE_URL", "postgresql://geheimwaarde:geheimpoort/hub"),
        ("HUB_KEYS_URL", "redis://geheimwaarde"),
        ("HUB_BROKER_URL", "redis://geheimwaarde"),
        ("HUB_BROKER_URL", "amqp://"),
        ("HUB_BASE_URL", "ftp://geheimwaarde"),
        ("HUB_BASE_URL", "https://geheimwaarde/pad"),
        ("HUB_BASE_URL", "https://geheimwaarde/?q=1"),
        ("HUB_BASE_URL", "https://naam:geheim@hub.example"),
        ("HUB_BASE_URL", "http://geheimwaarde.example"),
        ("HUB_WEBHOOK_TOEGESTAAN", "geheimwaarde"),
        ("HUB_WEBHOOK_TOEGESTAAN", "geheimwaarde:0"),
        ("HUB_WEBHOOK_TOEGESTAAN", "geheimwaarde:٣"),
        ("HUB_WEBHOOK_TOEGESTAAN", "127.0.0.1:80;geheimwaarde:1"),
    ],
)
def test_a_bad_value_stops_the_start_with_one_sentence_without_the_value(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        load({name: value})
    sentence = str(caught.value)
    assert re.match("(De|In de) instelling HUB_", sentence) and sentence.endswith(".") and "\n" not in sentence
    assert "geheim" not in sentence
    assert caught.value.__context__ is None or caught.value.__suppress_context__


@pytest.mark.parametrize("name", ["HUB_DATABASE_URL", "HUB_BROKER_URL"])
def test_a_password_in_an_address_is_refused_but_in_the_demo(name: str) -> None:
    scheme = "postgresql" if "DATABASE" in name else "amqp"
    url = f"{scheme}://hub:geheimwaarde@db.example/hub"
    with pytest.raises(SettingsInvalid, match="staat een wachtwoord") as caught:
        load({name: url})
    assert "geheimwaarde" not in str(caught.value)
    assert "geheimwaarde" in _address(load({name: url, "HUB_ENV": "demo"}), name)


def test_the_public_guest_account_of_rabbitmq_is_no_secret_on_loopback() -> None:
    assert load({"HUB_BROKER_URL": "amqp://guest:guest@127.0.0.1:5672//"}).broker_url.startswith("amqp://guest:guest@")
    with pytest.raises(SettingsInvalid):
        load({"HUB_BROKER_URL": "amqp://guest:guest@broker.example:5672//"})


def test_passwords_come_from_files(tmp_path: Path) -> None:
    secret = tmp_path / "wachtwoord"
    secret.write_text("p@ss/w:rd\n")
    environ = {"HUB_DATABASE_URL": POSTGRES, "HUB_DATABASE_PASSWORD_FILE": str(secret)}
    settings = load(environ)
    assert settings.database_url == "postgresql+psycopg://hub:p%40ss%2Fw%3Ard@db.example/hub"
    assert "p%40ss" not in repr(settings) and "p@ss" not in str(settings)


@pytest.mark.parametrize("content", [None, "", "  \n"])
def test_a_missing_or_empty_password_file_stops_the_start(tmp_path: Path, content: str | None) -> None:
    secret = tmp_path / "wachtwoord"
    if content is not None:
        secret.write_text(content)
    with pytest.raises(SettingsInvalid, match="HUB_BROKER_PASSWORD_FILE hoort een leesbaar bestand"):
        load({"HUB_BROKER_URL": "amqp://hub@mq.example//", "HUB_BROKER_PASSWORD_FILE": str(secret)})


def test_keys_on_sqlite_beside_postgresql_are_refused() -> None:
    with pytest.raises(SettingsInvalid, match="HUB_KEYS_URL"):
        load({"HUB_DATABASE_URL": POSTGRES, "HUB_KEYS_URL": "sqlite:///keys.db"})


def test_an_https_base_address_loses_its_trailing_slash() -> None:
    assert load({"HUB_BASE_URL": "https://hub.example:8443/"}).base_url == "https://hub.example:8443"
    assert load({"HUB_HOST": "0.0.0.0"}).base_url == "http://127.0.0.1:8080"
    assert load({"HUB_HOST": "::1"}).base_url == "http://[::1]:8080"


def test_settings_cannot_be_changed() -> None:
    with pytest.raises(FrozenInstanceError):
        load({}).port = 1  # type: ignore[misc]


def test_every_setting_stands_in_the_example_and_the_table_with_help() -> None:
    example, table = env_example(), markdown_table()
    for each in fields(Settings):
        name = each.metadata["name"]
        assert f"\n#{name}={each.metadata['shown']}\n" in example
        assert f"| `{name}` |" in table
        assert len(each.metadata["help"]) > 15


def test_the_example_uncommented_loads_as_the_defaults() -> None:
    lines = [line[1:] for line in env_example().splitlines() if line.startswith("#HUB_")]
    environ: Mapping[str, str] = dict(line.split("=", 1) for line in lines)
    assert len(environ) == len(fields(Settings)) and load(environ) == load({})


def _address(settings: Settings, name: str) -> str:
    return settings.database_url if "DATABASE" in name else settings.broker_url


def test_a_file_of_terms_is_looked_at_before_the_start(tmp_path: Path) -> None:
    path = tmp_path / "termijnen.json"
    setting = {"HUB_BEWAARTERMIJNEN_FILE": str(path)}
    with pytest.raises(SettingsInvalid, match="HUB_BEWAARTERMIJNEN_FILE hoort een leesbaar bestand"):
        load(setting)
    path.write_text('{"inhoud": [], "bewijs": [{"doel": "rechten", "jaren": 0, "reden": "geheim"}]}')
    with pytest.raises(SettingsInvalid, match=r"HUB_BEWAARTERMIJNEN_FILE, bewijs\[0\]\.jaren: .*") as refused:
        load(setting)
    assert "geheim" not in str(refused.value)
    path.write_text('{"inhoud": [], "bewijs": [{"doel": "rechten", "jaren": 6, "reden": "proef"}]}')
    assert load(setting).terms.evidence_years() == 6 and load({}).terms.evidence_years() == 5
