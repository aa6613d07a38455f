"""Real processes, really killed: `gameday run --on aws` dies at its k-th HTTP request, `gameday restore` follows.

A tiny proxy on loopback stands between the process and a moto server in another process. It counts requests, and sends
the signal at the k-th: before it goes on to the server, or after the server has answered it and before the process
hears of it. Nothing is timed, and no wait is real. Every scenario has an account of its own on the same server.
"""

from __future__ import annotations

import http.client
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch
from urllib.parse import parse_qs, urlsplit

import botocore.session
from botocore.config import Config

from tests.crash_matrix.scenario import Key, Point
from tests.crash_matrix.stand import differences
from tests.doubles.server import GAMEDAY, moto_server, settings
from tests.doubles.shop import REGION, Layout, build
from tests.waiting import LAST_NET

LAYOUT = Layout(zones=("us-east-1a", "us-east-1a", "us-east-1b"), lone=2, functions=(), stages=())
WORKLOAD = """
version: 1
kind: workload
name: shop
provides: Work gets done.
account: "{account}"
regions: [us-east-1]
owns: {{tags: {{app: shop}}}}
opt_in: {{gameday: allowed}}
limits: {{module_share: 100%, exposure: 30m}}
modules:
  web: {{owns: {{tags: {{module: web}}}}}}
  payments: {{owns: {{tables: [ledger]}}}}
kpis:
  work:
    tier: business
    module: web
    ratio: {{total: {{command: {{run: [echo, "1000 0"], every: 500ms}}}}}}
    bound: {{at_least: 99%}}
"""
EXPERIMENT = """
version: 1
kind: experiment
name: killed
workload: workload.yaml
hypothesis: Work goes on.
steady_state: [work]
baseline: 6s
faults: [{fault}]
lasts: 5s
allow: [unchecked-undo]
"""
FAULTS = {
    "killed: stop 2": "{stop-instance: {tags: {lone: 'yes'}, count: 2}}",
    "killed: throttle a table": "{throttle: {table: ledger, to: 1}}",
    "killed: blackhole, launches blocked": "{az-blackhole: {zone: us-east-1a, launches: blocked}}",
    "killed: isolate": "{isolate-module: {module: web}}",
}
CHANGES = re.compile(r"^(Create|Delete|Replace|Modify|Update|Suspend|Resume|Stop|Start|Revoke|PUT|DELETE)")
EFFECT = re.compile(r"GetMetricData|DescribeTargetHealth|DescribeInstances$")


@dataclass
class Door:
    """The proxy: an account of its own behind it, a victim before it."""

    upstream: str
    account: str
    at: int | None = None
    when: str = "before"
    asks: signal.Signals = signal.SIGTERM  # what a run that nobody kills is asked to end by
    victim: subprocess.Popen[bytes] | None = None
    is_out: threading.Event = field(default_factory=threading.Event)
    seen: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    is_asked_to_stop: bool = False

    def counts(self, operation: str) -> bool:
        """Note a request of the victim; whether it is the one to die at."""
        if self.victim is None:
            return False
        self.is_out.wait()
        with self.lock:
            number = len(self.seen)
            self.seen.append(operation)
            has_changed = any(CHANGES.match(one) for one in self.seen)
            if has_changed and EFFECT.search(operation) and not self.is_asked_to_stop:
                self.is_asked_to_stop = True  # it has injected, and looks for the effect: let it undo at once
                self.victim.send_signal(self.asks)
        return number == self.at

    def kill(self) -> None:
        assert self.victim
        self.victim.kill()
        self.victim.wait()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1
    door: Door

    def log_message(self, *_: Any) -> None: ...

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        is_last = self.door.counts(self._operation(body))
        if is_last and self.door.when == "before":
            self.door.kill()
            return
        host = urlsplit(self.door.upstream).netloc
        connection = http.client.HTTPConnection(host, timeout=LAST_NET)
        headers = {key: value for key, value in self.headers.items() if key.lower() != "connection"}
        connection.request(self.command, self.path, body, headers | {"x-moto-account-id": self.door.account})
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if is_last:
            self.door.kill()
            return
        with suppress(OSError):
            self.send_response_only(answer.status)
            for key, value in answer.getheaders():
                if key.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)
            self.wfile.flush()

    do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = do_HEAD = _any  # noqa: N815 - so the base class wants it

    def _operation(self, body: bytes) -> str:
        if target := self.headers.get("X-Amz-Target"):
            return target.rpartition(".")[2]
        if action := parse_qs(body.decode("utf-8", "replace")).get("Action"):
            return action[0]
        path = urlsplit(self.path).path
        return path.rpartition("/")[2] if "/operation/" in path else f"{self.command} {path}"


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, address: Any) -> None:
        """A client that was killed is no error."""


