"""Descriptors broken in every way we know: each error names its file, its key and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest

from sampan.errors import Invalid
from sampan.messages import LANGUAGES
from sampan_hub.descriptor import Descriptor
from sampan_hub.descriptor_file import LARGEST, parse_descriptor, read_descriptor
from tests.sampan_hub.descriptions import HOST_KEY, far

BROKEN: dict[str, tuple[str, str, str, str]] = {
    # what is done: (this text, becomes that, key, expected)
    "schema of another version": (
        "sampan/centre/1",
        "sampan/centre/2",
        "schema",
        "expected one of sampan/centre/1",
    ),
    "no schema": ("schema: sampan/centre/1\n", "", "schema", "expected a value; this key is required"),
    "an unknown key": (
        "state: draining",
        "status: draining",
        "status",
        "there is no such key; state was meant",
    ),
    "an unknown key deep down": (
        "  max_hours: 24\n",
        "  max_hours: 24\n  colour: red\n",
        "shares.0.colour",
        "there is no such key; here are accelerators, cores, cost",
    ),
    "an id that is no name": ("id: core", "id: Core Centre", "id", "a to z, digits and dashes"),
    "a language missing": (
        "names: {en: Core, zh: 核心中心}",
        "names: {en: Core}",
        "names.zh",
        "this key is required",
    ),
    "a country in full": ("country: CN", "country: China", "place.country", "two capital letters"),
    "a latitude that is none": ("latitude: 36.65", "latitude: 136.65", "place.latitude", "at most 90"),
    "a time zone of nowhere": (
        "Asia/Shanghai",
        "Asia/Shangai",
        "time_zone",
        "a time zone of the IANA database",
    ),
    "nobody to ask": (
        far()[far().index("contacts:") : far().index("state:")],
        "contacts: []\n",
        "contacts",
        "at least one entry",
    ),
    "an e-mail that is none": ("ops@core.example.cn", "ops at core", "contacts.0.email", "an e-mail address"),
    "a transport of our dreams": (
        "transport: ssh",
        "transport: pigeon",
        "endpoint.transport",
        "one of local, ssh",
    ),
    "a port that is none": ("port: 2222", "port: 70000", "endpoint.port", "at most 65535"),
    "a port as text": ("port: 2222", 'port: "2222"', "endpoint.port", "expected a whole number"),
    "no host": ("  host: login.core.example.cn\n", "", "endpoint.host", "needed with transport: ssh"),
    "a host that is an option": (
        "host: login",
        "host: -oProxyCommand=login",
        "endpoint.host",
        "name or address",
    ),
    "no pinned key": (f'host_keys: ["{HOST_KEY}"]', "host_keys: []", "endpoint.host_keys", "needed with"),
    "a key cut short": (HOST_KEY[-6:], "", "endpoint.host_keys.0", "a public host key"),
    "a key that says it is another": (
        "ssh-ed25519 ",
        "ssh-rsa ",
        "endpoint.host_keys.0",
        "a public host key",
    ),
    "coming from nowhere": (
        '  source_addresses: [192.0.2.0/28, "2001:db8::7"]\n',
        "",
        "endpoint.source_addresses",
        "needed with transport: ssh",
    ),
    "coming from a name": ("192.0.2.0/28", "hub.example", "endpoint.source_addresses.0", "an address or a"),
    "coming from no network": ("192.0.2.0/28", "192.0.2.7/28", "endpoint.source_addresses.0", "an address"),
    "coming from anywhere": ("192.0.2.0/28", "0.0.0.0/0", "endpoint.source_addresses.0", "an address or a"),
    "asking as root": (
        "service_account: sampan",
        "service_account: root",
        "endpoint.service_account",
        "of a person",
    ),
    "two people on one account": (
        "Bob: hpc0043",
        "Bob: hpc0042",
        "accounts.table.Bob",
        "something else than hpc0042, which belongs to alice",
    ),
    "a person on an account of the system": (
        "hpc0044",
        "munge",
        "accounts.table.李雷",
        "belongs to the system",
    ),
    "an account that is a command": ("hpc0044", '"a;id"', "accounts.table.李雷", "expected an account"),
    "a name with a line end": ('"李雷"', r'"a\nb"', "accounts.table.a\nb", "one line of text"),
    "one account for all, far away": (
        "method: table",
        "method: shared",
        "accounts.method",
        "table or command",
    ),
    "a table that is not the method": (
        "method: table",
        "method: command",
        "accounts.table",
        "belongs to method: table",
    ),
    "not a number": ("max_hours: 24", "max_hours: .nan", "shares.0.max_hours", "expected a number"),
    "a number without end": ("max_hours: 24", "max_hours: .inf", "shares.0.max_hours", "expected a number"),
    "a negative number": ("cores: 64", "cores: -64", "shares.0.cores", "expected at least 1"),
    "half a core": ("cores: 64", "cores: 63.5", "shares.0.cores", "expected a whole number"),
    "a huge number": ("cores: 64", "cores: 1" + "0" * 30, "shares.0.cores", "expected"),
    "a number longer than any": ("cores: 64", "cores: 1" + "0" * 9000, "shares.0.cores", "expected"),
    "yes is not true": (
        "sees_all_jobs: false",
        "sees_all_jobs: no",
        "scheduler.sees_all_jobs",
        "true or false",
    ),
    "a spool for Slurm": (
        "kind: slurm",
        "kind: slurm, spool: /x",
        "scheduler.spool",
        "belongs to kind: process",
    ),
    "two shares with one id": ("- id: dcu", "- id: cpu", "shares.1.id", "something else than cpu"),
    "an overlap with nobody": ("overlaps: [dcu]", "overlaps: [gpu]", "shares.0.overlaps.0", "another share"),
    "an overlap with itself": ("overlaps: [dcu]", "overlaps: [cpu]", "shares.0.overlaps.0", "(cpu, dcu)"),
    "an option with dashes": ("[gres, ", "[--gres, ", "shares.1.demands.0.0", "without its dashes"),
    "a value with a line end": (
        '"dcu:1"',
        r'"dcu:1\n#SBATCH -A x"',
        "shares.1.demands.0.1",
        "letters, digits",
    ),
    "a queue with a blank": ("queue: cpu_short", "queue: cpu short", "shares.0.queue", "name of the queue"),
    "a Python somewhere": ("python: /public", "python: public", "environment.python", "an absolute path"),
    "a way out": (
        "setup_file: /public",
        "setup_file: /public/../etc",
        "environment.setup_file",
        "without ..",
    ),
    "a module and more": ("python/3.11]", '"python; id"]', "environment.modules.1", "a module's name"),
    "a home for all": ("/public/home/{account}", "/public/home", "home", "so that people's homes differ"),
    "a home of another language": ("{account}", "{account.__class__}", "home", "an absolute path"),
    "a limit of nothing": ("boot_seconds: 300", "boot_seconds: 0", "limits.boot_seconds", "at least 5"),
    "a list for a table": (
        "networks: {nodes_reach_internet: false}",
        "networks: [a]",
        "networks",
        "keys with values",
    ),
    "a table for a list": ("quirks: [", "quirks: {a: b} #", "quirks", "expected a list"),
    "no shares": (
        far()[far().index("shares:") : far().index("environment:")],
        "shares: []\n",
        "shares",
        "at least one",
    ),
    "the same key twice": (
        "state: draining",
        "state: open\nstate: open",
        "(file)",
        "'state' stands twice, line 11",
    ),
    "an alias": (
        "names: {en: Core",
        "names: &a {en: *a",
        "(file)",
        "an alias (*); write the value out, line 3",
    ),
    "a tab": ("  method: table", "\tmethod: table", "(file)", "expected YAML"),
    "an object of Python": ("id: core", "id: !!python/object:os.system core", "(file)", "expected YAML"),
    "a date of YAML": ("id: core", "id: !!timestamp 2026-01-01", "(file)", "expected YAML"),
    "a control character": (
        "name: CERT",
        r'name: "CE\x07RT"',
        "contacts.1.name",
        "without control characters",
    ),
}


def broken(before: str, after: str) -> str:
    text = far()
    assert before in text
    return text.replace(before, after, 1)


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_said_where_it_is(what: str) -> None:
    before, after, key, expected = BROKEN[what]
    result = parse_descriptor(broken(before, after), "core.yaml")
    assert not isinstance(result, Descriptor)
    errors = {str(error.message.params["key"]): error for error in result}
    assert key in errors, errors
    assert errors[key].message.params["file"] == "core.yaml"
    said = {language: errors[key].message.say(language) for language in LANGUAGES}
    assert expected in said["en"]
    assert said["en"].startswith(f"core.yaml: {key}: ")
    assert said["zh"] != said["en"]


def test_everything_that_is_wrong_is_said_at_once() -> None:
    text = (
        broken("port: 2222", "port: 0")
        .replace("country: CN", "country: x")
        .replace("state: draining", "stat: x")
    )
    result = parse_descriptor(text, "core.yaml")
    assert not isinstance(result, Descriptor)
    assert {str(error.message.params["key"]) for error in result} == {
        "endpoint.port",
        "place.country",
        "stat",
    }
    text = broken("overlaps: [dcu]", "overlaps: [gpu]").replace("Bob: hpc0043", "Bob: hpc0042")
    result = parse_descriptor(text, "core.yaml")
    assert not isinstance(result, Descriptor)
    assert {str(error.message.params["key"]) for error in result} == {
        "accounts.table.Bob",
        "shares.0.overlaps.0",
    }


@pytest.mark.parametrize("text", ["", "- a", "5", "schema", "null", "~"])
def test_what_is_no_table_is_no_descriptor(text: str) -> None:
    [error] = wrong(parse_descriptor(text, "a.yaml"))
    assert "expected keys with values, the first of them schema: sampan/centre/1" in error.message.say("en")


def wrong(result: Descriptor | tuple[Invalid, ...]) -> tuple[Invalid, ...]:
    assert not isinstance(result, Descriptor)
    return result


def test_a_thousand_faults_are_not_a_thousand_lines() -> None:
    text = far() + "".join(f"unknown{number}: 1\n" for number in range(1000))
    assert len(wrong(parse_descriptor(text, "a.yaml"))) == 50


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    for name, data, expected in (
        ("large", b"#" * (LARGEST + 1), f"expected at most {LARGEST} bytes"),
        ("latin", "names: Zürich".encode("latin-1"), "a readable file in UTF-8"),
    ):
        path = tmp_path / f"{name}.yaml"
        path.write_bytes(data)
        [error] = wrong(read_descriptor(path))
        assert expected in error.message.say("en")
    [error] = wrong(read_descriptor(tmp_path / "gone.yaml"))
    assert "No such file" in error.message.say("en")
    (tmp_path / "folder.yaml").mkdir()
    [error] = wrong(read_descriptor(tmp_path / "folder.yaml"))
    assert "Is a directory" in error.message.say("en")


def test_a_mark_of_the_byte_order_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(far(), encoding="utf-8-sig")
    assert isinstance(read_descriptor(path), Descriptor)
