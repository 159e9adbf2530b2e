"""The command `chatmill`; its entry point is `chatmill.cli.main.main`."""
