"""Words that mean the same, in both languages and as files abbreviate them: who asks for one finds the others, too.

Abbreviations of variables follow CF and CMIP (https://cfconventions.org/, https://clipc-services.ceda.ac.uk/dreq/).
"""

from __future__ import annotations

from typing import Final

from sampan_hub.catalogue.words import normal

__all__ = ["TERMS", "known", "same"]

TERMS: Final[tuple[tuple[str, ...], ...]] = (
    ("气温", "air temperature", "tas", "t2m"),
    ("海表温度", "海温", "sea surface temperature", "sst", "tos"),
    ("降水", "降雨", "precipitation", "rainfall", "pr"),
    ("气压", "air pressure", "psl"),
    ("风速", "wind speed", "sfcwind"),
    ("湿度", "humidity", "hurs"),
    ("辐射", "radiation", "rsds"),
    ("海冰", "sea ice", "sic"),
    ("盐度", "salinity", "sos"),
    ("洋流", "ocean current"),
    ("地形", "terrain", "orography", "orog"),
    ("高程", "elevation", "dem"),
    ("土壤", "soil"),
    ("植被", "vegetation", "ndvi"),
    ("径流", "runoff", "mrro"),
    ("臭氧", "ozone", "o3"),
    ("二氧化碳", "carbon dioxide", "co2"),
    ("气溶胶", "aerosol", "aod"),
    ("再分析", "reanalysis"),
    ("遥感", "remote sensing"),
    ("卫星", "satellite"),
    ("月平均", "逐月", "monthly"),
    ("逐日", "daily"),
    ("逐小时", "hourly"),
    ("地震", "earthquake", "seismic"),
    ("基因组", "genome"),
    ("蛋白质", "protein"),
    ("分子动力学", "molecular dynamics"),
    ("第一性原理", "first principles", "ab initio", "dft"),
    ("机器学习", "machine learning"),
    ("深度学习", "deep learning"),
    ("大语言模型", "large language model", "llm"),
    ("图像分类", "image classification"),
    ("流体力学", "fluid dynamics", "cfd"),
    ("有限元", "finite element", "fem"),
    ("电网", "power grid"),
    ("光伏", "photovoltaic", "pv"),
    ("航班", "flights"),
    ("机场", "airports"),
    ("天气", "weather"),
    ("人口", "population"),
    ("失业", "unemployment"),
    ("股票", "股价", "stocks"),
    ("鸢尾花", "iris"),
    ("汽车", "cars", "automobile"),
    ("排放", "emissions"),
    ("天文", "astronomy"),
    ("材料", "materials"),
)
"""Each row is one meaning."""
_ROWS: Final = {normal(word): row for row in TERMS for word in row}


def same(text: str) -> tuple[str, ...]:
    """The other words for this one, if it stands in the table."""
    text = normal(text)
    return tuple(word for word in _ROWS.get(text, ()) if normal(word) != text)


def known() -> tuple[str, ...]:
    """Every word of the table in its normal form, the longest first."""
    return tuple(sorted(_ROWS, key=lambda word: (-len(word), word)))
