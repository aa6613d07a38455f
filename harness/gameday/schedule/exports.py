"""A schedule as files for the scheduler that people have. Each file starts `gameday schedule run --once`."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gameday.change import Json
from gameday.errors import InvalidInput
from gameday.files.schedule_block import Schedule
from gameday.iam.evaluate import PolicyDocument
from gameday.schedule.cloudformation import template
from gameday.schedule.cron import NEVER_ON_TIME, calendar_lines, cron_line

INSTALL = "pip install 'gameday-harness[twin]'"
LONGEST_NAME = 52
"""Kubernetes adds 11 characters to a CronJob's name for its jobs, and a name has 63 (Kubernetes Docs, "CronJob")."""


@dataclass(frozen=True)
class Export:
    """What an export needs: the game day's name, its file as the scheduler sees it, its schedule and its options."""

    name: str
    file: str
    schedule: Schedule
    place: str
    production: bool = False
    region: str = "us-east-1"
    policy: PolicyDocument | None = None  # of the role that runs it; the twin needs none

    @property
    def arguments(self) -> list[str]:
        """Return the command, word by word."""
        production = ["--production"] if self.production else []
        return ["gameday", "schedule", "run", self.file, "--once", "--on", self.place, *production]

    @property
    def command(self) -> str:
        """Return the command as a line of a shell."""
        return shlex.join(self.arguments)

    @property
    def words(self) -> str:
        """Return the schedule in words."""
        return f"{', '.join(self.schedule.days)} at {self.schedule.at} {self.schedule.zone}"


Files = dict[str, str]
"""Path → text."""


def github(export: Export) -> Files:
    """Return a workflow of its own: GitHub switches off whole files, and drops starts at full hours.

    Source: GitHub Docs, "Events that trigger workflows", `schedule`; `timezone` takes an IANA name.
    """
    if export.schedule.at.endswith(NEVER_ON_TIME):
        raise InvalidInput(
            f"GitHub delays or drops what starts at a full hour, such as {export.schedule.at}",
            f'write another minute, such as `at: "{export.schedule.at[:2]}:07"`',
            gd_code="GD-E124",
        )
    minutes = 360
    text = f"""\
# {export.words}. GitHub may start it late; Gameday skips and records a start after `start_within`.
# GitHub switches the schedule off after 60 days without activity in a public repository.
name: game day {export.name}
on:
  schedule:
    - cron: {_quoted(cron_line(export.schedule, "GitHub"))}
      timezone: {_quoted(export.schedule.zone)}
permissions:
  contents: read
  id-token: write # for a role of AWS
concurrency:
  group: {_quoted(f"gameday-{export.name}")}
  cancel-in-progress: false
jobs:
  gameday:
    runs-on: ubuntu-latest
    timeout-minutes: {minutes}
    steps:
      - uses: actions/checkout@v4
      - uses: actions/setup-python@v5
        with:
          python-version: "3.13"
      - run: {_quoted(INSTALL)}
{_github_role(export)}      - run: {_quoted(export.command)}
      - if: always()
        uses: actions/upload-artifact@v4
        with:
          name: reports
          path: reports
"""
    return {f".github/workflows/gameday-{export.name}.yml": text}


def _github_role(export: Export) -> str:
    if export.place == "twin":
        return ""
    return f"""\
      - uses: aws-actions/configure-aws-credentials@v4
        with:
          role-to-assume: ${{{{ vars.GAMEDAY_ROLE }}}}
          aws-region: {_quoted(export.region)}
"""


def gitlab(export: Export) -> Files:
    """Return a job, and the schedule as the body of `POST /projects/:id/pipeline_schedules`.

    GitLab keeps schedules outside files. Source: GitLab Docs, "Pipeline schedules API".
    """
    schedule: Json = {
        "description": f"gameday-{export.name}",
        "ref": "main",
        "cron": cron_line(export.schedule, "GitLab"),
        "cron_timezone": export.schedule.zone,
        "active": True,
    }
    job = f"""\
# {export.words}. GitLab looks for due schedules every few minutes: write `start_within: 20m` or more.
# Include this file in .gitlab-ci.yml, and create the schedule once:
#   glab api --method POST projects/:id/pipeline_schedules --input gameday-{export.name}.schedule.json \\
#     --header 'Content-Type: application/json'
gameday-{export.name}:
  image: python:3.13
  rules:
    - if: $CI_PIPELINE_SOURCE == "schedule" && $CI_PIPELINE_SCHEDULE_DESCRIPTION == {_quoted(f"gameday-{export.name}")}
  resource_group: {_quoted(f"gameday-{export.name}")}
  interruptible: false
  script:
    - {_quoted(INSTALL)}
    - {_quoted(export.command)}
  artifacts:
    when: always
    paths: [reports]
"""
    return {
        f"gameday-{export.name}.gitlab-ci.yml": job,
        f"gameday-{export.name}.schedule.json": json.dumps(schedule, indent=2) + "\n",
    }


