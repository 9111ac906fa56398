"""Connections that lay unused for a while are tried before they are used: the server may have gone meanwhile.

A trial at every use would cost a round trip each time, which is more than most statements of the hub cost.
"""

import math
import time
from typing import Any, Final

from sqlalchemy import Engine, event
from sqlalchemy.exc import DisconnectionError

#: A connection that lay unused for so long, seconds, is tried before it is used.
_FRESH: Final = 2.0


def try_before_use(engine: Engine) -> None:
    """Have the pool of this engine, of PostgreSQL, try those that lay unused; it opens another where one fails."""
    failure: type[Exception] = engine.dialect.loaded_dbapi.Error

    def attempt(driver: Any, record: Any, _fairy: object) -> None:
        """Raises ``DisconnectionError`` when the server is gone: the pool then opens another."""
        if time.monotonic() - record.info.get("left", math.inf) < _FRESH:
            return
        try:
            before, driver.autocommit = driver.autocommit, True
            driver.execute("")
            driver.autocommit = before
        except failure as error:
            raise DisconnectionError from error

    event.listen(engine, "checkin", _left)
    event.listen(engine, "checkout", attempt)


def _left(_driver: object, record: Any) -> None:
    record.info["left"] = time.monotonic()
