"""The shapes of AWS answers: as botocore's models have them, and an answer of another shape is an error of ours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pkgutil import iter_modules
from typing import get_args, get_origin, get_type_hints

import botocore.session
import pytest
from botocore import xform_name
from botocore.model import ListShape, MapShape, Shape, StructureShape
from gameday.aws import answers
from gameday.aws.account import whoami
from gameday.aws.answers.ec2 import DESCRIBE_INSTANCES, instances_of
from gameday.aws.answers.iam import GET_POLICY_VERSION
from gameday.aws.answers.operation import Operation
from gameday.change import Call, Json, Read, Setting
from gameday.change import Shape as SettingShape
from gameday.errors import UNEXPECTED_ANSWER, AwsError, Unreachable
from typing_extensions import is_typeddict

SCALARS = {
    "string": {str},
    "integer": {int},
    "long": {int},
    "float": {float},
    "double": {float},
    "boolean": {bool},
    "timestamp": {float},  # as `plain` makes it
    "blob": {str},
}
PARSED = {"policyDocumentType"}
"""Texts that botocore parses as JSON."""


def operations() -> list[Operation[object]]:
    modules = [import_module(f"{answers.__name__}.{module.name}") for module in iter_modules(answers.__path__)]
    values = [value for module in modules for value in vars(module).values()]
    listed = [item for value in values for item in (value.values() if isinstance(value, dict) else [value])]
    return list(dict.fromkeys(item for item in listed if isinstance(item, Operation)))


def misfits(hint: object, shape: Shape, place: str) -> list[str]:
    """Where a type hint is not of the botocore shape."""
    if hint is Json or shape.name in PARSED:
        return []
    if is_typeddict(hint):
        if isinstance(shape, MapShape):
            return [
                found
                for key, of in get_type_hints(hint).items()
                for found in misfits(of, shape.value, f"{place}.{key}")
            ]
        if not isinstance(shape, StructureShape):
            return [place]
        hints = get_type_hints(hint)
        unknown = [f"{place}.{key}" for key in hints if key not in shape.members]
        known = [(key, shape.members[key]) for key in hints if key in shape.members]
        return unknown + [found for key, member in known for found in misfits(hints[key], member, f"{place}.{key}")]
    if get_origin(hint) is list:
        return misfits(get_args(hint)[0], shape.member, f"{place}[]") if isinstance(shape, ListShape) else [place]
    if get_origin(hint) is dict and isinstance(shape, StructureShape):  # kept whole, to be written back
        kept = set(get_args(get_args(hint)[1]))
        return [f"{place}.{key}" for key, of in shape.members.items() if not kept & SCALARS.get(of.type_name, set())]
    if get_origin(hint) is dict:
        return misfits(get_args(hint)[1], shape.value, f"{place}.*") if isinstance(shape, MapShape) else [place]
    return [] if hint in SCALARS.get(shape.type_name, set()) else [f"{place}: {hint} for {shape.type_name}"]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: f"{operation.service}.{operation.name}")
def test_operation_has_the_shape_of_botocores_model(operation: Operation[object]) -> None:
    model = botocore.session.get_session().get_service_model(operation.service)
    named = {xform_name(name): name for name in model.operation_names}
    output = model.operation_model(named[operation.name]).output_shape
    hints = get_type_hints(operation.shape)
    if output is None:
        assert hints == {}
    else:
        assert misfits(operation.shape, output, operation.name) == []


@dataclass(frozen=True)
class SameAnswer:
    """An account that answers every call alike."""

    answer: Json

    def call(self, call: Call, region: str) -> Json:
        return self.answer

    def pages(self, call: Call, region: str) -> Json:
        return self.answer

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Json | AwsError]:
        return [self.answer for _ in calls]


NEED_NOTHING = {
    "lambda.list_tags",
    "lambda.get_function_concurrency",
    "dynamodb.list_tags_of_resource",
    "apigateway.get_rest_apis",
    "apigateway.get_stages",
    "s3.list_objects_v2",
    "s3.delete_object",
    "sqs.get_queue_attributes",
}
"""Their answers leave everything out where there is nothing."""


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: f"{operation.service}.{operation.name}")
def test_empty_answer_is_an_error_unless_aws_answers_so(operation: Operation[object]) -> None:
    if f"{operation.service}.{operation.name}" in NEED_NOTHING:
        assert operation.typed({}) == {}
        return
    with pytest.raises(Unreachable) as caught:
        operation.typed({})
    assert (caught.value.service, caught.value.operation) == (operation.service, operation.name)
    assert caught.value.code == UNEXPECTED_ANSWER


@pytest.mark.parametrize("answer", [None, [], "<html>", {"Reservations": {}}, {"Reservations": [{"Instances": [{}]}]}])
def test_answer_of_another_shape_is_an_error(answer: Json) -> None:
    with pytest.raises(Unreachable, match=r"ec2\.describe_instances"):
        DESCRIBE_INSTANCES.typed(answer)


def test_typed_answer_keeps_the_keys_of_the_shape() -> None:
    instance = {"InstanceId": "i-1", "Placement": {"AvailabilityZone": "a"}, "State": {"Name": "running"}}
    answer: Json = {"Reservations": [{"Instances": [{**instance, "AmiLaunchIndex": 0}]}], "Next": "x"}
    assert instances_of(DESCRIBE_INSTANCES.typed(answer)) == [instance]


def test_policy_document_stays_whole() -> None:
    document: Json = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    version: Json = {"PolicyVersion": {"Document": document}}
    assert GET_POLICY_VERSION.typed(version)["PolicyVersion"]["Document"] == document


def test_whoami_without_an_account_is_an_error() -> None:
    with pytest.raises(Unreachable):
        whoami(SameAnswer({}), "us-east-1")


@pytest.mark.parametrize("answer", [{}, None, "", {"Things": None}])
def test_setting_read_with_no_list_of_rows_is_an_error(answer: Json) -> None:
    read = Read(call=Call(service="shop", operation="list_things"), rows="Things[].{id: Id, value: Level}")
    setting = Setting(name="level", about="a level", shape=SettingShape.SCALAR, read=read)
    observations = setting.observations(["a", "b"], answer)
    assert [found.code for found in observations.values() if isinstance(found, Unreachable)] == [UNEXPECTED_ANSWER] * 2
    empty = setting.observations(["a"], {"Things": []})["a"]
    assert not isinstance(empty, AwsError)
    assert empty.gone
