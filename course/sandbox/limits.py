"""What a notebook may use of the machine while it is graded."""

import dataclasses


@dataclasses.dataclass(frozen=True)
class Limits:
    """What a notebook may use.

    The time of a cell is for whoever executes the notebook to keep (nbclient's `timeout`); the rest is kept here.
    """

    cell_seconds: float = 60.0
    notebook_seconds: float = 300.0  # from the kernel's start; also the processor time of each process
    memory: int = 4 * 2**30  # bytes, all processes together
    processes: int = 64  # threads count; the kernel itself has about ten
    file_bytes: int = 64_000_000  # one file
    disk_bytes: int = 256_000_000  # the working folder; as much again in /tmp, /dev/shm and the exchange
    output_bytes: int = 1_000_000  # what all cells print, pictures included
