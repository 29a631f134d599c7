"""`python -m data.lab`: record the scenario, or prove policies on it."""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType

from data.lab.proof import prove, standing
from data.lab.recording import record
from data.lab.scenario import SCENARIO
from flowkit.errors import FlowkitError
from flowkit.policy.policyset import PolicySet

PROGRAMS = ("ip", "nft", "sysctl", "ethtool", "ss", "tcpdump", "setpriv", "openssl", "ping", "psql",
            "nginx", "redis-server", "dnsmasq")  # fmt: skip


def main() -> int:
    """Read the command line, record, and say how it goes on stderr."""
    parser = argparse.ArgumentParser(
        prog="python -m data.lab", description="Play a small cluster and record it (root)."
    )
    parser.add_argument("--seconds", type=float, default=40, help="how long the clients call (default: %(default)s)")
    parser.add_argument("-o", "--output", type=Path, default=Path("data/cluster"), help="folder (default: %(default)s)")
    parser.add_argument(
        "--prove", type=Path, metavar="POLICIES", help="record nothing: put these policies into the kernel"
    )
    options = parser.parse_args()
    if os.geteuid() != 0:
        print("the lab builds network namespaces: run it as root", file=sys.stderr)
        return 1
    missing = [program for program in PROGRAMS if shutil.which(program) is None]
    if missing:
        print(f"the lab needs {', '.join(missing)}: install them first", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, _leave)
    try:
        return _record(options.seconds, options.output) if options.prove is None else _prove(options.prove)
    except KeyboardInterrupt:
        print("interrupted; everything is removed", file=sys.stderr)
        return 130
    except (FlowkitError, OSError, RuntimeError, subprocess.SubprocessError) as error:
        print(f"the lab failed: {error}", file=sys.stderr)
        return 1


def _record(seconds: float, output: Path) -> int:
    started = time.monotonic()
    record(SCENARIO, seconds, output, lambda text: print(text, file=sys.stderr, flush=True))
    print(f"wrote {output} in {time.monotonic() - started:.0f} s", file=sys.stderr)
    return 0


def _prove(policies: Path) -> int:
    loaded = PolicySet.load(policies)
    print(loaded)
    with standing(SCENARIO) as lab:
        proof = prove(lab, loaded)
    print("\n".join(proof.lines))
    return 0 if proof.holds else 1


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
