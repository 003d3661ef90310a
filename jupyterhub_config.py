"""JupyterHub's settings for Sampan: the embedded default, which `make demo` and `sampan up` run.

It is for one person trying it out, on one machine: loopback only, any name with one password. What a real hub sets instead
stands beside each setting and, all together, at the end. Each setting that looks odd says what happens without it.
"""

# ruff: noqa: ERA001 (the settings of a real hub are shown as comments)

import os
import secrets
from pathlib import Path

from sampan_spawners.fragments import TEMPLATES
from sampan_spawners.handlers import HANDLERS

c = get_config()  # noqa: F821 (JupyterHub provides it)

state = Path(os.environ.get("SAMPAN_STATE", "state")).resolve()
port = int(os.environ.get("SAMPAN_PORT", "8000"))
hub_port = int(os.environ.get("SAMPAN_HUB_PORT", "8081"))
proxy_api_port = int(os.environ.get("SAMPAN_PROXY_API_PORT", "8001"))
broker_port = int(os.environ.get("SAMPAN_BROKER_PORT", "8082"))


def secret(name: str) -> str:
    """A secret of the state directory; made here where `sampan up` has not made it (this hub run by hand, a unit)."""
    path = state / "secrets" / name
    if not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_hex(32))
    return path.read_text(encoding="utf-8").strip()


# ---- addresses: loopback only. Behind a real front end, bind_url is what that one reaches -------------------------------
c.JupyterHub.bind_url = f"http://127.0.0.1:{port}"
c.JupyterHub.hub_ip = "127.0.0.1"
c.JupyterHub.hub_port = hub_port

# ---- the proxy is a process of its own --------------------------------------------------------------------------------
# A proxy that the hub starts ends with the hub, and with it every open notebook.
c.ConfigurableHTTPProxy.should_start = False
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{proxy_api_port}"
c.ConfigurableHTTPProxy.auth_token = secret("proxy-token")
c.JupyterHub.cleanup_proxy = False
# JupyterHub compares the proxy's routes with its servers this often; with its 300 s a proxy that was restarted has no routes
# for minutes. `sampan up` also asks for them at once.
c.JupyterHub.last_activity_interval = 15

# ---- what outlives the hub --------------------------------------------------------------------------------------------
c.JupyterHub.db_url = (
    f"sqlite:///{state / 'hub.sqlite'}"  # a real hub: "postgresql+psycopg://sampan@/sampan_hub"
)
secret("cookie")
c.JupyterHub.cookie_secret_file = str(state / "secrets" / "cookie")
# With True a hub that stops ends everybody's sessions.
c.JupyterHub.cleanup_servers = False
# Checking servers after a restart may wait for a centre that is cut off; nobody else is to wait for that.
c.JupyterHub.init_spawners_timeout = 1

# ---- who may come in --------------------------------------------------------------------------------------------------
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = secret("password")
c.SharedPasswordAuthenticator.allow_all = True
# Logging out of the page is not "end my session": hours of computing may run in it.
c.JupyterHub.shutdown_on_logout = False

# ---- servers are launches of the broker -------------------------------------------------------------------------------
c.JupyterHub.spawner_class = "sampan"
c.SampanSpawner.broker_socket = str(state / "run" / "broker.sock")
secret("hub-broker")
c.SampanSpawner.secret_file = str(state / "secrets" / "hub-broker")
c.SampanSpawner.simulated = True
c.JupyterHub.allow_named_servers = True
# It counts people who wait in a queue: one busy centre would give everyone else a 429.
c.JupyterHub.concurrent_spawn_limit = 0
# How much may run is the centres' and the allocations' affair; a full centre gives a place in the queue, not a 429.
c.JupyterHub.active_server_limit = 0
# It counts failures over all centres: one dead centre would end the hub.
c.Spawner.consecutive_failure_limit = 0
# One limit for queue and boot together would throw people out of the queue. The broker has one for each.
c.Spawner.start_timeout = 366 * 24 * 3600
# A door answers at once, whatever the centre does. This is for a machine that is very busy.
c.Spawner.http_timeout = 120
# One question to the broker on this machine, which answers from what it knows already: no scheduler is asked.
c.Spawner.poll_interval = 10

