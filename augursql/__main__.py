"""`python -m augursql` is the command `augur`."""

import sys

from augursql.frontends.shell.main import main

if __name__ == "__main__":
    sys.exit(main())
