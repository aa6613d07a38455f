"""A small AWS of one service, whose every answer the tests decide: things with a level, items and power."""

# ruff: noqa: A001, A002, N803 - AWS names its parameters so
from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any

from gameday.change import (
    AnyChange,
    Call,
    CreatedResource,
    Effect,
    IrreversibleAction,
    PlannedFault,
    Probe,
    Read,
    Setting,
    SettingChange,
    Shape,
)
from gameday.errors import AwsError, GamedayError

REGION = "us-east-1"


def call(operation: str, **params: Any) -> Call:
    return Call(service="shelf", operation=operation, params=params)


def error(code: str, operation: str = "put_level") -> AwsError:
    return AwsError("shelf", operation, code, "by test")


GET = call("get_things", Ids={"$": "ids"})

LEVEL = Setting(
    name="thing.level",
    about="a number, or none",
    shape=Shape.SCALAR,
    read=Read(call=GET, rows="Things[].{id: Id, value: Level, token: Token, status: Status}"),
    write=call("put_level", Id={"$": "id"}, Level={"$": "value"}, Token={"$": "row.token"}),
    clear=call("clear_level", Id={"$": "id"}),
    ready="status == 'steady'",
    settle=5.0,
    retry=("NotNow",),
    gone=("NotFound",),
)
ITEMS = Setting(
    name="thing.items",
    about="a set",
    shape=Shape.SET,
    read=Read(call=GET, rows="Things[].{id: Id, value: Items}"),
    add=call("add_items", Id={"$": "id"}, Items={"$": "value"}),
    remove=call("remove_items", Id={"$": "id"}, Items={"$": "value"}),
    settle=5.0,
    retry=("NotNow",),
    gone=("NotFound",),
)
POWER = Setting(
    name="thing.power",
    about="on or off",
    shape=Shape.SWITCH,
    read=Read(call=call("get_power", Id={"$": "id"}), rows="[{value: Power}]", plural=False, absent=("NoPower",)),
    positions={"on": call("turn_on", Id={"$": "id"}), "off": call("turn_off", Id={"$": "id"})},
    transitional=("turning",),
    settle=5.0,
    gone=("NotFound",),
)
MAKE = CreatedResource(
    region=REGION,
    about="a thing of the run",
    name="thing",
    create=call("make_thing", Run={"$": "run"}),
    made="Made.Id",
    then=(call("add_items", Id={"$": "id"}, Items=["new"]),),
    find=call("find_things", Run={"$": "run"}),
    found="Found[].Id",
    find_by_id=call("find_things", Id={"$": "id"}),
    delete=call("delete_thing", Id={"$": "id"}),
    busy=("InUse",),
    gone=("NotFound",),
)
IRREVERSIBLE = IrreversibleAction(
    region=REGION,
    about="break a",
    id="a",
    call=call("break_thing", Id={"$": "id"}),
    healed=Probe(call=call("get_things", Ids=["a"]), holds="answer.Things[0].Broken == `false`", about="a is whole"),
    why="it breaks",
)


def setting_change(setting: Setting, id: str = "a", **values: Any) -> SettingChange:
    return SettingChange(region=REGION, setting=setting, id=id, about=f"{setting.name} of {id}", **values)


def planned_fault(*stages: Sequence[AnyChange]) -> PlannedFault:
    effect = Effect(about="nothing", probes=())
    return PlannedFault(fault="test", label="a test", stages=tuple(tuple(stage) for stage in stages), effect=effect)


class Shelf:
    """The service. `errors[operation]` is raised call by call; `log` keeps the mutating calls that came in."""

    def __init__(self, *ids: str) -> None:
        self.things: dict[str, dict[str, Any]] = {}
        for id in ids or ("a", "b"):
            self.put(id)
        self.errors: dict[str, list[GamedayError | None]] = defaultdict(list)
        self.log: list[str] = []
        self.reads = 0
        self.before_read: Callable[[], None] = lambda: None

    def put(self, id: str, **fields: Any) -> None:
        plain = {"Id": id, "Level": 1, "Items": ["x"], "Power": "on", "Token": 0, "Status": "steady", "Broken": False}
        self.things[id] = {**plain, "Run": None, **fields}

    # the Account protocol

    def call(self, call: Call, region: str) -> Any:
        assert region == REGION
        queue = self.errors[call.operation]
        if queue and (error := queue.pop(0)):
            raise error
        if call.operation.startswith(("get_", "find_")):
            self.reads += 1
            self.before_read()
        else:
            self.log.append(f"{call.operation} {call.params.get('Id', '')}".strip())
        return getattr(self, call.operation)(**call.params)

    pages = call

    def call_all(self, calls: Sequence[tuple[Call, str]], paged: bool = False) -> list[Any]:
        answers: list[Any] = []
        for each, region in calls:
            try:
                answers.append(self.call(each, region))
            except AwsError as error:
                answers.append(error)
        return answers

    # the operations

    def _thing(self, id: str) -> dict[str, Any]:
        if id not in self.things:
            raise error("NotFound")
        return self.things[id]

    def get_things(self, Ids: list[str]) -> Any:
        return {"Things": [dict(self._thing(id)) for id in Ids]}

    def get_power(self, Id: str) -> Any:
        return {"Power": self._thing(Id)["Power"]}

    def put_level(self, Id: str, Level: int, Token: int) -> Any:
        thing = self._thing(Id)
        if thing["Token"] != Token:
            raise error("NotNow")
        thing["Level"], thing["Token"] = Level, Token + 1
        return {}

    def clear_level(self, Id: str) -> Any:
        self._thing(Id)["Level"] = None
        return {}

    def add_items(self, Id: str, Items: list[Any]) -> Any:
        self._thing(Id)["Items"] = [*self._thing(Id)["Items"], *Items]
        return {}

    def remove_items(self, Id: str, Items: list[Any]) -> Any:
        self._thing(Id)["Items"] = [item for item in self._thing(Id)["Items"] if item not in Items]
        return {}

    def turn_on(self, Id: str) -> Any:
        self._thing(Id)["Power"] = "on"
        return {}

    def turn_off(self, Id: str) -> Any:
        self._thing(Id)["Power"] = "off"
        return {}

    def make_thing(self, Run: str) -> Any:
        id = f"made-{len(self.things)}"
        self.put(id, Run=Run)
        return {"Made": {"Id": id}}

    def find_things(self, Run: str = "", Id: str = "") -> Any:
        found = [id for id, thing in self.things.items() if id == Id or thing["Run"] == (Run or "nobody's")]
        return {"Found": [{"Id": id} for id in found]}

    def delete_thing(self, Id: str) -> Any:
        self._thing(Id)
        del self.things[Id]
        return {}

    def break_thing(self, Id: str) -> Any:
        self._thing(Id)["Broken"] = True
        return {}
