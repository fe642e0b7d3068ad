"""Settings: the defaults, and what a wrong one says."""

from __future__ import annotations

import base64

import pytest

from tests.webhook.support import SECRET
from webhook.configuration.protections import PROTECTIONS
from webhook.configuration.settings import Settings, SettingsError, load_settings

REQUIRED = {
    "DATABASE_URL": "postgresql://user:pass-word@127.0.0.1:5432/db",
    "REDIS_URL": "redis://:pass-word@127.0.0.1:6379/0",
    "WEBHOOK_SECRETS": SECRET,
}


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name, value in REQUIRED.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


def complaint(environment: pytest.MonkeyPatch, **variables: str) -> str:
    for name, value in variables.items():
        environment.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    return str(caught.value)


def test_every_protection_is_on_by_default_and_has_its_switch_and_limits() -> None:
    settings = load_settings()
    for protection in PROTECTIONS:
        assert getattr(settings, protection.field) is True
        assert set(protection.limits) <= set(Settings.model_fields)


@pytest.mark.parametrize("protection", PROTECTIONS, ids=lambda protection: protection.name)
def test_every_protection_is_switched_off_by_its_own_variable(
    environment: pytest.MonkeyPatch, protection: object
) -> None:
    name = getattr(protection, "name", "")
    environment.setenv(f"WEBHOOK_{name.replace('.', '_').upper()}", "off")
    environment.setenv("WEBHOOK_ALLOW_UNSAFE", "1")
    settings = load_settings()
    assert [other.name for other in PROTECTIONS if not getattr(settings, other.field)] == [name]