def systemd(export: Export) -> Files:
    """Return a timer and a service. After a boot systemd must not start what it missed: `Persistent=false`."""
    calendar = "\n".join(f"OnCalendar={line}" for line in calendar_lines(export.schedule))
    unit = f"gameday-{export.name}"
    timer = f"""\
[Unit]
Description=Game day {export.name}: {export.words}

[Timer]
{calendar}
Persistent=false
AccuracySec=1s
RandomizedDelaySec=0

[Install]
WantedBy=timers.target
"""
    service = f"""\
[Unit]
Description=Game day {export.name}
After=network-online.target
Wants=network-online.target

[Service]
Type=oneshot
# Set the folder of the files. It needs an absolute path.
WorkingDirectory=%h
ExecStart=/usr/bin/env {" ".join(_systemd(word) for word in export.arguments)}
# The run undoes its faults on SIGTERM, so systemd waits before it kills.
KillMode=mixed
TimeoutStopSec=30min
"""
    return {f"{unit}.timer": timer, f"{unit}.service": service}


def _systemd(word: str) -> str:
    """Return a word of ExecStart, where `%` and `$` have a meaning (systemd.service(5), "Command lines")."""
    return (
        json.dumps(word.replace("%", "%%").replace("$", "$$"), ensure_ascii=False)
        if shlex.quote(word) != word
        else word
    )


def kubernetes(export: Export) -> Files:
    """Return a CronJob. Source: Kubernetes Docs, "CronJob"; `timeZone` is stable since 1.27."""
    name = f"gameday-{export.name}"
    if len(name) > LONGEST_NAME:
        raise InvalidInput(
            f"{name} is longer than the {LONGEST_NAME} characters of a CronJob's name",
            "give the game day a shorter name",
            gd_code="GD-E124",
        )
    text = f"""\
# {export.words}
apiVersion: batch/v1
kind: CronJob
metadata:
  name: {name}
spec:
  schedule: {_quoted(cron_line(export.schedule, "Kubernetes"))}
  timeZone: {_quoted(export.schedule.zone)}
  concurrencyPolicy: Forbid
  startingDeadlineSeconds: {int(export.schedule.start_within)}
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          # The run undoes its faults on SIGTERM, so Kubernetes waits before it kills.
          terminationGracePeriodSeconds: 1800
          serviceAccountName: {name}
          containers:
            - name: gameday
              image: gameday:latest # an image with Gameday and the files
              command: {json.dumps(export.arguments, ensure_ascii=False)}
"""
    return {f"{name}.cronjob.yaml": text}


def jenkins(export: Export) -> Files:
    """Return a Jenkinsfile; a trigger's first line names its zone (Jenkins, "Pipeline Syntax", `cron`)."""
    text = f"""\
// {export.words}
pipeline {{
  agent any
  triggers {{
    cron('TZ={export.schedule.zone}\\n{cron_line(export.schedule, "Jenkins")}')
  }}
  options {{
    disableConcurrentBuilds()
  }}
  stages {{
    stage('game day') {{
      steps {{
        sh {_groovy(export.command)}
      }}
    }}
  }}
  post {{
    always {{
      archiveArtifacts artifacts: 'reports/**', allowEmptyArchive: true
    }}
  }}
}}
"""
    return {f"gameday-{export.name}.Jenkinsfile": text}


def eventbridge(export: Export) -> Files:
    """Return a CloudFormation template: EventBridge Scheduler starts a CodeBuild project."""
    built = template(export.name, export.schedule, f"{INSTALL} && {export.command}", export.policy)
    return {f"gameday-{export.name}.template.json": json.dumps(built, indent=2) + "\n"}


def _quoted(text: str) -> str:
    """Return a text as a double-quoted scalar of YAML, which JSON's strings are."""
    return json.dumps(text, ensure_ascii=False)


def _groovy(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


EXPORTS: Mapping[str, Callable[[Export], Files]] = {
    "github": github,
    "gitlab": gitlab,
    "systemd": systemd,
    "kubernetes": kubernetes,
    "jenkins": jenkins,
    "eventbridge": eventbridge,
}
"""Where a schedule can go."""
