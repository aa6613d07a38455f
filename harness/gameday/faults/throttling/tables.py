"""`throttle` on DynamoDB tables: provisioned capacity, or the maximum of an on-demand table, indexes included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gameday.aws.answers.autoscaling import DESCRIBE_SCALABLE_TARGETS, ScalableTarget
from gameday.aws.answers.dynamodb import DESCRIBE_TABLE, ProvisionedThroughput, TableDescription
from gameday.aws.resources import OwnedResource
from gameday.change import Condition, Json, Probe, SettingChange
from gameday.faults.application_autoscaling import ALL_SUSPENDED, SCALING
from gameday.faults.dynamodb import NO_MAXIMUM, ON_DEMAND, PROVISIONED, Throughput, index_path, throughput
from gameday.faults.fault import FaultContext, call, counted
from gameday.faults.throttling.metrics import Counted, any_grows
from gameday.faults.throttling.reduction import Left, Reduction, taken, together

DECREASES = 4
HOUR = 3600.0
QUOTAS = 'Amazon DynamoDB Developer Guide, "Quotas", decreasing provisioned throughput'
"""Four decreases of a table or index on a UTC day; after that one more whenever the past hour had none."""
GLOBAL = 'Amazon DynamoDB Developer Guide, "Throughput capacity planning for DynamoDB global tables"'


@dataclass(frozen=True)
class Part:
    """The limits of a table or of one of its indexes, before and after."""

    index: str  # empty: the table itself
    reads: tuple[int, int]
    writes: tuple[int, int]

    @property
    def changes(self) -> bool:
        """Whether a limit becomes smaller."""
        return self.reads[0] != self.reads[1] or self.writes[0] != self.writes[1]

    def value(self, limit: Throughput) -> dict[str, Json]:
        """Return the value of a setting that it is to have."""
        return {limit.reads: self.reads[1], limit.writes: self.writes[1]}

    @property
    def share(self) -> float:
        """The share of a limit that is taken away, the larger of both."""
        return max((taken(None if was < 0 else was, left) for was, left in (self.reads, self.writes) if was != left))


def reduced(context: FaultContext, resources: Sequence[OwnedResource], left: Left) -> Reduction:
    """Plan less throughput for tables. Raises AwsError."""
    names = [table.name for table in resources]
    answers = context.inventory.read_all(DESCRIBE_TABLE, [{"TableName": name} for name in names])
    tables = {name: answer["Table"] for name, answer in zip(names, answers, strict=True)}
    return together(_of_table(context, name, table, left) for name, table in tables.items())


def _of_table(context: FaultContext, name: str, table: TableDescription, left: Left) -> Reduction:
    is_on_demand = table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST"
    limit = ON_DEMAND if is_on_demand else PROVISIONED
    replicas = sorted(raw["RegionName"] for raw in table.get("Replicas", []) if raw["RegionName"] != context.region)
    if is_on_demand and left.is_share and NO_MAXIMUM in (limits := _maxima(table)):
        has = "no maximum" if set(limits) == {NO_MAXIMUM} else "not both maxima"
        return Reduction(
            refusals=(f"table {name} is on demand and has {has} to take a share of: give a number, like `to: 5`",)
        )
    parts = [part for part in _parts(table, left, keeps_writes=is_on_demand and bool(replicas)) if part.changes]
    if not parts:
        return Reduction(idle=(f"table {name} already is at {_words(table, is_on_demand)}: {left.nothing_taken}",))
    setting = throughput(limit, [part.index for part in parts if part.index], of_table=not parts[0].index)
    changes = context.changes(setting, {name: _value(parts, limit)})
    return Reduction(
        changes=tuple(changes),
        companions=() if is_on_demand else _suspended(context, name, parts),
        probes=(_probe(name, parts),),
        conditions=() if is_on_demand else tuple(_decreasable(name, table, parts, context.now)),
        shares={name: max(part.share for part in parts)},
        warnings=_of_replicas(name, replicas, is_on_demand),
    )


def _value(parts: Sequence[Part], limit: Throughput) -> Json:
    indexes: dict[str, Json] = {part.index: part.value(limit) for part in parts if part.index}
    whole = next((part.value(limit) for part in parts if not part.index), None)
    if not indexes:
        return whole
    return {"table": whole, "indexes": indexes} if whole else {"indexes": indexes}


# what there is --------------------------------------------------------------------------------------------------------


def _parts(table: TableDescription, left: Left, *, keeps_writes: bool) -> Iterator[Part]:
    """Yield the table and then its indexes, each with its limits."""
    for index, reads, writes in _limits(table):
        after = writes if keeps_writes else _after(writes, left)
        yield Part(index, (reads, _after(reads, left)), (writes, after))


def _limits(table: TableDescription) -> Iterator[tuple[str, int, int]]:
    """Yield the name of each part (empty: the table), and its limits."""
    if table.get("BillingModeSummary", {}).get("BillingMode") == "PAY_PER_REQUEST":
        for index, maximum in [
            ("", table.get("OnDemandThroughput", {})),
            *((raw["IndexName"], raw.get("OnDemandThroughput", {})) for raw in table.get("GlobalSecondaryIndexes", [])),
        ]:
            yield (
                index,
                maximum.get("MaxReadRequestUnits", NO_MAXIMUM),
                maximum.get("MaxWriteRequestUnits", NO_MAXIMUM),
            )
        return
    for index, capacity in _capacities(table).items():
        yield index, capacity["ReadCapacityUnits"], capacity["WriteCapacityUnits"]


def _capacities(table: TableDescription) -> Mapping[str, ProvisionedThroughput]:
    indexes = {raw["IndexName"]: raw["ProvisionedThroughput"] for raw in table.get("GlobalSecondaryIndexes", [])}
    return {"": table["ProvisionedThroughput"], **dict(sorted(indexes.items()))}


def _maxima(table: TableDescription) -> list[int]:
    return [maximum for _, *both in _limits(table) for maximum in both]


def _after(was: int, left: Left) -> int:
    return left.number(1) if was == NO_MAXIMUM else int(left.of(was, 1))


def _words(table: TableDescription, is_on_demand: bool) -> str:
    (_, reads, writes), *_ = _limits(table)
    if is_on_demand:
        return f"a maximum of {reads} read and {counted(writes, 'write request unit')} a second"
    return f"{'its least, ' if reads == writes == 1 else ''}{reads} read and {counted(writes, 'write unit')}"


def _of_replicas(name: str, replicas: Sequence[str], is_on_demand: bool) -> tuple[str, ...]:
    if not replicas:
        return ()
    where = ", ".join(replicas)
    if is_on_demand:  # AWS keeps the maximum of writes alike in all replicas
        what = f"only reads are limited, since a maximum of writes would hold in {where}, too"
    else:
        what = f"writes that AWS replicates from {where} wait, too"
    return (f"table {name} is a global table: {what}",)


# what AWS demands -----------------------------------------------------------------------------------------------------


def _decreasable(name: str, table: TableDescription, parts: Sequence[Part], now: float) -> Iterator[Condition]:
    """Yield, for the table and each index that is reduced, that AWS still allows a decrease."""
    for part in parts:
        where = f"{index_path(part.index)}." if part.index else "Table."
        of = f"{where}ProvisionedThroughput"
        few = f"({of}.NumberOfDecreasesToday || `0`) < `{DECREASES}`"
        raw = _capacities(table)[part.index]
        what = f"index {part.index} of table {name}" if part.index else f"table {name}"
        yield Condition(
            subject=name,
            about=f"DynamoDB allows a decrease of {what}",
            read=call("dynamodb", "describe_table", TableName=name),
            holds=f"{few} || ({of}.LastDecreaseDateTime || `0`) <= `{now - HOUR}`",
            refusal=(
                f"DynamoDB allows no decrease of {what} now: it had {raw.get('NumberOfDecreasesToday', 0)} on this UTC "
                "day, and the last one less than an hour ago"
            ),
            remedy=f"the next decrease is possible at {_next_decrease(raw, now):%Y-%m-%d %H:%M:%S} UTC",
            source=QUOTAS,
        )


def _next_decrease(raw: ProvisionedThroughput, now: float) -> datetime:
    """Return when DynamoDB allows the next decrease: an hour after the last one, or on the next UTC day."""
    today = datetime.fromtimestamp(now, UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return min(datetime.fromtimestamp(raw.get("LastDecreaseDateTime", now) + HOUR, UTC), today + timedelta(days=1))


# what scales it by itself ---------------------------------------------------------------------------------------------


def _suspended(context: FaultContext, name: str, parts: Sequence[Part]) -> tuple[SettingChange, ...]:
    """Suspend Application Auto Scaling of the table and its indexes until their capacity is no longer reduced."""
    indexes = [f"table/{name}/index/{index}" for index in sorted(part.index for part in parts if part.index)]
    answer = context.inventory.read(
        DESCRIBE_SCALABLE_TARGETS, ServiceNamespace="dynamodb", ResourceIds=[f"table/{name}", *indexes]
    )
    targets = {_id(target): target for target in answer["ScalableTargets"]}
    args: dict[str, dict[str, Json]] = {
        id_: {"resource": target["ResourceId"], "dimension": target["ScalableDimension"]}
        for id_, target in targets.items()
    }
    raised = (_raised(name, parts),)
    return tuple(
        change.model_copy(
            update={
                "about": f"{change.args['dimension']} of {change.args['resource']}: suspend Application Auto Scaling",
                "undo_when": raised,
            }
        )
        for change in context.changes(SCALING, dict.fromkeys(targets, ALL_SUSPENDED), args)
    )


def _id(target: ScalableTarget) -> str:
    """Return the last part of its ARN, by which policies name it."""
    arn = target.get("ScalableTargetARN", "")
    return arn.rpartition("/")[2] or f"{target['ResourceId']}:{target['ScalableDimension']}"


def _raised(name: str, parts: Sequence[Part]) -> Probe:
    """Return a probe that holds once no capacity is as the fault left it: scaling that resumes sooner would set one.

    A capacity that somebody else has set meanwhile is theirs to scale.
    """
    holds = ["answer.Table.TableStatus == 'ACTIVE'"]
    for part in parts:
        of = f"({index_path(part.index, 'answer.Table')})" if part.index else "answer.Table"
        units = (("ReadCapacityUnits", part.reads[1]), ("WriteCapacityUnits", part.writes[1]))
        same = " && ".join(f"{of}.{PROVISIONED.structure}.{unit} == `{left}`" for unit, left in units)
        holds.append(f"!({same})")
    return Probe(
        call=call("dynamodb", "describe_table", TableName=name),
        holds=" && ".join(holds),
        about=f"table {name} no longer has the reduced capacity",
    )


# the effect -----------------------------------------------------------------------------------------------------------


def _probe(name: str, parts: Sequence[Part]) -> Probe:
    """Return the probe of the throttled requests: only what is reduced can show."""
    metrics = []
    for part in parts:
        index = (("GlobalSecondaryIndexName", part.index),) if part.index else ()
        for word, (was, left) in (("Read", part.reads), ("Write", part.writes)):
            if was != left:
                of = (("TableName", name), *index)
                consumed = f"Consumed{word}CapacityUnits"
                metrics.append(Counted("AWS/DynamoDB", f"{word}ThrottleEvents", consumed, of))
    return any_grows(metrics, covers=(name,))