@contextmanager
def opened(door: Door) -> Iterator[str]:
    """The proxy's URL, for as long as the block lasts."""
    server = _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"door": door}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


@dataclass(frozen=True)
class Killing:
    """Scenarios of one fault on one moto server."""

    upstream: str

    def requests(self, name: str, account: str) -> list[str]:
        """The requests of a run that nobody kills."""
        requests, dirt = self._play(name, account, None)
        assert dirt == [], dirt
        return requests

    def asked(self, name: str, account: str, sent: signal.Signals) -> list[str]:
        """Send a run a signal once it has injected; what is wrong then."""
        return self._play(name, account, None, sent)[1]

    def play(self, name: str, account: str, point: Point) -> tuple[Key, list[str]]:
        """Kill a run at a request, restore twice; what is wrong then."""
        return Key(name, "SIGKILL", point), self._play(name, account, point)[1]

    def _play(
        self, name: str, account: str, point: Point | None, asks: signal.Signals = signal.SIGTERM
    ) -> tuple[list[str], list[str]]:
        door = Door(self.upstream, account, *((point.at, point.when) if point else ()), asks=asks)
        folder = Path(tempfile.mkdtemp(prefix="gameday-killed-"))
        try:
            with opened(door) as url:
                return self._in(folder, name, url, door, point)
        finally:
            shutil.rmtree(folder)

    def _in(self, folder: Path, name: str, url: str, door: Door, point: Point | None) -> tuple[list[str], list[str]]:
        clients: dict[str, Any] = {}

        def call(service: str, operation: str, **params: Any) -> Any:
            if service not in clients:
                clients[service] = client(url, service)
            return getattr(clients[service], operation)(**params)

        build(call, LAYOUT)
        (folder / "workload.yaml").write_text(WORKLOAD.format(account=door.account))
        (folder / "experiment.yaml").write_text(EXPERIMENT.replace("{fault}", FAULTS[name]))
        before, env = seen(call), settings(url, folder / "home")
        words = ("run", "experiment.yaml", "--on", "aws", "--local-journal", "--yes", "--json")
        how: dict[str, Any] = {"env": env, "cwd": folder, "stdin": subprocess.DEVNULL}
        code = self._lives([*GAMEDAY, *words], folder / "said", door, how)
        wanted = 130 if point is None else -signal.SIGKILL
        dirt = [] if code == wanted else [f"exit {code}: {(folder / 'said').read_text()[-2000:]}"]
        requests = len(door.seen)
        for number in range(2):
            done = subprocess.run(
                [*GAMEDAY, "restore"], capture_output=True, text=True, timeout=LAST_NET, check=False, **how
            )
            if done.returncode:
                dirt.append(f"restore {number} ended with {done.returncode}: {done.stdout}{done.stderr}")
        if "no dead runs" not in done.stderr:
            dirt.append(f"the second restore did something: {done.stdout}{done.stderr}")
        return door.seen[:requests], [*dirt, *differences(before, seen(call))]

    def _lives(self, command: list[str], said: Path, door: Door, how: dict[str, Any]) -> int:
        """The victim's life; its exit code."""
        with said.open("wb") as words:
            door.victim = subprocess.Popen(command, stdout=words, stderr=words, **how)
            door.is_out.set()
            code = door.victim.wait(LAST_NET)
        door.victim = None
        return code


