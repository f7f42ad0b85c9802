"""How much memory and disk there is, which a container may have cut down."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

_PROC, _CGROUP = Path("/proc"), Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True)
class Machine:
    """The memory that models may take, in bytes: what there is in `total` and what is `available`
    now; 0 where it is not known, and nothing is refused."""

    total: int = 0
    available: int = 0


def this_machine(proc: Path = _PROC, cgroup: Path = _CGROUP) -> Machine:
    """The memory of this process's machine, bounded by its control groups."""
    total, available = _memory(proc)
    for limit, used in _limits(proc, cgroup):
        total = min(total or limit, limit)
        available = min(available or limit, max(0, limit - used))
    return Machine(total, available)


def free_disk(folder: Path) -> int:
    """The bytes that are free where `folder` is, or will be."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return 1 << 62


def _memory(proc: Path) -> tuple[int, int]:
    lines = (line.split() for line in read_lines(proc / "meminfo"))
    found = {words[0].rstrip(":"): int(words[1]) * 1024 for words in lines if len(words) > 1}
    if "MemTotal" in found:
        return found["MemTotal"], found.get("MemAvailable", found["MemTotal"])
    try:
        total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # no such names here
        return 0, 0
    return total, total


def _limits(proc: Path, cgroup: Path) -> list[tuple[int, int]]:
    """Limit and use of each control group of the process that bounds its memory."""
    found = list[tuple[int, int]]()
    for folder in control_groups("memory", ("memory",), proc, cgroup):
        for limit, used, cache in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            bytes_, now = (" ".join(read_lines(folder / name)) for name in (limit, used))
            if bytes_.isdecimal() and now.isdecimal() and int(bytes_) < 1 << 60:
                # Files that were read count as used, though they make way.
                found.append((int(bytes_), max(0, int(now) - _statistic(folder, cache))))
    return found


def control_groups(controller: str, mounts: Sequence[str], proc: Path, cgroup: Path) -> list[Path]:
    """The folders of the process's control groups, versions 1 and 2, up to the root.

    In version 1 each `controller` has a hierarchy of its own, below one of `mounts`.
    """
    folders = [cgroup, *(cgroup / mount for mount in mounts)]
    for line in read_lines(proc / "self" / "cgroup"):
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        root = cgroup / controllers if controllers else cgroup
        inner = root / path.lstrip("/")
        folders += [inner, *(p for p in inner.parents if root in p.parents)]
    return list(dict.fromkeys(folders))


def _statistic(folder: Path, name: str) -> int:
    lines = (line.split() for line in read_lines(folder / "memory.stat"))
    return next((int(words[1]) for words in lines if words[:1] == [name]), 0)


def read_lines(path: Path) -> list[str]:
    """The lines of a file of the kernel's; none where it is not there or not ours to read."""
    try:
        return path.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
