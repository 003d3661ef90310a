"""What a hub may do on this login node: sshd's forced command. One file, for the system's own python3, 3.9 or later.

Copy it, root's and writable by root alone, to /usr/local/libexec/sampan-gate, and name it in the principals files as
`command="/usr/bin/python3 -I -S /usr/local/libexec/sampan-gate"`; a further word there is another file than
/etc/sampan/gate.json, which says what is where at this centre. A command that is no row of the table below is refused with
exit status 126; what is one is run without a shell, in a clean environment, in English. Both are logged.
"""

# Each command starts this anew: nothing is imported that takes time (typing, dataclasses, subprocess, argparse).
from __future__ import annotations

import collections
import json
import os
import pwd
import re
import select
import shlex
import signal
import sys
import syslog

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

__all__ = ["Many", "NotAllowedError", "Row", "allowed", "main", "read_config", "table"]

CONFIG, PRINCIPALS = "/etc/sampan/gate.json", "/etc/ssh/sampan/principals"
OWNER, FIRST_UID = 0, {"person": 1000, "service": 1}
"""Whose the configuration must be, and the smallest user id of who may come: never root's."""
REFUSED, MISSING = 126, 127
KEYS: dict[str, type] = {
    "service_account": str,  # who asks for everybody
    "principals": str,  # the folder with sshd's file for each account: whoever has none any more is refused here too
    "first_uid": int,  # of people, where it is not 1000: who has a smaller one is an account of the system
    "home": str,  # of a person, with {account} or {user}; without it, what the system says
    "python": list,  # interpreters that may run sampan_kernels; a * stands for one name
    "spool": str,  # of the process scheduler; without it there is none
    "declared": list,  # what its machine is declared to have: "--cores=8", "--memory-mib=16384"
    "queues": list,  # Slurm's partitions that the hub may use; without them there is no Slurm
    "demands": list,  # further options of sbatch that it may say, each as it is written: "--account=climate"
    "account_command": list,  # which tells the account of a hub user
    "prefix": str,  # below which the hub may make software environments; a * as above
    "base": str,  # the Python that they are made from
    "keep": list,  # variables that are handed on, such as SLURM_CONF
    "path": str,  # where programs are looked for
}

# What one argument looks like. No part of a path is "." or "..".
NUMBER = "[0-9]{1,15}"
NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
TAG = "sampan-[a-z0-9]{1,16}-[a-z0-9]{1,16}-[0-9]{1,6}"
WORKER = f"{TAG}(?:-dask-[a-z0-9-]{{1,64}})?"
BELOW = r"(?:/[A-Za-z0-9_@+=,][A-Za-z0-9._@+=,-]*)*"
FOLDER = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
FILE = "[A-Za-z0-9][A-Za-z0-9._+-]*"
FIELDS = "[A-Za-z0-9%|:,_]{1,600}"
GRES = f"{NAME}(?::[A-Za-z][A-Za-z0-9_.-]{{0,63}})?(?::{NUMBER})?"
PIP = "-I -m pip --isolated --disable-pip-version-check --no-input -q install --no-index --no-deps"
PIP += " --no-cache-dir --no-warn-script-location"
LOCK, BUILD = "[0-9a-f]{12}", "[0-9a-f]{12}-[0-9a-f]{8}-[0-9]{14}"
NOTHING, ANYTHING = "", None
RECORD = r"sampan-environment\.json"
LONGEST_INPUT, LONGEST_LINE, PATH = 4096, 1000, "/usr/local/bin:/usr/bin:/bin"
ENGLISH = {"LANG": "C.UTF-8", "LC_ALL": "C.UTF-8"}

PERSON, SERVICE = ("person",), ("service",)
BOTH = (*PERSON, *SERVICE)

Row = collections.namedtuple("Row", "verb who words stdin")  # noqa: PYI024 (typing takes time to import)
"""Verb, who may, a pattern for each argument, and one for standard input, ANYTHING or NOTHING."""


class Many(str):  # noqa: SLOT000 (one of each, for a moment)
    """The pattern of an argument that comes any number of times."""


class NotAllowedError(Exception):
    """No row of the table; or there is no table."""


def table(config: dict[str, Any], account: str, home: str) -> list[Row]:
    """Everything that may be said here, to this account, whose home is a pattern."""
    own = rf"{home}/\.sampan{BELOW}"
    rows = [
        Row("mkdir", PERSON, ("mkdir", "-p", "-m", "700", "--", own), NOTHING),
        Row("read", PERSON, ("head", "-c", NUMBER, "--", own), NOTHING),
        Row("tail", PERSON, ("tail", "-c", NUMBER, "--", own), NOTHING),
        Row("idle", SERVICE, ("sleep", "infinity"), ANYTHING),
    ]
    if "account_command" in config:
        command = tuple(map(re.escape, config["account_command"]))
        rows.append(Row("account", SERVICE, command, r"[^\x00-\x1f\x7f]{1,1024}\n"))
    if "queues" in config:
        rows += slurm(config, account, own)
    if "spool" in config and "python" in config:
        rows += processes(config, own)
    return rows + environments(config)


