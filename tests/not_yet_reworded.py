"""Files that still hold banned words, see test_language.py. The list only shrinks."""

NOT_YET: dict[str, tuple[str, ...]] = {
    "README.md": ("borne", "is said", "is told", "of which", "whatever", "whoever"),
    "experiments/experiment.schema.json": ("whatever",),
    "experiments/storefront/twin.yaml": ("whatever",),
    "experiments/storefront/workload.yaml": ("whatever",),
    "experiments/twin.schema.json": ("whatever",),
    "harness/gameday/aws/account.py": ("whatever",),
    "harness/gameday/checks/run.py": ("of which",),
    "tests/benchmarks/bench_blackhole.py": ("is told",),
    "tests/benchmarks/bench_event_loops.py": ("of which",),
    "tests/checks/test_checks.py": ("is said",),
    "tests/conftest.py": ("whoever",),
    "tests/faults/test_proxy_rule.py": ("bite",),
    "tests/faults/test_throttle.py": ("bite",),
    "tests/plan/test_own_instance.py": ("strike",),
    "tests/plan/test_plan.py": ("is told", "strike"),
    "tests/plan/test_saved.py": ("is said", "whoever"),
}
