"""Entries that a program makes, to fill a catalogue of any size: in both languages, and marked wherever they are seen."""

from __future__ import annotations

import functools
import random
from collections.abc import Iterator
from typing import Final

from sampan_hub.catalogue.product import SCHEMA, Product

__all__ = ["PROVIDERS", "products"]

PROVIDERS: Final = 200
# Chinese, English.
_PLACES: Final = """
全球 Global | 全国 National | 东亚 East Asia | 青藏高原 Tibetan Plateau | 华北 North China
长江流域 Yangtze basin | 黄河流域 Yellow River basin | 南海 South China Sea | 北极 Arctic
南极 Antarctic | 西北太平洋 Northwest Pacific | 印度洋 Indian Ocean | 珠江三角洲 Pearl River delta
塔里木盆地 Tarim basin | 东北 Northeast | 四川盆地 Sichuan basin
"""
_THINGS: Final = """
气温 air temperature | 降水 precipitation | 海表温度 sea surface temperature
海冰密集度 sea ice concentration | 土壤湿度 soil moisture | 植被指数 vegetation index | 径流 runoff
臭氧 ozone | 气溶胶 aerosol | 风速 wind speed | 辐射 radiation | 雪深 snow depth | 盐度 salinity
叶面积 leaf area | 地表高程 elevation | 夜间灯光 night lights | 地震目录 earthquake catalogue
基因组 genomes | 蛋白质结构 protein structures | 材料性质 material properties
分子轨迹 molecular trajectories | 湍流场 turbulence fields | 电网负荷 grid load
光伏出力 photovoltaic output | 交通流量 traffic flow | 医学影像 medical images
语音语料 speech corpus | 遥感影像 satellite images | 街景 street views | 专利文本 patents
司法文书 court documents | 古籍 ancient books
"""
_HOW: Final = """
月平均 monthly | 逐日 daily | 逐小时 hourly | 年际 interannual | 高分辨率 high resolution
再分析 reanalysis | 观测 observed | 模拟 simulated | 融合 merged | 同化 assimilated | 格点 gridded
站点 station | 历史 historical | 实时 real-time | 预测 predicted | 基准 benchmark
"""
_FORMS: Final = """
数据产品 data product | 共享资源 shared resource | 示例条目 sample entry | 测试样本 test specimen
"""
_KINDS: Final = ("dataset", "dataset", "dataset", "software", "model", "notebook", "service", "offer")
_SUBJECTS: Final = ("climate", "ocean", "land", "biology", "materials", "energy", "society", "language")
_LICENCES: Final = ("CC-BY-4.0", "CC0-1.0", "MIT", "Apache-2.0", "GPL-3.0-or-later")
_SYLLABLES: Final = "badokelimonapurasetivoxizufaguhe"
"""Of two letters each."""


def products(count: int, seed: int = 20260101) -> Iterator[Product]:
    """The same ones for the same seed; each title is a place, a thing and a manner, with a name that few others have."""
    chance = random.Random(seed)  # noqa: S311 (nothing secret)
    for number in range(count):
        yield _product(number, chance)


@functools.cache
def _words(table: str) -> tuple[tuple[str, str], ...]:
    cells = (cell.strip().partition(" ") for line in table.strip().splitlines() for cell in line.split("|"))
    return tuple((zh, en) for zh, _, en in cells)


def _coined(chance: random.Random) -> str:
    return "".join(_SYLLABLES[at : at + 2] for at in chance.choices(range(0, len(_SYLLABLES), 2), k=4))


def _product(number: int, chance: random.Random) -> Product:
    place, thing, how = (chance.choice(_words(table)) for table in (_PLACES, _THINGS, _HOW))
    coined, other = _coined(chance), chance.choice(_words(_THINGS))
    form = chance.choice(_words(_FORMS))
    # Two characters out of some thousands: words that few entries hold, beside those that many do.
    rare = "".join(chr(0x4E00 + chance.randrange(3000)) for _ in range(2))
    return Product.model_validate(
        {
            "schema": SCHEMA,
            "provider": f"generated-{number % PROVIDERS:03}",
            "name": f"{coined}-{number}",
            "version": "1",
            "kind": chance.choice(_KINDS),
            "title": {
                "zh": f"{place[0]}{how[0]}{thing[0]}{rare}",
                "en": f"{how[1].capitalize()} {thing[1]}, {place[1]}, {coined}",
            },
            "summary": {
                "zh": f"程序自动生成的{form[0]}，与{other[0]}相关。",
                "en": f"A {form[1]} made by a program; goes with {other[1]}.",
            },
            "subject": chance.choice(_SUBJECTS),
            "licence": chance.choice(_LICENCES),
            "generated": True,
        }
    )
