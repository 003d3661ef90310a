"""A notebook's own program, as a process of its own: it opens a cluster, tells of its workers, and waits to be told how to end.

A line on stdin ends it: "close" closes the cluster, "leave" only ends.
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
    }
    print(json.dumps(told), flush=True)
    if sys.stdin.readline().strip() == "close":
        client.close()
        cluster.close()


if __name__ == "__main__":
    main()
