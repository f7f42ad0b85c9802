"""How many processor cores this process may really use, which a container may have cut down."""

import os
from pathlib import Path

from augursql.engine.repository.machine import control_groups, read_lines


def available_cores(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores of this process: its affinity, bounded by the quota of its control groups.

    A quota of 1.5 cores counts as 2. `proc` and `cgroup` are where Linux shows them; elsewhere the
    machine's count is the answer.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    folders = control_groups("cpu", ("cpu", "cpu,cpuacct"), proc, cgroup)
    quotas = [quota for folder in folders if (quota := _quota(folder)) is not None]
    bound = min(quotas, default=float(cores))
    return max(1, min(cores, -int(-bound // 1)))


def _quota(folder: Path) -> float | None:
    lines = read_lines(folder / "cpu.max")
    if not lines:
        names = ("quota", "period")
        lines = [line for name in names for line in read_lines(folder / f"cpu.cfs_{name}_us")]
    try:
        quota, period = (int(word) for word in " ".join(lines).split())
    except ValueError:
        return None  # no such file, or "max": no bound here
    return quota / period if quota > 0 and period > 0 else None