def slurm(config: dict[str, Any], account: str, own: str) -> list[Row]:
    """https://slurm.schedmd.com/man_index.html. The job itself is the person's own, and comes on standard input."""
    queue = f"(?:{'|'.join(map(re.escape, config['queues']))})"
    job = (
        *(Many(re.escape(option)) for option in config.get("demands", [])),
        *(Many(f"--gres={GRES}(?:,{GRES}){{0,7}}"), f"--job-name={WORKER}", f"--partition={queue}"),
        *("--nodes=1", "--ntasks=1", f"--cpus-per-task={NUMBER}", f"--mem={NUMBER}M", f"--time={NUMBER}"),
        *(rf"--output={own}(?:-%a\.log)?", "--open-mode=append", "--chdir=/", "--no-requeue", "--export=ALL"),
        *("--propagate=NONE", Many(f"--array={NUMBER}(?:,{NUMBER}){{0,999}}")),
    )
    queues, names = f"--partition={queue}(?:,{queue})*", f"--name={WORKER}(?:,{WORKER})*"
    squeue, sacct = ("squeue", "--all", "--states=all"), ("sacct", "--allusers")
    since, fields = f"--starttime=now-{NUMBER}days", f"--format={FIELDS}"
    ids = f"--jobs={NUMBER}(?:,{NUMBER})*"
    question = f"show (?:associations where user=(?:{re.escape(account)})?|qos) format=[A-Za-z,]{{1,400}}\n"
    return [
        Row("submit", PERSON, ("sbatch", "--parsable", *job), ANYTHING),
        Row("expected_start", PERSON, ("sbatch", "--test-only", *job), ANYTHING),
        Row("find", BOTH, (*squeue, names, fields), NOTHING),
        Row("status", BOTH, (*squeue, queues, fields), NOTHING),
        Row("recall", BOTH, (*sacct, "--allocations", "--parsable2", since, names, fields), NOTHING),
        Row("ended", BOTH, (*sacct, "--parsable2", since, ids, fields), NOTHING),
        Row("cancel", PERSON, ("scancel", f"--name={WORKER}", NUMBER), NOTHING),
        Row("cancel", PERSON, ("scancel", f"{NUMBER}_{NUMBER}"), NOTHING),
        Row("script", PERSON, ("scontrol", "write", "batch_script", NUMBER, "-"), NOTHING),
        Row("capacity", BOTH, ("sinfo", "--Node", queues, f"--Format={FIELDS}"), NOTHING),
        Row("rules", SERVICE, ("scontrol", "--all", "--oneliner"), "show partition\nshow reservation\n"),
        Row("limits", PERSON, ("sacctmgr", "--parsable2", "--readonly"), f"(?:{question}){{1,4}}"),
    ]


def processes(config: dict[str, Any], own: str) -> list[Row]:
    """Jobs that are processes of this machine, by `sampan_kernels.processes`."""
    module = ("-I", "-m", r"sampan_kernels\.processes", "--spool", re.escape(config["spool"]))
    program = (pythons(config), *module)
    cards = Many(f"--accelerator={NAME}={NUMBER}")
    declared: tuple[str, ...] = (f"--cores={NUMBER}", f"--memory-mib={NUMBER}", cards)
    if "declared" in config:
        declared = tuple(map(re.escape, config["declared"]))
    job = (
        *(f"--tag={WORKER}", f"--queue={NAME}", f"--cores={NUMBER}", f"--memory-mib={NUMBER}"),
        *(f"--minutes={NUMBER}", f"--log={own}", Many(f"--accelerators?={NAME}")),
    )
    return [
        Row("submit", PERSON, (*program, *declared, "submit", *job), ANYTHING),
        Row("capacity", BOTH, (*program, *declared, "capacity"), NOTHING),
        Row("find", BOTH, (*program, "find", Many(WORKER)), NOTHING),
        Row("status", BOTH, (*program, "status|usage", Many(NUMBER)), NOTHING),
        Row("cancel", PERSON, (*program, "cancel", f"--tag={WORKER}", NUMBER), NOTHING),
        Row("script", PERSON, (*program, "script", f"--tag={TAG}", NUMBER), NOTHING),
    ]


