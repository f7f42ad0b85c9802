"""The ways in: what people and programs talk to.

A request arrives as text (`dbapi` from Python, `shell` from a terminal), goes to one
`database.Session`, and its rows, notices and errors go back in the form that the caller knows.
The front doors hold no logic of the language; they do not know how a prediction is made.
"""
