"""Run the command line as ``python -m capture``."""

from capture.cli import main

if __name__ == "__main__":
    main(prog_name="capture")
