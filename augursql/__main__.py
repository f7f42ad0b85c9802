"""`python -m augursql` is the command `augur`."""

from augursql.frontends.shell.main import main

if __name__ == "__main__":
    main()
