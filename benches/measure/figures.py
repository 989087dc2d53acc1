"""What a client measured under load."""

from __future__ import annotations

import dataclasses


@dataclasses.dataclass
class Figures:
    """What a client measured."""

    requests: int
    errors: int
    seconds: float
    rate: float
    p50_us: float
    p99_us: float
    max_us: float = 0.0
    #: Processor time of the server for one request, in microseconds.
    processor_us: float = 0.0
    #: The first thing that went wrong.
    complaint: str = ""
