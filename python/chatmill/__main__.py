"""`python -m chatmill` is the command `chatmill`."""

from chatmill.cli import main

if __name__ == "__main__":
    main()
