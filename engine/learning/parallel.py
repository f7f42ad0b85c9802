"""Independent fits side by side: a thread for each, and one BLAS thread inside each.

The other way round, one fit after the other with all of BLAS's threads, is as fast on a quiet
machine, but its threads wait for one another after every small product: where another process
takes a core, a fit of two seconds takes a minute.
"""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from threadpoolctl import threadpool_limits

from augursql.engine.runtime.cores import available_cores

Item = TypeVar("Item")
Made = TypeVar("Made")


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """While the block runs, numpy's matrix products use one thread each, in the whole process."""
    with threadpool_limits(1, user_api="blas"):
        yield


def each(make: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """`make` of every item, in order. The first error is raised, once running ones have ended."""
    given = list(items)
    if len(given) < 2:
        return [make(item) for item in given]
    with ThreadPoolExecutor(min(len(given), available_cores())) as pool:
        return list(pool.map(make, given))
