"""The terminal's way in: the command `augur`.

`main` reads the command line; `script` runs statements and prints each result through `box`;
`demo` is the first minute of a newcomer. Output that is not for a person, in a pipe, has no colour,
no progress bar and is never cut.
"""
