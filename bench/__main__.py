"""`python -m bench`: the command line, for launchers that start modules, such as torchrun."""

from bench.cli import app

if __name__ == "__main__":
    app(prog_name="bench")
