"""The faults that must be survived, by their numbers, as the page and the file names of the tests have them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

__all__ = ["CASES", "LATER", "Pair"]

Pair = tuple[str, str]
"""English, Chinese."""

CASES: Final[Mapping[int, Pair]] = MappingProxyType(
    {
        1: ("The scheduler's controller is away", "调度控制器失联"),
        2: ("Every state of a job, and one that does not exist yet", "作业的每种状态，以及尚不存在的状态"),
        3: ("Killed at any step between request and ready", "在请求与就绪之间的任一步被杀死"),
        4: ("The answer to a submission is lost", "提交作业的答复丢失"),
        5: ("The broker's database is lost, or old", "调度代理的数据库丢失或陈旧"),
        6: ("A restart while a centre is cut off", "某中心断开时重启"),
        7: ("One centre fails a hundred starts", "一个中心连续一百次启动失败"),
        8: ("A crowd, most of it at one centre", "人潮涌来，多数集中在一个中心"),
        9: ("The proxy is killed with 300 routes", "代理带着 300 条路由被杀死"),
        10: (
            "Two clicks, two tabs, page and API, stop while pending",
            "双击、双标签页、页面与接口并用、等待时停止",
        ),
        11: ("Server, job and workers die one without the other", "服务器、作业与工作进程各自先亡"),
        12: ("A centre fails after it has accepted", "中心接受作业之后失败"),
        13: ("Clocks that are wrong", "时钟不准"),
        14: ("A centre hangs", "中心挂起，不作答复"),
        15: ("A centre lies", "中心说谎"),
        16: ("Somebody plays the launcher", "有人冒充启动器"),
        18: ("Options that want to be more than options", "不安分的选项"),
        21: ("A stranger on the node and in the cluster's network", "节点与集群网络里的陌生人"),
        25: ("An upgrade while old servers run", "旧服务器仍在运行时升级"),
    }
)
LATER: Final[Mapping[int, Pair]] = MappingProxyType(
    {
        17: ("Names that want to be somebody else", "想冒充他人的名字"),
        19: (
            "A token used for another's server, after its end, or left lying about",
            "令牌被挪用、过期后使用或遗落",
        ),
        20: ("A page on one person's server attacks another's", "一人服务器上的页面攻击他人的服务器"),
        22: ("Text from outside with HTML or script in it", "来自外部的文本夹带 HTML 或脚本"),
        23: ("A disk that is full", "磁盘已满"),
        24: ("Two spend the last core-second", "两方同时花掉最后一个核秒"),
    }
)
"""Whose place is not here yet; what of them is proved already lies with the code that it is about."""
