"""Live capture: packets of an interface become flow tables while they come."""

from capture.live.capturing import LiveCapture, Progress, live

__all__ = ["LiveCapture", "Progress", "live"]
