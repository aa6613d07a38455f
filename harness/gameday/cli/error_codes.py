"""What each code of an error means; `mistake_codes.py` explains the mistakes in files, `guard_codes.py` refusals.

GD-E0 is a bug of Gameday, GD-E1 wrong input, GD-E2 a refusal, GD-E3 the journal or the store, GD-E4 an answer of AWS,
GD-E5 a change that failed, GD-E6 the history of runs, GD-F a mistake in a file, GD-P a guard that refuses, GD-W a guard
that warns. A code is never used again for another meaning.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code: what happened, why it can happen, and what to do."""

    title: str
    cause: str
    remedy: str


ERRORS: dict[str, ErrorCode] = {
    "GD-E001": ErrorCode(
        "internal error",
        "The code of Gameday or of a fault broke one of its own rules.",
        "Run `gameday restore` if a run had begun. Then report the bug.",
    ),
    "GD-E002": ErrorCode(
        "a call is not in the plan",
        "Code tried to change something that the plan does not list. Gameday stopped the call before it was sent.",
        "If the fault is yours, let it return changes and make only reading calls. Otherwise report the bug.",
    ),
    "GD-E100": ErrorCode(
        "invalid input", "An option or an argument is wrong. Nothing was touched.", "Correct it as the message says."
    ),
    "GD-E101": ErrorCode(
        "a file of the wrong kind",
        "The command needs another kind of file, such as an experiment or a workload.",
        "Name a file of that kind; its `kind:` key says what it is.",
    ),
    "GD-E102": ErrorCode(
        "a JSON file that cannot be read",
        "A record, matrix or plan is missing, damaged, or not written by Gameday.",
        "Name a file that `gameday run --reports` or `gameday matrix --json` wrote, or run again.",
    ),
    "GD-E103": ErrorCode(
        "a record of another version",
        "Another version of Gameday wrote the record.",
        "Read it with the version that wrote it.",
    ),
    "GD-E104": ErrorCode(
        "a saved plan that cannot be used",
        "The file is not a saved plan, or it was changed after `gameday plan -o` wrote it.",
        "Make the plan again, and read it.",
    ),
    "GD-E105": ErrorCode(
        "options that contradict the saved plan",
        "A saved plan has a place and a seed of its own.",
        "Leave out the option, or make another plan.",
    ),
    "GD-E106": ErrorCode(
        "no such record",
        "The path, folder or run id leads to no record.",
        "Name a record, or a folder that `gameday run --reports` wrote.",
    ),
    "GD-E107": ErrorCode(
        "no such fault", "The catalogue has no fault of this name.", "`gameday faults` lists all names."
    ),
    "GD-E108": ErrorCode(
        "a file that cannot be written",
        "The folder is missing, full, or not writable.",
        "Name another folder, or make it writable.",
    ),
    "GD-E109": ErrorCode(
        "a file is there already",
        "Gameday never overwrites a file that people may have changed.",
        "Name another folder, or move the file away.",
    ),
    "GD-E110": ErrorCode(
        "an optional part is not installed",
        "The command needs an extra of the package, such as `twin`.",
        "Install it: `pip install 'gameday-harness[twin]'`; the message names the extra.",
    ),
    "GD-E111": ErrorCode(
        "no AWS session",
        "boto3 finds no usable profile or configuration.",
        "Check AWS_PROFILE and ~/.aws/config, then `aws sts get-caller-identity`.",
    ),
    "GD-E112": ErrorCode(
        "parameters that AWS does not take",
        "botocore rejects the parameters of a call before it sends the call.",
        "Correct the field of the fault that the message names.",
    ),
    "GD-E113": ErrorCode(
        "the workload has no twin",
        "The workload file names no twin file, so nothing can run on the twin.",
        "Add `twin: twin.yaml` to the workload, or run with `--on aws`.",
    ),
    "GD-E114": ErrorCode(
        "a world that the twin cannot build",
        "The workload and the twin file describe resources that no account could hold together.",
        "Correct the zones, regions or owners that the message names.",
    ),
    "GD-E115": ErrorCode(
        "a wrong store",
        "The address of the store is not `s3://bucket/prefix`, or `--local-journal` contradicts it.",
        "Correct `store:` in the workload, or leave out `--local-journal`.",
    ),
    "GD-E116": ErrorCode(
        "no run to halt",
        "No run holds this workload on this machine or in this store.",
        "Check the name; `gameday restore --list` shows dead runs.",
    ),
    "GD-E117": ErrorCode(
        "a KPI that its source cannot answer",
        "The source works, but it never provides the data that the KPI needs.",
        "Change the KPI as the message says.",
    ),
    "GD-E118": ErrorCode(
        "a proxy that cannot be used",
        "The address is not a loopback address, the port is taken, or the endpoint behind it does not answer.",
        "Name another address or port, or start the endpoint first.",
    ),
    "GD-E119": ErrorCode(
        "a wrong rule for SDK faults",
        "An argument of `gameday.sdk` or `sdk_rules` is wrong.",
        "Correct it as the message says.",
    ),
    "GD-E120": ErrorCode(
        "runs that cannot be compared",
        "The two sides have no experiment, workload or place in common, or share a run.",
        "Compare runs of the same experiments in the same place.",
    ),
    "GD-E121": ErrorCode(
        "a wrong argument in a test",
        "A fixture or marker of the pytest plugin has a wrong argument.",
        "Correct it as the message says.",
    ),
    "GD-E122": ErrorCode(
        "a package that cannot be used",
        "An installed package adds a fault, a KPI source or a check under an entry point, and does so wrongly.",
        "Update the package that the message names, or uninstall it.",
    ),
    "GD-E123": ErrorCode(
        "occurrences of a newer version",
        "Another machine with a newer version of Gameday recorded occurrences of the game day.",
        "Update Gameday on this machine.",
    ),
    "GD-E124": ErrorCode(
        "a schedule that this scheduler cannot keep",
        "No line of the scheduler means exactly the days and the time of the schedule.",
        "Write the schedule as the message says, or export to another scheduler.",
    ),
    "GD-E125": ErrorCode(
        "a game day that cannot be scheduled",
        "The gameday file has no `schedule`, or two files have one name.",
        "Correct the file as the message says.",
    ),
    "GD-E130": ErrorCode(
        "mistakes in files",
        "Files have mistakes. Each mistake carries a code of its own (GD-F…).",
        "Correct them; `gameday validate` shows them all.",
    ),
    "GD-E200": ErrorCode(
        "not injecting",
        "Gameday refused the injection for a reason other than a guard (GD-P…). Nothing was injected.",
        "Change what each reason names.",
    ),
    "GD-E202": ErrorCode(
        "another run has the workload",
        "Only one run can hold a workload at a time.",
        "Wait until the other run ends, or abort it with `gameday halt`.",
    ),
    "GD-E203": ErrorCode(
        "a dead run left changes behind",
        "A run on this workload died before it undid its changes.",
        "Run `gameday restore` first.",
    ),
    "GD-E204": ErrorCode(
        "nobody confirmed the run",
        "Standard input is not a terminal, or the answer was not yes.",
        "Review the plan, then pass `--yes`.",
    ),
    "GD-E206": ErrorCode(
        "credentials of another account",
        "The credentials belong to another account than the workload or the run.",
        "Use credentials of the account that the message names.",
    ),
    "GD-E210": ErrorCode(
        "a policy over IAM's size limit",
        "The run changes so much that its session policy does not fit, and not all targets carry the opt-in tag.",
        "Give every target the opt-in tag, interfaces too. Or name fewer targets, or split the experiment.",
    ),
    "GD-E211": ErrorCode(
        "no session of the role",
        "STS did not return a session of the workload's `role`.",
        "Check the role's trust policy, and that the caller may assume it.",
    ),
    "GD-E212": ErrorCode(
        "modules that no fault can hit",
        "A matrix needs a fault for each module, and these modules own nothing.",
        "Write under `owns` what belongs to them: tags, functions, tables or stages.",
    ),
    "GD-E213": ErrorCode(
        "a store without conditional writes",
        "The store takes a write whose condition does not hold, or refuses one whose condition holds. Two runs could"
        " then hold the workload at once.",
        "Name a bucket of Amazon S3, or of a server that keeps `If-None-Match` and `If-Match`; or leave `store` out,"
        " and say `--local-journal`.",
    ),
    "GD-E214": ErrorCode(
        "more than the twin plays",
        "Retries made so many requests that the twin would not end in reasonable time.",
        "Write fewer retries or a lower `customers.rate` in the twin file, or run on the account.",
    ),
    "GD-E217": ErrorCode(
        "not a sandbox account",
        "`gameday conform` makes and removes resources, and something says that the account is in use: a tag or an"
        " alias of production, a run that is not restored, or a read that was denied.",
        "Run `gameday restore` if runs are open. Else use an account in which nothing else runs.",
    ),
    "GD-E300": ErrorCode(
        "the journal fails",
        "Gameday cannot write or read what undo needs. It injects nothing without that.",
        "Correct what the message names, then `gameday restore --list`.",
    ),
    "GD-E301": ErrorCode(
        "the journal is damaged, or of another version",
        "This version of Gameday cannot read the file of the journal.",
        "Replace the file from a backup, or restore its runs with the version that wrote it.",
    ),
    "GD-E302": ErrorCode(
        "the journal's folder cannot be used",
        "The disk is full, or the folder is not writable.",
        "Free the disk, or set GAMEDAY_HOME to another folder.",
    ),
    "GD-E303": ErrorCode(
        "another process has the run",
        "Another process writes the journal of a run with the same id.",
        "Give each run its own id, or wait until the other process ends.",
    ),
    "GD-E304": ErrorCode(
        "the store cannot be used",
        "S3 refuses a read or a write below the store's prefix, or does not answer.",
        "Check the bucket, and that the role may list, read and write there.",
    ),
    "GD-E305": ErrorCode(
        "objects in the store are damaged",
        "An object below the store's prefix is missing, was changed, or is of another version.",
        "Look at the object. Restore the run on its own machine. Let no lifecycle rule delete objects there.",
    ),
    "GD-E306": ErrorCode(
        "the journal has lost what undo needs",
        "A file of the journal was deleted, cut short or changed, and no copy of it holds what a run must still undo.",
        "Put the files back from a copy and run `gameday restore` again, or compare the account with the plan by hand.",
    ),
    "GD-E310": ErrorCode(
        "the lease is lost",
        "Another run may hold the workload by now. Gameday sends no further calls.",
        "Run `gameday restore --list` to see what is left to undo.",
    ),
    "GD-E320": ErrorCode(
        "the record of occurrences cannot be used",
        "The disk is full, or the folder below GAMEDAY_HOME is not writable. No game day starts without its record.",
        "Free disk space, repair the folder, or set GAMEDAY_HOME to another folder.",
    ),
    "GD-E321": ErrorCode(
        "a record of an occurrence that cannot be read",
        "The object in the store or below GAMEDAY_HOME is damaged, or is not of Gameday.",
        "Move the object away. Its occurrence then counts as not recorded.",
    ),
    "GD-E400": ErrorCode(
        "AWS answered with an error",
        "The message names the operation and AWS's own code.",
        "Look up AWS's code. For AccessDenied compare the permissions with `gameday policy`.",
    ),
    "GD-E401": ErrorCode(
        "AWS gave no usable answer",
        "There are no credentials, there is no route, the call timed out, or the answer had another shape "
        "(UnexpectedAnswer). AWS may or may not have executed the call.",
        "Check credentials and network. The journal holds the call; `gameday restore` settles it.",
    ),
    "GD-E500": ErrorCode(
        "the injection failed halfway",
        "One change failed or could not be verified. Gameday undid the changes before it.",
        "Correct the cause of the change that the message names, and make a new plan.",
    ),
    "GD-E600": ErrorCode(
        "the history cannot be used",
        "The disk is full, the folder is not writable, or another process keeps the history locked. Runs and undos go"
        " on without it.",
        "Correct what the message names. Then `gameday runs import REPORTS` adds the runs that the history lacks.",
    ),
    "GD-E601": ErrorCode(
        "a history of a newer version",
        "A newer version of Gameday wrote the index of the history.",
        "Read it with that version, or set GAMEDAY_HOME to another folder.",
    ),
}
"""Every code that an error can carry."""