_session = botocore.session.Session()
_session.set_credentials("test", "test")
_making = threading.Lock()


def client(url: str, service: str) -> Any:
    """A client; all of one session, which reads each service's model once, and is not safe between threads."""
    with _making:
        patient = Config(read_timeout=LAST_NET)
        return _session.create_client(service, region_name=REGION, endpoint_url=url, config=patient)


def seen(call: Any) -> dict[str, Any]:
    """How an account stands, as anybody can read it."""
    found: dict[str, Any] = {}
    for acl in call("ec2", "describe_network_acls")["NetworkAcls"]:
        found[f"acl {acl['NetworkAclId']}"] = len(acl["Entries"])
        found |= {f"acl of {one['SubnetId']}": one["NetworkAclId"] for one in acl["Associations"]}
    for group in call("ec2", "describe_security_groups")["SecurityGroups"]:
        found[f"security group {group['GroupId']}"] = len(group["IpPermissionsEgress"])
    for one in call("ec2", "describe_network_interfaces")["NetworkInterfaces"]:
        found[f"groups of {one['NetworkInterfaceId']}"] = sorted(group["GroupId"] for group in one["Groups"])
    for place in call("ec2", "describe_instances")["Reservations"]:
        found |= {f"state of {one['InstanceId']}": one["State"]["Name"] for one in place["Instances"]}
    for group in call("autoscaling", "describe_auto_scaling_groups")["AutoScalingGroups"]:
        name = group["AutoScalingGroupName"]
        found[f"subnets of {name}"] = sorted(group["VPCZoneIdentifier"].split(","))
        found[f"suspended of {name}"] = sorted(one["ProcessName"] for one in group["SuspendedProcesses"])
    for name in call("dynamodb", "list_tables")["TableNames"]:
        units = call("dynamodb", "describe_table", TableName=name)["Table"]["ProvisionedThroughput"]
        found[f"capacity of {name}"] = (units["ReadCapacityUnits"], units["WriteCapacityUnits"])
    for one in call("lambda", "list_functions")["Functions"]:
        name = one["FunctionName"]
        reserved = call("lambda", "get_function_concurrency", FunctionName=name)
        found[f"concurrency of {name}"] = reserved.get("ReservedConcurrentExecutions")
    return found


def points(requests: list[str]) -> list[Point]:
    """Before and after each request that changes something, after each read between, and while planning."""
    changing = [at for at, request in enumerate(requests) if CHANGES.match(request)]
    window = range(changing[0] - 3, changing[-1] + 2)
    found = [Point(at, "after") for at in window]
    return sorted(found + [Point(at, "before") for at in changing], key=lambda one: (one.at, one.when))


def kill_all(threads: int = 2 * (os.cpu_count() or 1)) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every scenario, some at once; its key, and what is wrong."""
    with killing() as stage, ThreadPoolExecutor(threads) as pool:
        accounts = (f"{number:012}" for number in count(200_000_000_000))
        clean = [pool.submit(stage.requests, name, next(accounts)) for name in FAULTS]
        wanted = [(name, at) for name, found in zip(FAULTS, clean, strict=True) for at in points(found.result())]
        for done in as_completed([pool.submit(stage.play, name, next(accounts), at) for name, at in wanted]):
            key, dirt = done.result()
            yield str(key), tuple(dirt)


@contextmanager
def killing() -> Iterator[Killing]:
    """A moto server to kill on."""
    with patch.dict(os.environ, MOTO_EC2_LOAD_DEFAULT_AMIS="false"), moto_server() as url:
        yield Killing(url)
