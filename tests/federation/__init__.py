"""Four centres on this machine, each with real daemons and a network, host names and files of its own. Needs root.

::

    hub (this machine's own network)
     ├── east-login   sshd slurmctld slurmdbd mariadbd munged    cluster "east"   east-n1 east-n2    two queues, same nodes
     ├── west-login   …                                         cluster "west"   west-n1 west-n2    short time limit
     ├── core-login   …                                         cluster "core"   core-n1 core-n2    awkward on purpose
     └── cloud-login  sshd                                      no scheduler: sampan_kernels.processes runs there

By hand (records and data in /var/lib/sampan-federation, or where $SAMPAN_FEDERATION says; several may be up at once)::

    python -m tests.federation up | status | down
    python -m tests.federation fill east [CORES] | free east       a stranger's sleeping jobs, through its own scheduler
    python -m tests.federation cut east | heal east                the link between hub and login node
    python -m tests.federation join STATE                          descriptors into STATE/centres, trust in STATE's keys
    python -m tests.federation run east-n1 [--as e-alice] -- COMMAND …
    make demo FEDERATION=1                                         a hub on it; ends without it

In a test: the session fixture `federation` (tests/conftest.py), which brings it up at the first use and takes it down when
the run ends, unless it was brought up by hand, another run uses it, or SAMPAN_KEEP_FEDERATION=1. Runs that cannot bear each
other's jobs get a federation each, by $SAMPAN_FEDERATION. In Python::

    from tests.federation.federation import Federation
    federation = Federation()
    federation.up()                           # again and again; also after a crash that left half of it
    east = federation.centre("east")
    east.address, east.port, east.host_keys, east.hub_address, east.service_account
    east.account("alice")                     # "e-alice"; east.accounts: hub user → account
    east.run(["hostname"], host="n1", account="e-alice").stdout
    east.jobs(), east.fill(), east.free(), east.cut(), east.heal(), east.cut_node("n1"), east.heal_node("n1")
    east.stop_daemon("slurmctld"), east.continue_daemon("slurmctld"), east.kill_daemon("slurmd", host="n1")
    with east.slurm.settings(MinJobAge="2"): …
    east.trust("ssh-ed25519 AAAA…"), east.distrust(…), east.revoke("ssh-ed25519-cert-v01@openssh.com AAAA…")
    east.descriptor(); federation.write_descriptors(folder)

What is the same everywhere: /home/<account>, /scratch (both shared by the nodes of a centre), /opt/software (the service
account's own, shared), /opt/sampan/user/<digest> (the user environment, read-only), /etc/slurm/slurm.conf, logs in /var/log.
Who a hub user is differs at each centre (accounts.py), and what a centre is like stands in shape.py.

Each host is one process (the anchor), the first of its own pid, network, mount, UTS and IPC namespaces, with a file tree of
its own. Ending that process ends all that runs on the host, jobs as well, and with it go its mounts and links: so what has
to be recorded is one pid a host, and the time it started.
"""
