"""The real servers: how each is prepared, configured and started in its pod."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from data.lab.addresses import DNS_SERVICE
from data.lab.model import Scenario
from data.lab.names import CLUSTER, cluster_dns
from data.lab.placement import Pod

AS_POSTGRES = ("setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups")

NGINX = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log warn;
events {{}}
http {{
  access_log syslog:server={syslog}:514,nohostname;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi;
  scgi_temp_path {folder}/scgi;
  resolver {dns} valid=3s ipv6=off;
  server {{
    listen 8080;
    listen [::]:8080;
    location = /healthz {{ access_log off; return 200 "ok\\n"; }}
    location = /items {{ return 200 "taken\\n"; }}
    location / {{
      set $api http://api.shop.svc.{cluster};
      proxy_pass $api;
    }}
  }}
}}
"""


def command(scenario: Scenario, pod: Pod, folder: Path) -> list[str]:
    """Prepare a pod's real server in a folder of its own; give the command that runs it in the foreground."""
    match pod.workload.program:
        case "nginx":
            return _nginx(scenario, folder)
        case "redis":
            return ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", str(folder)]
        case "postgres":
            return _postgres(folder)
        case "dnsmasq":
            path = folder / "dnsmasq.conf"
            path.write_text(cluster_dns(scenario, pod))
            return ["dnsmasq", "--keep-in-foreground", f"--conf-file={path}"]
    raise ValueError(f"{pod.workload.program} is no real server")


def _nginx(scenario: Scenario, folder: Path) -> list[str]:
    syslog = scenario.service("monitoring/syslog").address
    path = folder / "nginx.conf"
    path.write_text(NGINX.format(folder=folder, syslog=syslog, dns=DNS_SERVICE, cluster=CLUSTER))
    return ["nginx", "-c", str(path), "-e", str(folder / "error.log")]


def _postgres(folder: Path) -> list[str]:
    programs = postgres_programs()
    data = folder / "data"
    data.mkdir()
    shutil.chown(data, "postgres", "postgres")
    initdb = [str(programs / "initdb"), "-D", str(data), "-A", "trust", "--no-sync", "--locale=C", "-E", "UTF8"]
    subprocess.run([*AS_POSTGRES, *initdb], check=True, capture_output=True, cwd="/")
    with (data / "pg_hba.conf").open("a") as rules:
        rules.write("host all all 0.0.0.0/0 trust\n")
    options = ["-c", "listen_addresses=*", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    return [*AS_POSTGRES, str(programs / "postgres"), "-D", str(data), *options]


def postgres_programs() -> Path:
    """Find the folder of PostgreSQL's server programs, which Debian keeps off the PATH."""
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
    found = debian[-1] if debian else Path(shutil.which("postgres") or "")
    if not found.name:
        raise FileNotFoundError("postgres is not installed")
    return found.parent


def certificate(folder: Path) -> Path:
    """Make a self-signed certificate; key and certificate in one file."""
    path = folder / "lab.pem"
    options = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj", "/CN=lab"]
    subprocess.run(
        ["openssl", "req", "-x509", *options, "-keyout", str(path), "-out", str(folder / "cert.pem")],
        check=True,
        capture_output=True,
    )
    path.write_text(path.read_text() + (folder / "cert.pem").read_text())
    return path