@pytest.mark.parametrize("protection", [one for one in PROTECTIONS if one.unsafe], ids=lambda one: one.name)
def test_what_loses_deliveries_needs_a_second_word(environment: pytest.MonkeyPatch, protection: object) -> None:
    variable = getattr(protection, "variable", "")
    assert f"{variable}=off loses or doubles deliveries" in complaint(environment, **{variable: "off"})


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("WEBHOOK_POOL_SIZE", "many", "valid: a whole number from 1, up to 100000 (default 5)"),
        ("WEBHOOK_POOL_SIZE", "0", "WEBHOOK_POOL_SIZE='0': Input should be greater than or equal to 1"),
        ("WEBHOOK_PORT", "65536", "valid: a whole number from 0, up to 65535 (default 8000)"),
        ("WEBHOOK_POOL_PRE_PING", "maybe", "WEBHOOK_POOL_PRE_PING='maybe': Input should be a valid boolean"),
        ("WEBHOOK_POOL_PRE_PING", "maybe", "valid: on, off"),
        ("WEBHOOK_RETRY_STYLE", "square", "valid: jittered, linear"),
        ("WEBHOOK_REDIS_OPERATION_TIMEOUT_S", "-1", "valid: a number of seconds above 0, or none (default 0.05)"),
        ("WEBHOOK_STATEMENT_TIMEOUT_S", "nan", "valid: a number above 0, up to 86400 (default 2.0)"),
        ("WEBHOOK_SERVER_STATEMENT_TIMEOUT_S", "3", "must be below WEBHOOK_STATEMENT_TIMEOUT_S=2"),
        ("WEBHOOK_DRAIN_GRACE_S", "1.4", "must not be below WEBHOOK_REQUEST_TIMEOUT_S=5"),
        ("WEBHOOK_REQUEST_TIMEOUT_S", "30", "WEBHOOK_DRAIN_GRACE_S=5 must not be below WEBHOOK_REQUEST_TIMEOUT_S=30"),
        ("WEBHOOK_REQUEST_TIMEOUT_S", "30", "set WEBHOOK_DRAIN_GRACE_S=30"),
        ("WEBHOOK_PRE_PING", "off", "WEBHOOK_PRE_PING: there is no such setting; did you mean WEBHOOK_POOL_PRE_PING?"),
        ("DATABASE_URL", "mysql://x/y", "mysql:// is not supported; valid: postgresql://USER:PASSWORD@HOST"),
        ("DATABASE_URL", "nonsense", "not a database URL"),
        ("DATABASE_URL", "postgresql://host", "the URL names no database"),
        ("DATABASE_URL", "postgresql://h/d?ssl_mode=x", "unknown option 'ssl_mode'"),
        ("DATABASE_URL", "postgresql://h/d?sslrootcert=/a", "sslmode=require, verify-ca, verify-full only"),
        ("DATABASE_URL", "postgresql://h/d?sslmode=prefer&sslrootcert=/a", "verify-ca, verify-full only"),
        ("DATABASE_URL", "postgresql://h/d?ssl=require&sslrootcert=/none/a", "there is no file '/none/a'"),
        ("REDIS_URL", "http://x", "the scheme 'http' is not supported; valid: redis://"),
        ("WEBHOOK_SECRETS", ",", "no secret is given"),
        ("WEBHOOK_SECRETS", f"{SECRET},abc", "secret 2 does not begin with whsec_"),
        ("WEBHOOK_SECRETS", "whsec_%%%", "secret 1 is not base64"),
        ("WEBHOOK_SECRETS", "whsec_QUJD", "secret 1 has 3 bytes"),
        ("WEBHOOK_SOURCE_SECRETS", ",", "no secret is given; valid: SOURCE:whsec_BASE64"),
        ("WEBHOOK_SOURCE_SECRETS", SECRET, "secret 1 does not begin with the name of a source and a colon"),
        ("WEBHOOK_SOURCE_SECRETS", f"a:{SECRET},a.b:{SECRET}", "secret 2 does not begin with the name of a source"),
        ("WEBHOOK_SOURCE_SECRETS", f"a:{SECRET},b:abc", "secret 2 does not begin with whsec_"),
    ],
)
def test_a_wrong_value_is_told_with_the_valid_ones(
    environment: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    assert says in complaint(environment, **{variable: value})


@pytest.mark.parametrize("variable", REQUIRED)
def test_a_missing_one_is_named(environment: pytest.MonkeyPatch, variable: str) -> None:
    environment.delenv(variable)
    assert f"{variable} is not set; valid: " in complaint(environment)


def test_all_problems_are_told_at_once(environment: pytest.MonkeyPatch) -> None:
    text = complaint(environment, WEBHOOK_POOL_SIZE="x", WEBHOOK_PORT="y", WEBHOOK_NONSENSE_AT_ALL="z")
    assert all(name in text for name in ("WEBHOOK_POOL_SIZE", "WEBHOOK_PORT", "WEBHOOK_NONSENSE_AT_ALL"))


@pytest.mark.parametrize("switch", ["WEBHOOK_DEADLINE_REQUEST", "WEBHOOK_DRAIN_SIGTERM"])
def test_the_time_to_drain_is_compared_with_a_limit_that_is_in_force(
    environment: pytest.MonkeyPatch, switch: str
) -> None:
    environment.setenv("WEBHOOK_REQUEST_TIMEOUT_S", "30")
    environment.setenv(switch, "off")
    assert load_settings().drain_grace_s == 5


def test_a_source_may_have_several_secrets_of_its_own(environment: pytest.MonkeyPatch) -> None:
    one, two, three = ("whsec_" + base64.b64encode(key * 32).decode() for key in (b"1", b"2", b"3"))
    environment.setenv("WEBHOOK_SOURCE_SECRETS", f"shop:{one}, shop:{two},bank-1:{three}")
    assert load_settings().source_secrets == {"shop": (b"1" * 32, b"2" * 32), "bank-1": (b"3" * 32,)}


@pytest.mark.parametrize("variable", ["DATABASE_URL", "WEBHOOK_SECRETS", "WEBHOOK_SOURCE_SECRETS"])
def test_no_complaint_repeats_a_secret(environment: pytest.MonkeyPatch, variable: str) -> None:
    text = complaint(environment, **{variable: "whsec:/pass-word"})
    assert "pass-word" not in text
    assert "(not shown)" in text


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+asyncpg"])
def test_both_ways_to_write_a_database_url(environment: pytest.MonkeyPatch, scheme: str) -> None:
    environment.setenv("DATABASE_URL", f"{scheme}://u:p@h:1/d?sslmode=disable")
    url = load_settings().database_url
    assert (url.drivername, url.host, dict(url.query)) == ("postgresql", "h", {"ssl": "disable"})
