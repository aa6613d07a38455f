"""A schedule as a CloudFormation template: EventBridge Scheduler starts a CodeBuild project, once and on time."""

from __future__ import annotations

import json

from gameday.change import Json
from gameday.files.schedule_block import Schedule
from gameday.iam.evaluate import PolicyDocument
from gameday.schedule.cron import eventbridge_lines

RETRIES: Json = {"MaximumRetryAttempts": 0, "MaximumEventAgeInSeconds": 60}
"""A late start is none. 60 seconds is the least that Scheduler takes (Scheduler API Reference, RetryPolicy)."""
LONGEST_BUILD = 480
"""Minutes of the longest build (CodeBuild User Guide, "Quotas")."""


def template(name: str, schedule: Schedule, command: str, policy: PolicyDocument | None) -> dict[str, Json]:
    """Return the template. The run's role may write logs, and do what `policy` allows."""
    starts: dict[str, Json] = {
        f"Start{number}": _start(name, schedule, line) for number, line in enumerate(eventbridge_lines(schedule), 1)
    }
    return {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": f"Game day {name}: {', '.join(schedule.days)} at {schedule.at} {schedule.zone}",
        "Parameters": {
            "Image": {"Type": "String", "Default": "aws/codebuild/amazonlinux-x86_64-standard:5.0"},
            "SourceRepository": {
                "Type": "String",
                "Description": "The repository that holds the files, as CodeBuild's source location",
            },
            "SourceType": {
                "Type": "String",
                "Default": "GITHUB",
                "AllowedValues": ["GITHUB", "GITLAB", "BITBUCKET", "S3"],
            },
        },
        "Resources": {
            **starts,
            "NotStarted": {
                "Type": "AWS::SQS::Queue",
                "Properties": {"MessageRetentionPeriod": 1209600, "SqsManagedSseEnabled": True},
            },
            "SchedulerRole": _role("scheduler.amazonaws.com", "start", _to_start()),
            "RunRole": _role("codebuild.amazonaws.com", "run", _to_run(policy)),
            "Run": _project(name, command),
        },
    }


def _start(name: str, schedule: Schedule, line: str) -> Json:
    return {
        "Type": "AWS::Scheduler::Schedule",
        "Properties": {
            "Description": f"Game day {name}",
            "ScheduleExpression": line,
            "ScheduleExpressionTimezone": schedule.zone,
            "FlexibleTimeWindow": {"Mode": "OFF"},
            "Target": {
                "Arn": {"Fn::GetAtt": ["Run", "Arn"]},
                "RoleArn": {"Fn::GetAtt": ["SchedulerRole", "Arn"]},
                "RetryPolicy": RETRIES,
                "DeadLetterConfig": {"Arn": {"Fn::GetAtt": ["NotStarted", "Arn"]}},
            },
        },
    }


def _role(service: str, does: str, policy: Json) -> Json:
    """Return a role that one service may assume for this account alone (IAM User Guide, "The confused deputy")."""
    trust: Json = {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": service},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}},
            }
        ],
    }
    policies: Json = [{"PolicyName": does, "PolicyDocument": policy}]
    return {"Type": "AWS::IAM::Role", "Properties": {"AssumeRolePolicyDocument": trust, "Policies": policies}}


def _to_start() -> Json:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {"Effect": "Allow", "Action": "codebuild:StartBuild", "Resource": {"Fn::GetAtt": ["Run", "Arn"]}},
            {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": {"Fn::GetAtt": ["NotStarted", "Arn"]}},
        ],
    }


def _to_run(policy: PolicyDocument | None) -> Json:
    logs: Json = {
        "Effect": "Allow",
        "Action": ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents"],
        "Resource": {
            "Fn::Sub": "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:/aws/codebuild/*"
        },
    }
    given = policy["Statement"] if policy else []
    statements: list[Json] = [logs, *(given if isinstance(given, list) else [given])]
    return {"Version": "2012-10-17", "Statement": statements}


def _project(name: str, command: str) -> Json:
    build: Json = {
        "version": 0.2,
        "phases": {"build": {"commands": [command]}},
        "artifacts": {"files": ["reports/**/*"]},
    }
    return {
        "Type": "AWS::CodeBuild::Project",
        "Properties": {
            "Description": f"Game day {name}",
            "ServiceRole": {"Fn::GetAtt": ["RunRole", "Arn"]},
            "ConcurrentBuildLimit": 1,
            "TimeoutInMinutes": LONGEST_BUILD,
            "Artifacts": {"Type": "NO_ARTIFACTS"},
            "Environment": {
                "Type": "LINUX_CONTAINER",
                "ComputeType": "BUILD_GENERAL1_SMALL",
                "Image": {"Ref": "Image"},
            },
            "Source": {
                "Type": {"Ref": "SourceType"},
                "Location": {"Ref": "SourceRepository"},
                "BuildSpec": json.dumps(build),
            },
        },
    }
