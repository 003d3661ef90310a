"""What makes a server its owner's: its token, its OAuth secret, its prefix. Made, handed over and revoked here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jupyterhub import orm, roles, scopes
from jupyterhub.utils import maybe_future, url_escape_path, url_path_join

from sampan.errors import SampanError

if TYPE_CHECKING:
    from jupyterhub.spawner import Spawner

    from sampan_spawners.spawner import SampanSpawner

__all__ = ["base_url", "environment", "mint", "revoke", "take"]


def base_url(spawner: Spawner) -> str:
    """The path its server answers at: `/user/alice/` or `/user/alice/name/`."""
    return str(url_path_join(spawner.user.base_url, url_escape_path(spawner.name), "/"))


def environment(spawner: Spawner) -> dict[str, str]:
    """What the server is to get: JupyterHub's own variables alone, because a centre's environment is the centre's."""
    return {
        key: str(value)
        for key, value in spawner.get_env().items()
        if key.startswith("JUPYTERHUB_") and value is not None
    }


def _note(spawner: Spawner) -> str:
    # User.spawn writes this note; it is all that tells a server's token from its owner's other ones after a restart.
    return f"Server at {base_url(spawner)}"


async def mint(spawner: Spawner) -> None:
    """Makes a new token and OAuth secret for a start that this hub process did not begin.

    The steps are User.spawn's (jupyterhub 6.1): the token of the old process was in its memory and in the broker's, and both
    are gone. Whatever it was, it is revoked first.
    """
    user, db = spawner.user, spawner.user.db
    revoke(spawner)
    wanted = spawner.server_token_scopes
    if callable(wanted):
        wanted = await maybe_future(wanted(spawner))
    ours = f"={user.name}/{spawner.name}"
    asked = {
        scope + ours if scope.endswith("!server") else scope
        for scope in wanted or orm.Role.find(db, "server").scopes
    } | {"users:activity!user"}
    have = roles.roles_to_scopes(roles.get_roles_for(user.orm_user)) | {"inherit"}
    hub = db.query(orm.OAuthClient).filter_by(identifier="jupyterhub").one()
    granted, _ = scopes._resolve_requested_scopes(asked, have, user.orm_user, hub, db)  # noqa: SLF001
    spawner.api_token = user.new_api_token(note=_note(spawner), scopes=granted)
    spawner.orm_spawner.oauth_client = user.settings["oauth_provider"].add_client(
        spawner.oauth_client_id,
        spawner.api_token,
        url_path_join(user.url, url_escape_path(spawner.name), "oauth_callback"),
        allowed_scopes=await spawner._get_oauth_client_allowed_scopes(),  # noqa: SLF001
        description=_note(spawner),
    )
    db.commit()


async def take(spawner: SampanSpawner) -> None:
    """A server that runs already keeps its token: it becomes the spawner's again, and User.spawn drops the unused one."""
    try:
        token = await spawner.broker.get_identity(spawner.launch_id)
    except SampanError as error:
        spawner.log.warning("%s: cannot read back its token: %s", spawner._log_name, error)  # noqa: SLF001
    else:
        if token is not None:
            spawner.api_token = token


def revoke(spawner: Spawner) -> int:
    """Revokes every token of this server, also those that an earlier hub process made; says how many.

    JupyterHub itself revokes `spawner.api_token`, which is empty after a restart.
    """
    db = spawner.user.db
    notes = {_note(spawner), f"retrieved from spawner {spawner.name}"}
    tokens = (
        db.query(orm.APIToken)
        .filter(orm.APIToken.user_id == spawner.user.orm_user.id, orm.APIToken.note.in_(notes))
        .all()
    )
    for token in tokens:
        db.delete(token)
    db.commit()
    return len(tokens)
