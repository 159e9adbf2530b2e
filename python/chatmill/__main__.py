"""`python -m chatmill`: the same as the command `chatmill`."""

from chatmill.cli.main import main

if __name__ == "__main__":
    main()