# ---- log ---------------------------------------------------------------------------------------------------------------
# For a program that reads it: one JSON object a line, with the launch that it is about.
if os.environ.get("SAMPAN_LOG_FORMAT") == "json":
    c.JupyterHub.logging_config = {"formatters": {"console": {"class": "sampan.logs.JsonLines"}}}

# ---- pages ------------------------------------------------------------------------------------------------------------
c.JupyterHub.template_paths = [str(TEMPLATES)]
c.JupyterHub.template_vars = {
    # Says on the login page that all names share one account of this machine. Leave it out on a real hub.
    "sampan_embedded": True,
    "sampan_me": lambda user: getattr(user, "name", ""),
}
c.JupyterHub.extra_handlers = HANDLERS

# ---- the broker and `sampan up`, as services that JupyterHub does not start (a managed one ends with the hub, and keeps its
#      port as an orphan after kill -9) ------------------------------------------------------------------------------------
c.JupyterHub.services = [
    {
        "name": "sampan",
        "api_token": secret("service-token"),
        "oauth_redirect_uri": "/services/sampan/oauth_callback",
        "oauth_no_confirm": True,
        "display": False,
    },
    {"name": "sampan-up", "api_token": secret("routes-token"), "display": False},
    {"name": "sampan-culler", "api_token": secret("culler-token"), "display": False},
]
# Its route stands here instead of a `url` above: a hub that starts waits for each service with a url, and waits for minutes
# for a broker that accepts connections and does not answer. Nobody could log in meanwhile.
c.ConfigurableHTTPProxy.extra_routes = {"/services/sampan/": f"http://127.0.0.1:{broker_port}"}
c.JupyterHub.load_roles = [
    # People, and the tokens they make, may ask the broker.
    {"name": "user", "scopes": ["self", "access:services!service=sampan"]},
    # So may their servers, and nothing else beyond what JupyterHub gives them; the broker lets them touch their owner's
    # launches only.
    {
        "name": "server",
        "scopes": ["users:activity!user", "access:servers!server", "access:services!service=sampan"],
    },
    # `sampan up` tells the hub to restore its routes when it has restarted the proxy.
    {"name": "sampan-routes", "services": ["sampan-up"], "scopes": ["proxy"]},
    # Idle servers are ended by a process of its own, which may look at servers, end them, and nothing else.
    {
        "name": "sampan-culler",
        "services": ["sampan-culler"],
        "scopes": ["list:users", "read:users:activity", "read:servers", "delete:servers"],
    },
]
# The service `sampan` has no role on purpose: the broker asks the hub "whose token is this" with the token itself, which
# every token may (name, groups, scopes of its own). Its own token opens nothing.

# ---- the real thing ---------------------------------------------------------------------------------------------------
# Units instead of `sampan up`: one each for proxy, hub, broker, signer and culler, `Restart=always`, under accounts that no job
# runs as, the signer under one of its own; the environment above in an EnvironmentFile, secrets in files of mode 0600.
#
# Login by the federation's identity provider (pip install oauthenticator); groups decide who operates a centre
# ("sampan:operator:east") or publishes ("sampan:provider:name"):
#   c.JupyterHub.authenticator_class = "generic-oauth"
#   c.GenericOAuthenticator.client_id = "sampan"
#   c.GenericOAuthenticator.client_secret = secret("oauth-client")
#   c.GenericOAuthenticator.oauth_callback_url = "https://notebooks.example.org/hub/oauth_callback"
#   c.GenericOAuthenticator.authorize_url = "https://login.example.org/authorize"
#   c.GenericOAuthenticator.token_url = "https://login.example.org/token"
#   c.GenericOAuthenticator.userdata_url = "https://login.example.org/userinfo"
#   c.GenericOAuthenticator.username_claim = "sub"
#   c.GenericOAuthenticator.scope = ["openid", "profile"]
#   c.GenericOAuthenticator.manage_groups = True
#   c.GenericOAuthenticator.auth_state_groups_key = "userinfo.groups"
#   c.GenericOAuthenticator.allowed_groups = {"researchers"}
#
# Each person's server under a host name of its own, so that a page of one cannot act in another's:
#   c.JupyterHub.subdomain_host = "https://notebooks.example.org"
#
# Centres that are reached by SSH are descriptors in the broker's directory, not settings of the hub: docs/how-to/join-by-ssh.md
# Then also:
#   c.SampanSpawner.simulated = False
#   c.JupyterHub.template_vars["sampan_embedded"] = False
