"""An address is shown, written and quoted without the secrets in it."""

import json
import pickle

import pytest

from popnet.config.address import Address, argument_shown, without_secrets

SECRET = "hunter2"
HIDING = {
    "postgresql://me:hunter2@db.lab:5432/x": "postgresql://***@db.lab:5432/x",
    "postgresql://db/x?user=me&password=hunter2": (
        "postgresql://db/x?user=***&password=***"
    ),
    "postgresql://db/x?sslmode=require&PASSWORD=hunter2": (
        "postgresql://db/x?sslmode=require&PASSWORD=***"
    ),
    "mysql+pymysql://me:a/hunter2@db/x": "mysql+pymysql://***@db/x",
    "mysql://me:a?hunter2@db/x": "mysql://***?***",
    "mysql://me:a#hunter2@db/x": "mysql://***#***",
    "http://h:5000/#hunter2": "http://h:5000/#***",
    "http://h/p;pwd=hunter2": "http://h/p;***",
    "http://h/x?%70assword=hunter2": "http://h/x?***",
    "http://h/x?a=1;token=hunter2": "http://h/x?a=***&token=***",
    "http://h/x?hunter2": "http://h/x?***",
    "http://h/%3Fpassword%3Dhunter2": "http://h/***",
    "http://me%3Ahunter2%40h/": "http://***/",
    "http://hunter2@h/": "http://***@h/",
    "HTTP://ME:hunter2@H/": "HTTP://***@H/",
    "mssql+pyodbc:///?odbc_connect=DRIVER%3D%7BSQL%7D%3BPWD%3Dhunter2": (
        "mssql+pyodbc:///?odbc_connect=***"
    ),
    "s3://key:hunter2@bucket/f": "s3://***@bucket/f",
    "s3://b/f?endpoint_override=http://a:hunter2@h": "s3://b/f?endpoint_override=***",
    "ray://h:10001?token=hunter2": "ray://h:10001?token=***",
    "user:hunter2@host:6379": "***@host:6379",
    "git+ssh://git:hunter2@h/r.git": "git+ssh://***@h/r.git",
    "sqlserver://h:1433;user=sa;password=hunter2": "sqlserver://h:1433;***",
}
PLAIN = [
    "http://127.0.0.1:5000",
    "http://[::1]:5000/mlflow",
    "sqlite:////home/a@b/x.db",
    "sqlite:////x.db?mode=ro",
    "postgresql://db/x?sslmode=require&connect_timeout=3",
    "s3://bucket/f?endpoint_override=localhost%3A9000&scheme=http&region=us-east-1",
    "mssql+pyodbc://h/d?driver=ODBC+Driver+17+for+SQL+Server",
    "ray://h:10001",
    "abfs://b/f?blob_storage_authority=.localhost:1",
    "file:///a/b",
]


@pytest.mark.parametrize("text", HIDING)
def test_its_secrets_are_not_shown(text):
    address = Address(text)
    assert str(address) == f"{address}" == HIDING[text]
    assert repr(address) == f"Address({HIDING[text]!r})" and address.has_secrets
    assert SECRET not in str({"address": address}) + str([address])
    with pytest.raises(TypeError):
        json.dumps(address)
    again = pickle.loads(pickle.dumps(address))
    assert again == address and again.whole == text and str(again) == str(address)


@pytest.mark.parametrize("text", PLAIN)
def test_one_without_secrets_is_shown_as_it_is(text):
    assert str(Address(text)) == text and not Address(text).has_secrets
    assert without_secrets(f"{text} is away.") == f"{text} is away."


@pytest.mark.parametrize("text", HIDING)
@pytest.mark.parametrize("around", ["cannot reach '{}'.", "({})", "{}: no", "<{}>"])
def test_no_text_that_quotes_one_shows_them(text, around):
    found = without_secrets(around.format(text))
    assert SECRET not in found and without_secrets(found) == found


@pytest.mark.parametrize(
    "text",
    [
        "connection to db failed: password=hunter2, user=me",
        "{'user': 'me', 'password': 'hunter2'}",
        '{"token": "hunter2"}',
        "DRIVER%3DSQL%3BPWD%3Dhunter2",
        "Authorization: Bearer hunter2",
        "AWS_SECRET_ACCESS_KEY=hunter2",
        "account_key='hunter2'",
    ],
)
def test_a_named_secret_is_hidden_in_any_text(text):
    assert SECRET not in without_secrets(text)


def test_a_part_that_a_library_quotes_alone_is_hidden():
    address = Address("postgresql://db/x?user=ada&password=p%2Bhunter2")
    text = "no login of ada at db with p+hunter2 (p%2Bhunter2); Canada is well"
    assert address.hide(text) == "no login of *** at db with *** (***); Canada is well"


@pytest.mark.parametrize("option", ["", "--tracking-uri="])
def test_an_argument_is_an_address_with_all_its_blanks(option):
    assert (
        argument_shown(f"{option}http://me:hun ter'2@h/x") == f"{option}http://***@h/x"
    )
    for plain in ("--set", "rule.learning_rate=0.1", "network.clamped={1: 1.0}"):
        assert argument_shown(plain) == plain
