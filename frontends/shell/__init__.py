"""The terminal's way in: the command `augur`.

`main` looks at the command line (`options`) and runs it. `script` cuts a text into statements and
dot commands (`parts`) and runs one after the other: statements by the session, `commands` by
themselves: `switches` change the `look` of results, `actions` do something, `listed` lists names.
All of them work with a `terminal`: the open database, the look, and the `output` that results go
to. `cells` makes texts of values, `modes`, `box` and `grids` what is printed of them. `console`
asks a person for the text, with `completion` of known `names` and `highlight`ing; these alone load
prompt_toolkit. `batch` does a `job`: it predicts for the rows of `files`; `demo` is the first
minute of a newcomer.

Output that is not for a person, in a pipe, has no colour, no progress bar and is never cut.
"""