def environments(config: dict[str, Any]) -> list[Row]:
    """What `sampan env` says: it looks at interpreters, and makes environments in a folder of the service account."""
    prefix, base = path_like(config.get("prefix", "").rstrip("/")), re.escape(config.get("base", ""))
    build, wheels = f"{prefix}/builds/{BUILD}", f"{prefix}/wheels(?:/[0-9a-f]{{8}})?"
    known = [pythons(config), base, *([f"{prefix}/(?:builds/{BUILD}|{LOCK})/bin/python"] if prefix else [])]
    python = "|".join(filter(None, known))
    facts = ("-I", "-m", r"sampan_kernels\.environment")
    rows = [
        Row("env-version", SERVICE, (python, "-I", "-V"), NOTHING),
        Row("env-platform", SERVICE, (python, "-I", "-m", "platform"), NOTHING),
        Row("env-facts", SERVICE, (python, *facts, Many("--all")), NOTHING),
        Row("catalogue-look", SERVICE, (python, "-I", "-m", r"sampan_kernels\.looking"), ANYTHING),
        Row("catalogue-reap", SERVICE, (python, "-I", "-m", r"sampan_kernels\.reaping"), ANYTHING),
    ]
    if not prefix or not base:
        return rows if python else []
    file, link = f"(?:{wheels}/{FILE}|{build}/{RECORD})", f"{prefix}/{LOCK}"
    pip = (f"{build}/bin/python", *PIP.split())
    locked = ("--find-links", wheels, "--require-hashes", "-r", rf"{wheels}/{LOCK}\.lock")
    piece = ("dd", rf"of={file}\.part", "bs=64K", f"seek={NUMBER}", "oflag=seek_bytes", "status=none")
    own = rf"{wheels}/sampan-{FILE}\.whl"
    folders = Many(f"{prefix}(?:/builds)?|{wheels}")
    return [
        *rows,
        Row("env-folders", SERVICE, ("mkdir", "-p", "-m", "755", "--", folders), NOTHING),
        Row("env-hashes", SERVICE, ("sha256sum", "--", Many(rf"{file}(?:\.part)?")), NOTHING),
        Row("env-write", SERVICE, piece, ANYTHING),
        Row("env-rename", SERVICE, ("mv", "-T", "--", rf"(?P<it>{file}|{link})\.part", "(?P=it)"), NOTHING),
        Row("env-venv", SERVICE, (base, "-I", "-m", "venv", "--", build), NOTHING),
        Row("env-install", SERVICE, (*pip, *locked), NOTHING),
        Row("env-install-own", SERVICE, (*pip, own), NOTHING),
        Row("env-open", SERVICE, ("chmod", "-R", r"a\+rX,go-w", "--", build), NOTHING),
        Row("env-remove", SERVICE, ("rm", "-rf", "--", build), NOTHING),
        Row("env-unlink", SERVICE, ("rm", "-f", "--", rf"{link}\.part"), NOTHING),
        Row("env-link", SERVICE, ("ln", "-s", "-T", "--", f"builds/{BUILD}", rf"{link}\.part"), NOTHING),
    ]


def pythons(config: dict[str, Any]) -> str:
    """The interpreters that may run our programs; nothing where none is named."""
    return "|".join(map(path_like, config.get("python", [])))


def path_like(path: str) -> str:
    return re.escape(path).replace(r"\*", FOLDER)


def allowed(rows: Iterable[Row], who: str, argv: Iterable[str]) -> Row:
    """The row that these arguments are. Raises `NotAllowedError`."""
    said = "".join(f"{word}\0" for word in argv)
    for row in rows:
        words = (f"(?:(?:{word})\0)*" if isinstance(word, Many) else f"(?:{word})\0" for word in row.words)
        if who in row.who and re.fullmatch("".join(words), said):
            return row
    raise NotAllowedError("no row of the table")


def read_config(path: str) -> dict[str, Any]:
    """What stands in it. Raises `NotAllowedError` where it cannot be read or believed."""
    try:
        with open(path, encoding="utf-8") as file:  # noqa: PTH123 (pathlib takes time to import)
            there = os.fstat(file.fileno())
            if there.st_uid != OWNER or there.st_mode & 0o022:
                raise NotAllowedError(f"{path}: others may write it")
            config = json.load(file)
    except (OSError, ValueError) as error:
        raise NotAllowedError(f"{path}: {error}") from error
    if not isinstance(config, dict) or "service_account" not in config:
        raise NotAllowedError(f"{path}: service_account is missing")
    for key, value in config.items():
        words = value if isinstance(value, list) else [value]
        sound = all(isinstance(word, str) and word for word in words) or (
            isinstance(value, int) and value > 0
        )
        if key not in KEYS or not isinstance(value, KEYS[key]) or not sound:
            raise NotAllowedError(f"{path}: {key}")
    return config


