"""Resolve the locked requirement files from pyproject.toml, with hashes and without any download address.

`demo.txt` is what `make demo` runs with, `dev.txt` what the tests and checks need on top, `image.txt` what deploy/Containerfile
holds; all pin the same versions.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
BUILD = "hatchling>=1.27\nhatch-vcs>=0.5\neditables>=0.5\n"  # an editable install without a download of its own
IMAGE = [
    word
    for extra in ("capture", "cluster", "kafka", "netflow", "notebook", "prometheus")
    for word in ("--extra", extra)
]
COMMON = [
    "--generate-hashes",
    "--no-emit-index-url",
    "--python-version",
    "3.11",
    "--universal",
    "--quiet",
    "--no-header",
]


def resolve(name: str, *arguments: str) -> None:
    """Write requirements/NAME.txt."""
    target = HERE / f"{name}.txt"
    command = [sys.executable, "-m", "uv", "pip", "compile", *COMMON, "--output-file", str(target), *arguments]
    subprocess.run([*command, "-"], input=BUILD, text=True, check=True, cwd=HERE.parent)


if __name__ == "__main__":
    resolve("dev", "pyproject.toml", "--all-extras", "--group", "dev")
    resolve("bench", "--group", "bench", "--constraint", str(HERE / "dev.txt"))
    resolve("bpf", "--group", "bpf", "--constraint", str(HERE / "dev.txt"))
    resolve("image", "pyproject.toml", *IMAGE, "--constraint", str(HERE / "dev.txt"))
    resolve("demo", "pyproject.toml", "--extra", "plot", "--constraint", str(HERE / "dev.txt"))
