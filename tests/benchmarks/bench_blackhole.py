"""50 subnets black-holed and mended again: Gameday beside Chaos Toolkit's azchaosaws, against the same slow server.

    python -m tests.benchmarks.bench_blackhole

Every call takes 50 ms more. The two take turns, five times each; figures are medians (with the least and the most of
what is compared), from the server's own log. Both pay for moto's own work, one call at a time. What Gameday sleeps on
purpose between its first and its last mutating call is kept apart; afterwards it reads again past the settle time
before it calls anything restored. The server has no request rates. On AWS half of EC2's is kept for the undo, so that
25 subnets go dark at once and more of them one after the other: the last line says how long.
Chaos Toolkit is installed into an environment of its own under .venv/peers, where the package index has it.
"""

from __future__ import annotations

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gameday.aws.rate_limits import lasts
from gameday.change import Call

ROOT = Path(__file__).parent.parent.parent
PEERS = ROOT / ".venv" / "peers"
SUBNETS, DELAY, TURNS = 50, 0.05, 5
MUTATING = ("Create", "Replace", "Delete")
ENV = {
    **{key: value for key, value in os.environ.items() if not key.startswith("AWS_")},
    "AWS_ACCESS_KEY_ID": "bench",
    "AWS_SECRET_ACCESS_KEY": "bench",
    "AWS_DEFAULT_REGION": "us-east-1",
}


@contextmanager
def slow_server(folder: Path) -> Iterator[tuple[str, Path]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = folder / "calls.log"
    command = [sys.executable, "-m", "tests.benchmarks.slow_server", str(port), str(log), str(DELAY)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert server.stdout
        assert server.stdout.readline() == b"ready\n"
        yield f"http://127.0.0.1:{port}", log
    finally:
        server.terminate()
        server.wait()


def build_world(url: str) -> None:
    import botocore.session

    session = botocore.session.Session()
    session.set_credentials("bench", "bench")
    ec2 = session.create_client("ec2", region_name="us-east-1", endpoint_url=url)
    ec2.meta.events.register("before-sign.ec2", lambda request, **_: request.headers.add_header("X-Quick", "1"))
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    tags = [{"Key": "AZ_FAILURE", "Value": "True"}, {"Key": "app", "Value": "bench"}]
    spec = [{"ResourceType": "subnet", "Tags": tags}]
    for n in range(SUBNETS):
        block = f"10.0.{n}.0/24"
        ec2.create_subnet(VpcId=vpc, CidrBlock=block, AvailabilityZone="us-east-1a", TagSpecifications=spec)


def ours(url: str, folder: Path) -> dict[str, Any]:
    """Apply and undo in a process of their own; answers with what it slept on purpose."""
    command = [sys.executable, "-m", "tests.benchmarks.blackhole_ours", str(folder / "home")]
    done = subprocess.run(command, cwd=ROOT, env={**ENV, "AWS_ENDPOINT_URL": url}, capture_output=True, check=True)
    return json.loads(done.stdout)


def theirs(url: str, folder: Path) -> dict[str, Any]:
    python = {"type": "python", "module": "azchaosaws.ec2.actions"}
    state = str(folder / "fail_az.ec2.json")
    fail = {"az": "us-east-1a", "dry_run": False, "failure_type": "network", "state_path": state}
    experiment = {
        "title": "blackhole",
        "description": "50 subnets",
        "configuration": {"aws_region": "us-east-1"},
        "method": [
            {"type": "action", "name": "fail", "provider": {**python, "func": "fail_az", "arguments": fail}},
        ],
        "rollbacks": [
            {
                "type": "action",
                "name": "recover",
                "provider": {**python, "func": "recover_az", "arguments": {"state_path": state}},
            },
        ],
    }
    file = folder / "experiment.json"
    file.write_text(json.dumps(experiment))
    command = [str(PEERS / "bin" / "chaos"), "--no-version-check", "run", str(file)]
    subprocess.run(command, cwd=folder, env={**ENV, "AWS_ENDPOINT_URL": url}, capture_output=True, check=True)
    Path(state).unlink(missing_ok=True)
    return {"slept": []}


def measure(calls: list[dict[str, Any]], sleeps: list[tuple[float, float]]) -> dict[str, float]:
    mutating = [call for call in calls if call["action"].startswith(MUTATING)]
    swaps = [call["at"] for call in mutating if call["action"] == "ReplaceNetworkAclAssociation"]
    inject = swaps[:SUBNETS]
    assert len(swaps) == 2 * SUBNETS, f"{len(swaps)} associations replaced, {2 * SUBNETS} expected"
    first, last = mutating[0]["at"], mutating[-1]["at"]
    span = last - first
    slept = sum(max(0.0, min(end, last) - max(began, first)) for began, end in sleeps)
    return {
        "calls": len(calls),
        "mutating": len(mutating),
        "span": span,
        "slept": slept,
        "worked": span - slept,
        "skew": max(inject) - min(inject),
    }


def spread(values: list[float], form: str) -> str:
    """The median, and from where to where the values lie."""
    return f"{statistics.median(values):{form}} ({min(values):{form}} to {max(values):{form}})"


def peers_installed() -> bool:
    if not (PEERS / "bin" / "chaos").exists():
        venv.create(PEERS, with_pip=True)
        packages = ["chaostoolkit", "chaostoolkit-aws", "aws-az-failure-chaostoolkit", "setuptools<81"]
        pip = [str(PEERS / "bin" / "pip"), "install", "--quiet", *packages]
        subprocess.run(pip, capture_output=True, check=False)
    return (PEERS / "bin" / "chaos").exists()


def main() -> None:
    runners = {"gameday": ours} | ({"azchaosaws": theirs} if peers_installed() else {})
    found: dict[str, list[dict[str, float]]] = {name: [] for name in runners}
    for _ in range(TURNS):
        for name, runner in runners.items():
            with tempfile.TemporaryDirectory() as folder, slow_server(Path(folder)) as (url, log):
                build_world(url)
                said = runner(url, Path(folder))
                time.sleep(0.2)
                calls = [json.loads(line) for line in log.read_text().splitlines()]
                found[name].append(measure(calls, said["slept"]))
    print(f"az-blackhole, {SUBNETS} subnets, {DELAY * 1000:.0f} ms added to every call, median of {TURNS}")
    print(f"{'':<12}{'calls':>7}{'mutating':>10}{'first→last':>12}{'slept':>8}{'worked':>9}{'skew':>8}")
    medians: dict[str, dict[str, float]] = {}
    for name, runs in found.items():
        middle = medians[name] = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        print(
            f"{name:<12}{middle['calls']:>7.0f}{middle['mutating']:>10.0f}{middle['span']:>10.2f} s"
            f"{middle['slept']:>6.2f} s{middle['worked']:>7.2f} s{middle['skew']:>6.2f} s"
        )
    if "azchaosaws" in medians:
        ratios = [
            peer["worked"] / mine["worked"] for mine, peer in zip(found["gameday"], found["azchaosaws"], strict=True)
        ]
        print(f"ratio azchaosaws / gameday, worked, turn by turn: {spread(ratios, '.1f')}")
        print(f"skew of gameday: {spread([run['skew'] for run in found['gameday']], '.2f')} s")
    else:
        print("azchaosaws could not be installed here: no comparison")
    swap = Call(service="ec2", operation="replace_network_acl_association")
    seconds = lasts([(swap, "us-east-1")] * SUBNETS)
    print(f"with AWS's default rates, half kept for the undo, the last subnet goes {seconds:.0f} s after the first")


if __name__ == "__main__":
    main()
