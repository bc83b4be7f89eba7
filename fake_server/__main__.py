"""`python -m fake_server`."""

from fake_server.cli import main

if __name__ == "__main__":
    main(prog_name="fake-server")
