"""Everything that Sampan raises on purpose.

::

    SampanError                  has a code, sentences, a cause for the log, and says whether trying again can help
    ├── Invalid                  what was sent is not acceptable; names the field                    (400)
    ├── Forbidden                this identity may not do that                                       (403)
    ├── Missing                  there is no such thing, or none that this identity may see          (404)
    ├── Conflict                 it contradicts what exists                                          (409)
    ├── Refused                  a scheduler or a centre said no, on purpose                         (422)
    └── Unavailable              nobody could be asked, or the answer was not an answer              (424)
        └── Unreachable          the way to a centre or to the broker is cut

An error carries a :class:`sampan.messages.Message`: a stable code and its parameters. The sentence is made where it is
shown, in the language of the person who reads it.
"""

from __future__ import annotations

from functools import partial
from typing import ClassVar

from sampan.messages import Message, Value

__all__ = [
    "Conflict",
    "Forbidden",
    "Invalid",
    "Missing",
    "Refused",
    "SampanError",
    "Unavailable",
    "Unreachable",
]


class SampanError(Exception):
    """An error with an owner: `message` is for the person, `cause` for the log.

    `status` is the HTTP status it becomes at the broker's edge; `retry` says whether the same request may succeed later.
    """

    status: ClassVar[int] = 424
    retry: ClassVar[bool] = False

    def __init__(self, code: str, /, cause: str = "", **params: Value) -> None:
        self.message = Message(code, params)
        self.cause = cause
        super().__init__(self.message.say("en") + (f" [{cause}]" if cause else ""))

    @property
    def code(self) -> str:
        return self.message.code

    def __reduce__(self) -> tuple[partial[SampanError], tuple[()]]:
        return partial(type(self), self.code, self.cause, **self.message.params), ()


class Invalid(SampanError):
    status = 400


class Forbidden(SampanError):
    status = 403


class Missing(SampanError):
    status = 404


class Conflict(SampanError):
    status = 409


class Refused(SampanError):
    status = 422


class Unavailable(SampanError):
    status = 424
    retry = True


class Unreachable(Unavailable):
    pass
