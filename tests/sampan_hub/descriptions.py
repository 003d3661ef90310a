"""Descriptors for tests: a sound one of each kind, as text that a test may break in one place."""

from __future__ import annotations

import sys

__all__ = ["HOST_KEY", "far", "here"]

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGR5G9m1LNkLmXgG8yV7Ck2BMO5eUfW8g0qHqv1S3l0t"


def here(
    name: str, root: str, *, python: str = sys.executable, cores: int = 4, account: str | None = None
) -> str:
    """A centre that is processes on this machine, below `root`. `account`: whose jobs all are."""
    accounts = f"method: shared, account: {account}" if account else "method: shared"
    return f"""\
schema: sampan/centre/1
id: {name}
names: {{en: "Centre {name}", zh: "{name}中心"}}
place: {{city: {{en: Oslo, zh: 奥斯陆}}, country: NO, latitude: 59.9, longitude: 10.75}}
time_zone: Europe/Oslo
contacts: [{{name: Kari, email: kari@example.org, role: operator}}]
endpoint: {{transport: local}}
accounts: {{{accounts}}}
scheduler: {{kind: process, spool: {root}/spool, cores: {cores}, memory_gib: 8}}
shares:
- id: main
  names: {{en: Main, zh: 主队列}}
  queue: main
  max_hours: 8
  cores: {cores}
  memory_per_core_gib: 2
environment: {{python: {python}}}
home: {root}/home/{{user}}
scratch: {root}/scratch
"""


def far() -> str:
    """A Slurm centre behind its login node, with everything that may be said of one."""
    return f"""\
schema: sampan/centre/1
id: core
names: {{en: Core, zh: 核心中心}}
summary: {{en: Awkward on purpose, zh: 特意设置得复杂}}
place: {{city: {{en: Jinan, zh: 济南}}, country: CN, latitude: 36.65, longitude: 117.0}}
time_zone: Asia/Shanghai
contacts:
- {{name: 张伟, email: ops@core.example.cn, role: operator}}
- {{name: CERT, email: cert@core.example.cn, role: security}}
state: draining
endpoint:
  transport: ssh
  host: login.core.example.cn
  port: 2222
  host_keys: ["{HOST_KEY}"]
  service_account: sampan
  source_addresses: [192.0.2.0/28, "2001:db8::7"]
accounts:
  method: table
  table: {{alice: hpc0042, Bob: hpc0043, "李雷": hpc0044}}
scheduler: {{kind: slurm, sees_all_jobs: false}}
shares:
- id: cpu
  names: {{en: Processors, zh: 处理器}}
  queue: cpu_short
  max_hours: 24
  cores: 64
  memory_per_core_gib: 4.5
  overlaps: [dcu]
- id: dcu
  names: {{en: Cards, zh: 加速卡}}
  queue: dcu
  max_hours: 0.5
  cores: 32
  memory_per_core_gib: 4
  accelerators: {{dcu: 4}}
  demands: [[gres, "dcu:1"], [account, climate]]
  cost: 2.5
environment:
  python: /public/software/sampan/.venv/bin/python3.11
  modules: [compiler/gcc/12.2.0, python/3.11]
  setup_file: /public/software/sampan/setup.sh
home: /public/home/{{account}}
scratch: /work/scratch
roots: {{ocean: /public/data/ocean}}
networks: {{nodes_reach_internet: false}}
limits: {{queue_minutes: 60, boot_seconds: 300, reach_seconds: 60}}
quirks: [Jobs without a card are refused.]
"""
