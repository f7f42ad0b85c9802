"""Calls DuckDB as if the user's own code did.

DuckDB finds DataFrames and Arrow tables by the names of the variables where it is called, and says
so of a variable that is no table. Called from here it would see our variables, not the user's.
"""

import sys
from functools import partial
from typing import Any

_CALL = compile("__augur_call__()", "", "eval")


def called_by_the_user(call: "partial[Any]") -> Any:
    """What `call`, of a function that is not Python's own, gives among the user's variables.

    They are those of the nearest frame outside of this package; the shell's user has none.
    """
    frame = sys._getframe(1)
    while (module := str(frame.f_globals.get("__name__"))).startswith("augursql."):
        if frame.f_back is None or module.startswith("augursql.frontends.shell"):
            return eval(_CALL, {"__augur_call__": call})
        frame = frame.f_back
    code = _CALL.replace(co_filename=frame.f_code.co_filename, co_firstlineno=frame.f_lineno)
    return eval(code, frame.f_globals, {**frame.f_locals, "__augur_call__": call})