def who_asks(config: dict[str, Any], account: str, uid: int) -> str:
    """As what this account comes. Raises `NotAllowedError` for the system's own, and for one that is let in no more.

    sshd reads the principals at a login alone: a connection that is open already would outlive their end.
    """
    who = (SERVICE if account == config["service_account"] else PERSON)[0]
    if uid < (config["first_uid"] if who in PERSON and "first_uid" in config else FIRST_UID[who]):
        raise NotAllowedError("an account of the system")
    path = f"{config.get('principals', PRINCIPALS)}/{account}"
    try:
        with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            listed = any(line.partition("#")[0].split()[-1:] == [f"sampan:{account}"] for line in file)
    except OSError as error:
        raise NotAllowedError(f"{path}: {error.strerror}") from error
    if not listed:
        raise NotAllowedError(f"{path}: not in it")
    return who


def written(argv: list[str]) -> str:
    """One line for the log, from which a command can neither break out nor hide behind its length."""
    text = "".join(
        letter if letter.isprintable() and letter != "\\" else ascii(letter)[1:-1]
        for letter in shlex.join(argv)
    )
    if len(text) <= LONGEST_LINE:
        return text
    return f"{text[: LONGEST_LINE // 2]} …{len(text)} characters… {text[-LONGEST_LINE // 4 :]}"


def main(environment: dict[str, str], arguments: list[str]) -> int:
    """The exit status: the command's own, or 126. `arguments`: at most one, the file that says what is where."""
    own = pwd.getpwuid(os.getuid())
    syslog.openlog("sampan-gate", syslog.LOG_PID, syslog.LOG_AUTHPRIV)
    said = environment.get("SSH_ORIGINAL_COMMAND", "")
    argv = [said]
    where = f"{own.pw_name} from {environment.get('SSH_CONNECTION', '?').partition(' ')[0]}"
    try:
        config = read_config(*(arguments or [CONFIG]))
        home = re.escape(config.get("home", own.pw_dir).replace("{account}", own.pw_name))
        home = home.replace(r"\{user\}", "[a-z0-9-]{1,48}")
        who = who_asks(config, own.pw_name, own.pw_uid)
        argv = shlex.split(said)
        row = allowed(table(config, own.pw_name, home), who, argv)
        given = None if row.stdin is ANYTHING else take_input(row.stdin)
    except (NotAllowedError, ValueError, TypeError) as error:
        syslog.syslog(syslog.LOG_WARNING, f"refused {where}: {error}: {written(argv)}")
        print("sampan-gate: refused", file=sys.stderr)
        return REFUSED
    syslog.syslog(syslog.LOG_NOTICE, f"{row.verb} {where}: {written(argv)}")
    kept = {name: environment[name] for name in config.get("keep", []) if name in environment}
    clean = {"HOME": own.pw_dir, "USER": own.pw_name, "LOGNAME": own.pw_name, "SHELL": own.pw_shell}
    return run(argv, {**kept, **clean, **ENGLISH, "PATH": config.get("path", PATH)}, given)


def take_input(pattern: str) -> bytes:
    """All of standard input, if it looks like that."""
    given = sys.stdin.buffer.read(LONGEST_INPUT + 1)
    if len(given) > LONGEST_INPUT or not re.fullmatch(pattern, given.decode("utf-8", "strict")):
        raise NotAllowedError("standard input")
    return given


def run(argv: list[str], environment: dict[str, str], given: bytes | None) -> int:
    """Runs it to its end; or to the end of whoever asked, since sshd sends no signal to what a forced command has started."""
    os.environ["PATH"] = environment["PATH"]
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: None)
    actions = []
    if given is not None:
        source, sink = os.pipe()
        os.write(sink, given)
        os.close(sink)
        actions = [(os.POSIX_SPAWN_DUP2, source, 0)]
    try:
        child = os.posix_spawnp(
            argv[0], argv, environment, file_actions=actions, setsid=True, setsigdef=[signal.SIGPIPE]
        )
    except OSError as error:
        print(f"sampan-gate: {argv[0]}: {error.strerror}", file=sys.stderr)
        return MISSING
    listening = select.poll()
    listening.register(awake, select.POLLIN)
    # Asked for nothing, it tells that nobody reads what we write.
    listening.register(1, 0)
    while True:
        found, status = os.waitpid(child, os.WNOHANG)
        if found:
            return ended(status)
        came = dict(listening.poll())
        numbers = os.read(awake, 64) if awake in came else b""
        if 1 in came or set(numbers) - {signal.SIGCHLD}:
            os.killpg(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return 128 + signal.SIGKILL


def ended(status: int) -> int:
    """As the command ended, so do we: by its exit status, or by the same signal."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)
    return os.WEXITSTATUS(status)


if __name__ == "__main__":
    sys.exit(main(dict(os.environ), sys.argv[1:]))
