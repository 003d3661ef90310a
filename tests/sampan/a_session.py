"""A notebook's own program, as a process of its own: it opens a cluster, tells of its workers, and waits to be told how to end.

A line on stdin ends it: "close" closes the cluster, "leave" only ends. A number before is what its person types into the
cluster's own display there, before Scale is pressed.
"""

import json
import os
import sys

from distributed import Client

import sampan
from tests.sampan.same_cells import COMPUTE


def tell_of_worker() -> dict[str, object]:
    place = sampan.here()
    return {
        "pid": os.getpid(),
        "job": os.environ["SAMPAN_JOB_ID"],
        "cores": place.cores,
        "launch": place.launch,
        "said": str(place),
    }


def main() -> None:
    cluster = sampan.cluster(workers=2, cores=1, memory="512 MiB", hours=0.5, name=os.environ.get("NAME"))
    client = Client(cluster)
    client.wait_for_workers(2, timeout=60)
    cell = {"__name__": "__main__"}
    exec(COMPUTE.format(pause=0, parts=12), cell)  # noqa: S102 (our own text)
    told = {
        "pid": os.getpid(),
        "workers": list(client.run(tell_of_worker).values()),
        "digest": client.compute(cell["graph"]).result(),
        "address": cluster.scheduler_address,
        "dashboard": cluster.dashboard_link,
        "name": cluster.name,
        "keys": str(cluster.seal.directory),
        "shown": cluster._repr_html_(),
    }
    print(json.dumps(told), flush=True)
    while (word := sys.stdin.readline().strip()).isdigit():
        request, scale = cluster._widget().children[1].children[1].children[0].children
        request.value = int(word)
        scale.click()
    if word == "close":
        client.close()
        cluster.close()


if __name__ == "__main__":
    main()
