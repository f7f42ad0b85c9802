"""How many processor cores this process may really use, which a container may have cut down."""

import os
from pathlib import Path


def available_cores(proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> int:
    """The cores of this process: its affinity, bounded by the quota of its control groups.

    A quota of 1.5 cores counts as 2. `proc` and `cgroup` are where Linux shows them; elsewhere the
    machine's count is the answer.
    """
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else (os.cpu_count() or 1)
    quotas = [q for folder in _groups(proc, cgroup) if (q := _quota(folder)) is not None]
    bound = min(quotas, default=float(cores))
    return max(1, min(cores, -int(-bound // 1)))


def _groups(proc: Path, cgroup: Path) -> list[Path]:
    """The folders of the process's control groups, versions 1 and 2, up to the root."""
    folders = [cgroup, cgroup / "cpu", cgroup / "cpu,cpuacct"]
    for line in _read(proc / "self" / "cgroup").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        root = cgroup / controllers if controllers else cgroup
        inner = root / path.lstrip("/")
        folders += [inner, *(p for p in inner.parents if root in p.parents)]
    return folders


def _quota(folder: Path) -> float | None:
    words = _read(folder / "cpu.max").split()
    if not words:
        words = [_read(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
    try:
        quota, period = (int(word) for word in words)
    except ValueError:
        return None  # no such file, or "max": no bound here
    return quota / period if quota > 0 and period > 0 else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError:
        return ""
