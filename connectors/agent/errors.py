"""What can go wrong between a partner and the hub. No error repeats a value that was sent.

AgentError
├── HubRefused     the hub answered no (4xx); ``status``, ``code``, ``fields`` say why
├── Unreachable    no useful answer after every attempt; what was asked may or may not have been done
└── HubAnswerOdd   the hub answered something that this agent does not understand
"""

from contracts.errors import Fault


class AgentError(Exception):
    """Anything that ends a call without its result."""


class HubRefused(AgentError):
    """The hub's problem details (RFC 9457) or OAuth error (RFC 6749 §5.2)."""

    def __init__(self, status: int, code: str, fields: tuple[Fault, ...] = ()) -> None:
        super().__init__(f"de hub weigert: {status} {code}")
        self.status = status
        self.code = code
        self.fields = fields


class Unreachable(AgentError):
    """Every attempt failed. ``attempts`` counts them."""

    def __init__(self, attempts: int) -> None:
        super().__init__(f"de hub geeft geen antwoord ({attempts} keer geprobeerd)")
        self.attempts = attempts


class HubAnswerOdd(AgentError):
    """The answer does not have the shape that the hub's API promises."""

    def __init__(self, status: int) -> None:
        super().__init__(f"de hub geeft een antwoord dat niet te lezen is ({status})")
        self.status = status
