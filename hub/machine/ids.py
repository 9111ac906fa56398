"""Ids: UUIDv7 (RFC 9562 §5.7) as 32 hexadecimal characters. Order never comes from them."""

from dataclasses import dataclass

from hub.ports import Clock, Random


@dataclass(frozen=True, slots=True)
class Ids:
    """Makes ids from the clock (milliseconds) and 74 random bits."""

    clock: Clock
    random: Random

    def __call__(self) -> str:
        milliseconds = int(self.clock.now().timestamp() * 1000)
        noise = int.from_bytes(self.random(10), "big")
        high = (noise >> 68) & 0xFFF
        low = noise & ((1 << 62) - 1)
        return f"{(milliseconds << 80) | (0x7 << 76) | (high << 64) | (0b10 << 62) | low:032x}"
