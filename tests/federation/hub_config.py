"""JupyterHub's settings on the test federation: the checkout's own, but for what they say of accounts and centres."""

from tests.federation.accounts import USERS
from tests.federation.host import REPOSITORY

c = get_config()  # type: ignore[name-defined]  # noqa: F821 (JupyterHub provides it)
load_subconfig(str(REPOSITORY / "jupyterhub_config.py"))  # type: ignore[name-defined]  # noqa: F821

# The centres are real ones, if small; and each person has an account of their own at each.
c.SampanSpawner.simulated = False
c.JupyterHub.template_vars["sampan_embedded"] = False
_names = ", ".join(USERS[:6])
c.JupyterHub.template_vars["sampan_notice"] = {
    "en": f"A test federation. These have accounts at its centres: {_names}, p00 to p59.",
    "zh": f"测试联邦。下列用户在各中心有账号：{_names}，以及 p00 至 p59。",
}
# Anybody else would be refused by every centre, one after the other.
c.SharedPasswordAuthenticator.allow_all = False
c.SharedPasswordAuthenticator.allowed_users = set(USERS)
