"""A server that was killed in its job: its launcher starts it again there, and its person is told."""

from __future__ import annotations

from sampan.messages import Message
from sampan.stages import PROGRESS, Seen, Stage
from sampan_hub.kinds import KINDS
from sampan_hub.link import Link
from sampan_hub.records import Attempt, Launch
from sampan_hub.services import Services

__all__ = ["recover", "recovers"]

_FALLEN = "launch.server_again"
_LOOK = 0.5


def recovers(services: Services, launch: Launch) -> bool:
    """Whether it is on its way back; also as a broker before this one has said."""
    return launch.id in services.fallen or launch.message.code == _FALLEN


async def recover(services: Services, launch: Launch, attempt: Attempt, link: Link) -> float:
    """Says that it is started again, and then that it is back. Its launch stays ready: its job and its children go on."""
    back = await KINDS[launch.kind].answers(link, launch.prefix)
    if back:
        services.fallen.discard(launch.id)
    code = "launch.server_back" if back else _FALLEN
    if launch.message.code != code:
        await services.store.step(
            launch.id,
            attempt=attempt.number,
            message=Message(code, {"centre": services.say(attempt.centre)}),
            stage=Stage.READY,
            seen=Seen.ALIVE,
            progress=PROGRESS[Stage.READY],
        )
    return 0.0 if back else _LOOK
