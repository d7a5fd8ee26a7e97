"""kill -9 at random moments under `dagster dev`, again and again; then what must hold all the same.

    python benchmarks/kills.py --kills 30 --seed 1

The stand-in of all services, a database server, `dagster dev` and a list of books are this script's own, in a folder of their own.
Backfills are launched over GraphQL, as the UI does. What is killed and what must hold is in README.md. Exits 1 when something does not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.error import URLError
from urllib.request import Request, urlopen

import psutil
import psycopg
from psycopg.rows import dict_row

import alexandria_pipeline
from alexandria_pipeline.domain.errors import AlexandriaError
from alexandria_pipeline.domain.month import Month
from alexandria_pipeline.storage.embedded.server import EmbeddedServer

PROJECT = Path(alexandria_pipeline.__file__).parents[1]
MONTHLY = ("generated_books", "persisted_works", "resolved_isbns")
VICTIMS = {"worker": 3, "daemon": 2, "code server": 2, "postmaster": 2, "everything": 1}  # and how often each
START_SECONDS = 150.0  # until `dagster dev` answers, on a busy machine
AFTER_DEATH_SECONDS = 20.0  # in which `dagster dev` notices that a process of its is dead, and ends
CODE_SECONDS = 45.0  # in which `dagster dev` finds its code again, if it does
WORK_SECONDS = 300.0  # until something is under way again: two ticks, and Dagster's own pauses
PAUSE = (3.0, 15.0)  # between a kill and the next, while work is under way
TICKS = 2  # of `recovery_sensor`, within which a month without an owner is taken back
AWAY = (psycopg.Error, AlexandriaError)  # the server is down for a moment, or has no tables yet

LAUNCH = """mutation launch($months: [String!]!, $assets: [AssetKeyInput!]!) {
  launchPartitionBackfill(backfillParams: {assetSelection: $assets, partitionNames: $months, title: "kills"}) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message } } }"""
RUNS = "{ runsOrError(limit: 200) { ... on Runs { results { runId status tags { key value } } } } }"
BACKFILLS = "{ partitionBackfillsOrError(limit: 100) { ... on PartitionBackfills { results { id status } } } }"
CODE = "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"
# Two runs may ask the same within a second, since neither has an answer yet.
ANSWERED_BEFORE = """select b.service, b.url, a.called_at::text, b.called_at::text as again
from api_call a join api_call b using (service, method, url)
where method = 'GET' and a.outcome in ('answered', 'empty') and url not like '%/key'  -- what is left of the day is asked for anew
  and b.called_at > a.called_at + make_interval(secs => coalesce(a.latency_ms, 0) / 1000.0 + 2)"""
UNDER_WAY = {"QUEUED", "NOT_STARTED", "MANAGED", "STARTING", "STARTED", "CANCELING"}

# What must hold in the end: a name, what it means in README.md, and a question that has no answer.
NOTHING = {
    "books_without_work": "select book_id from generated_book where work_id is null",
    "books_undecided": "select book_id from generated_book where outcome = 'pending'",
    "works_missing": "select g.book_id from generated_book g left join enriched_works w using (work_id) where w.work_id is null",
    "months_stuck": "select year, month, status from backfill_log where status not in ('completed', 'failed')",
    "months_failed_without_reason": "select year, month from backfill_log where status = 'failed' and error_message is null",
    "months_owned": "select year, month, owner_run from backfill_log where owner_run is not null",
    "claims_left_open": "select year, month, run_id from month_claim where released_at is null",
    "two_owners_at_once": """select a.year, a.month, a.run_id, b.run_id as other from month_claim a
        join month_claim b on (a.year, a.month) = (b.year, b.month) and a.claim_id < b.claim_id
        where a.run_id <> b.run_id and (a.released_at is null or a.released_at > b.claimed_at)""",
    "months_done_twice": """select year, month, count(*) as times from month_claim where ended_as = 'completed'
        group by year, month having count(*) > 1""",
    "replies_kept_twice": "select year, month, provider from generation_reply group by year, month, provider having count(*) > 1",
    "books_listed_twice": """select r.year, r.month, l.provider, l.title, l.author from generated_listing l join generation_reply r using (reply_id)
        where l.provider = 'curated-list' group by 1, 2, 3, 4, 5 having count(*) > 1""",
}  # fmt: skip


def main() -> int:
    options = _arguments()
    with tempfile.TemporaryDirectory(prefix="alexandria-kills-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)  # a server of root is of another account, which must walk here
        with _stand_in(options) as upstream:
            found = Ordeal(Path(folder), upstream, options).run()
    print(json.dumps(found, indent=2, default=str))
    return 0 if found["holds"] else 1


@dataclass
class Ordeal:
    """One site, its processes, and those that were killed."""

    folder: Path
    upstream: Mapping[str, Any]
    options: argparse.Namespace
    killed: list[dict[str, Any]] = field(default_factory=list)
    restarts: int = 0

    def __post_init__(self) -> None:
        self.dice = random.Random(self.options.seed)  # noqa: S311 - repeatable, not secret
        self.home = self.folder / "state"
        self.server = EmbeddedServer(self.home)
        self.months = [str(Month(2000, 1) + at) for at in range(self.options.months)]
        self.list = self.folder / "list.tsv"
        lines = [
            f"{month}\tThe {at}th Thing of {month}\tNobody Known{at}"
            for month in self.months
            for at in range(self.options.books)
        ]
        self.list.write_text("\n".join(["month\ttitle\tauthor", *lines]) + "\n")
        self.listed = len(lines)
        shutil.copy(PROJECT / "dagster.yaml", self.folder)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("ALEXANDRIA_", "DAGSTER_"))}
        self.environment = kept | self.upstream["environment"] | {
            "ALEXANDRIA_HOME": str(self.home), "ALEXANDRIA_CURATED_LIST": str(self.list), "PYTHONPATH": str(PROJECT),
            "ALEXANDRIA_GENERATORS": "gemini,xai,curated-list", "ALEXANDRIA_ISBNDB_DAILY_LIMIT": str(self.options.quota),
        }  # fmt: skip

    def run(self) -> dict[str, Any]:
        began = time.monotonic()
        self.dev = Dev(self)
        orphans = Orphans(self)
        try:
            self.dev.start()
            orphans.start()
            while len(self.killed) < self.options.kills:
                self._work_goes_on()
                time.sleep(self.dice.uniform(*PAUSE))
                self._kill()
            taken_back = self._until(lambda: not orphans.now(), 60 + 30 * (TICKS + 1), "months without an owner")
            ended = self._all_done()
            return self._verdict(orphans, taken_back=taken_back, ended=ended, seconds=time.monotonic() - began)
        finally:
            orphans.end()
            self.dev.end()
            self.server.stop()
            if self.options.keep:
                shutil.copytree(
                    self.folder, self.options.keep, dirs_exist_ok=True, ignore=shutil.ignore_patterns("data")
                )
            shutil.rmtree(self.server.home, ignore_errors=True)

    # Work.

    def _work_goes_on(self) -> None:
        """Some months are being worked on, launched anew when nothing is under way."""
        deadline = time.monotonic() + WORK_SECONDS
        while not self.dev.processes()["worker"]:
            self.dev.keep()
            if time.monotonic() > deadline:
                raise SystemExit(f"no run came to work: {self._under_way()}; the logs are in {self.options.keep}")
            if not self._under_way():
                self._launch(
                    self.dice.sample(open_, min(self.options.at_once, len(open_)))
                    if (open_ := self._open())
                    else self.months
                )
            time.sleep(1)

    def _open(self) -> list[str]:
        """Months that are not done and have no owner."""
        with suppress(*AWAY):
            found = self.ask(
                "select year, month from backfill_log where status in ('completed', 'failed', 'processing')"
            )
            closed = {str(Month(row["year"], row["month"])) for row in found}
            return [month for month in self.months if month not in closed]
        return list(self.months)

    def _launch(self, months: Sequence[str]) -> None:
        with suppress(OSError, URLError, KeyError):
            response = self.graphql(LAUNCH, months=sorted(months), assets=[{"path": [name]} for name in MONTHLY])
            if response["launchPartitionBackfill"]["__typename"] != "LaunchBackfillSuccess":
                say(f"not launched: {response}")
            else:
                say(f"backfill of {len(months)} months")

    def _under_way(self) -> list[str]:
        with suppress(OSError, URLError, KeyError, TypeError):
            backfills = self.graphql(BACKFILLS)["partitionBackfillsOrError"]["results"]
            runs = self.graphql(RUNS)["runsOrError"]["results"]
            return [b["id"] for b in backfills if b["status"] == "REQUESTED"] + [
                r["runId"] for r in runs if r["status"] in UNDER_WAY
            ]
        return ["unknown"]

    def _all_done(self) -> bool:
        """What is left is worked off, without a kill."""
        deadline = time.monotonic() + self.options.patience
        while time.monotonic() < deadline:
            self.dev.keep()
            if not self._under_way():
                open_ = self._open()
                if not open_ and not self.ask("select 1 from backfill_log where status = 'processing'"):
                    return True
                if open_:
                    self._launch(open_)
            time.sleep(2)
        say(f"not done in time: under way {self._under_way()}, open {self._open()}")
        return False

    # Kills.

    def _kill(self) -> None:
        (kind,) = self.dice.choices(self.options.victims, [VICTIMS[name] for name in self.options.victims])
        victims = self.dev.processes()
        if not victims[kind]:
            kind = next(other for other in VICTIMS if victims[other])
        pids = victims[kind] if kind == "everything" else [self.dice.choice(victims[kind])]
        before = self._statuses()
        for pid in pids:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.killed.append({"number": len(self.killed) + 1, "killed": kind, "processes": len(pids), "months": before})
        say(f"kill {len(self.killed)}: {kind} {before}")
        self.dev.after(kind)

    def _statuses(self) -> dict[str, int]:
        with suppress(*AWAY):
            return {
                row["status"]: row["n"]
                for row in self.ask("select status, count(*) as n from backfill_log group by status order by 1")
            }
        return {}

    def _until(self, condition: Any, seconds: float, what: str) -> bool:
        deadline = time.monotonic() + seconds
        while not condition():
            self.dev.keep()
            if time.monotonic() > deadline:
                say(f"still there after {seconds:.0f} s: {what}")
                return False
            time.sleep(1)
        return True

    # Questions.

    def ask(self, question: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.server.url(), row_factory=dict_row, autocommit=True, connect_timeout=5) as connection:
            return connection.execute(question.encode()).fetchall()

    def graphql(self, query: str, **variables: Any) -> Any:
        body = json.dumps({"query": query, "variables": variables}).encode()
        request = Request(f"{self.dev.address}/graphql", body, {"Content-Type": "application/json"})  # noqa: S310 - our own server
        with urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)["data"]

    def control(self, path: str) -> Any:
        with urlopen(f"{self.upstream['control']}/{path}", timeout=60) as answer:  # noqa: S310 - our own stand-in
            return json.load(answer)

    # What holds.

    def _verdict(self, orphans: Orphans, *, taken_back: bool, ended: bool, seconds: float) -> dict[str, Any]:
        broken: dict[str, Any] = {name: rows[:5] for name, question in NOTHING.items() if (rows := self.ask(question))}
        figures = self._figures()
        for name, holds in {
            "all_months_done": ended, "orphans_taken_back": taken_back,
            "months_there": figures["months"] == len(self.months),
            "list_kept": figures["listings"].get("curated-list") == self.listed,
            "lists_of_models_kept": not (lost := self._lost_of_models()),
            "nothing_under_way": not self._under_way(),
            "taken_back_within_two_ticks": orphans.most_ticks <= TICKS,
            "isbndb_within_its_quota": figures["isbndb_asked"] <= figures["isbndb_safe_limit"],
            "every_isbndb_call_counted": figures["isbndb_asked"] <= figures["isbndb_counted"],
            "nothing_asked_again_that_was_answered": not figures["asked_again_although_answered"],
            "models_asked_again_only_when_cut_off": all(
                n <= figures["cut_off"].get(name, 0) for name, n in figures["models_asked_again"].items()
            ),
        }.items():  # fmt: skip
            if not holds:
                broken[name] = False
        if lost:
            broken["lost"] = lost[:5]
        counted = Counter(each["killed"] for each in self.killed)
        return {
            "holds": not broken, "broken": broken, "kills": dict(counted), "seed": self.options.seed, "seconds": round(seconds),
            "restarts_of_dagster_dev": self.restarts, "most_ticks_without_owner": orphans.most_ticks,
            "longest_without_owner_seconds": round(orphans.longest), "taken_back": orphans.count, **figures, "killed": self.killed,
        }  # fmt: skip

    def _figures(self) -> dict[str, Any]:
        stats = self.control("stats")
        asked = {name: counters["requests"] for name, counters in stats.items()}
        repeats = {name: counters["repeats"] for name, counters in stats.items() if counters["repeats"]}
        breaches = {name: counters["breaches"] for name, counters in stats.items() if counters["breaches"]}
        used = {row["service"]: row["used"] for row in self.ask("select service, used from quota_usage")}
        replies = {
            row["provider"]: row["n"]
            for row in self.ask("select provider, count(*) as n from generation_reply group by 1")
        }
        cut = {
            row["service"]: row["n"]
            for row in self.ask("select service, count(*) as n from api_call where outcome = 'sent' group by 1")
        }
        outcomes = self.ask("select outcome, count(*) as n from generated_book group by outcome order by outcome")
        return {
            "months": len(self.ask("select 1 from backfill_log")),
            "books": {row["outcome"]: row["n"] for row in outcomes},
            "listings": {row["provider"]: row["n"] for row in self.ask("select provider, count(*) as n from generated_listing group by 1")},
            "runs": dict(Counter(run["status"] for run in self.graphql(RUNS)["runsOrError"]["results"])),
            "claims": {row["ended_as"]: row["n"] for row in self.ask("select ended_as, count(*) as n from month_claim group by 1")},
            "isbndb_safe_limit": self.options.quota - self.options.quota * 2 // 15, "isbndb_asked": asked["isbndb"],
            "isbndb_counted": used.get("isbndb", 0),
            "counted": used, "asked": asked, "asked_again": repeats, "cut_off": cut,
            "asked_again_although_answered": self.ask(ANSWERED_BEFORE), "breaches": breaches,
            "replies": replies, "models_asked_again": {name: asked[name] - replies.get(name, 0) for name in ("gemini", "xai")},
        }  # fmt: skip

    def _lost_of_models(self) -> list[tuple[str, str, str]]:
        """What the models listed and no table has."""
        kept = {
            (str(Month(row["year"], row["month"])), " ".join(row["title"].split()), " ".join(row["author"].split()))
            for row in self.ask(
                "select r.year, r.month, l.title, l.author from generated_listing l join generation_reply r using (reply_id)"
            )
        }
        listed = {
            (row["month"], " ".join(row["title"].split()), " ".join(row["author"].split()))
            for row in self.control("truth") if row["month"] in self.months
        }  # fmt: skip
        return sorted(listed - kept)


class Dev:
    """`dagster dev`, as `make dev` starts it, started again when it has ended."""

    def __init__(self, ordeal: Ordeal) -> None:
        self._ordeal = ordeal
        self._process: subprocess.Popen[bytes] | None = None
        self.port = _free_port()
        self.address = f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.end()
        folder = self._ordeal.folder
        command: list[str] = [
            str(Path(sys.executable).with_name("dagster")),
            "dev",
            "-m",
            "alexandria_pipeline.definitions",
            "-p",
            str(self.port),
        ]
        with (folder / "dev.log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - our own command
                command, cwd=folder, env=self._ordeal.environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self.answers():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise SystemExit(f"dagster dev does not come up:\n{(folder / 'dev.log').read_text()[-3000:]}")
            time.sleep(0.5)

    def answers(self) -> bool:
        with suppress(OSError, URLError), urlopen(f"{self.address}/server_info", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
        return False

    def keep(self) -> None:
        """What a person does who finds it ended, or without its code (`dagster dev` does not start a dead code server again)."""
        ended = self._process is None or self._process.poll() is not None
        if ended or not self._has_code():
            say("dagster dev is started again" + ("" if ended else ": its code server is gone"))
            self._ordeal.restarts += 1
            self.start()

    def _has_code(self) -> bool:
        """Whether the code is there; it is given time, since the web server looks only now and then."""
        deadline = time.monotonic() + CODE_SECONDS
        while time.monotonic() < deadline:
            with suppress(OSError, URLError, KeyError, TypeError, IndexError):
                (entry,) = self._ordeal.graphql(CODE)["workspaceOrError"]["locationEntries"]
                if entry["locationOrLoadError"]["__typename"] == "RepositoryLocation":
                    return True
            if self._process is None or self._process.poll() is not None:
                return False
            time.sleep(1)
        return False

    def after(self, kind: str) -> None:
        """`dagster dev` ends when a process of its has died, but not for a worker or the database."""
        deadline = time.monotonic() + AFTER_DEATH_SECONDS
        while (
            kind in ("daemon", "everything")
            and self._process
            and self._process.poll() is None
            and time.monotonic() < deadline
        ):
            time.sleep(0.2)
        self.keep()

    def processes(self) -> dict[str, list[int]]:
        """What runs of this site, by what it is; known by its environment, so that no process of another site is among them."""
        found: dict[str, list[int]] = {name: [] for name in VICTIMS}
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                if process.environ().get("ALEXANDRIA_HOME") == str(self._ordeal.home) and process.pid != os.getpid():
                    words = " ".join(process.cmdline())
                    if "postgres" in process.name():
                        continue
                    found["everything"].append(process.pid)
                    if "dagster._daemon" in words:
                        found["daemon"].append(process.pid)
                    elif "code-server" in words or "api grpc" in words:
                        found["code server"].append(process.pid)
                    elif "spawn_main" in words or "execute_run" in words:
                        found["worker"].append(process.pid)
        postmaster = self._ordeal.server.status().pid
        if postmaster:
            found["postmaster"].append(postmaster)
            found["everything"].append(postmaster)
        return found

    def end(self) -> None:
        """Everything of the site but the database: what an earlier `dagster dev` has left, too."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGINT)
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(20)
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Orphans:
    """Months without an owner, looked for twice a second from outside: for how many ticks of the sensor they were so."""

    LOOK = """select b.year, b.month, b.claim from backfill_log b
        where b.status = 'processing' and not exists (select from pg_locks l where l.locktype = 'advisory' and l.granted
            and l.classid = 0 and l.objid = (b.year * 100 + b.month)::oid and l.objsubid = 1)"""
    TICK = """select timestamp as began, tick_body::jsonb ->> 'end_timestamp' as ended from job_ticks
        where status in ('SUCCESS', 'SKIPPED') and tick_body like '%recovery_sensor%'"""

    def __init__(self, ordeal: Ordeal) -> None:
        self._ordeal = ordeal
        self._seen: dict[tuple[int, int, int], list[float]] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join()

    def now(self) -> list[dict[str, Any]]:
        with suppress(*AWAY):
            return self._ordeal.ask(self.LOOK)
        return [{"unknown": True}]

    def _watch(self) -> None:
        while not self._over.wait(0.5):
            with suppress(*AWAY):
                for row in self._ordeal.ask(self.LOOK):
                    times = self._seen.setdefault((row["year"], row["month"], row["claim"]), [time.time()] * 2)
                    times[1] = time.time()

    @property
    def count(self) -> int:
        return len(self._seen)

    @property
    def longest(self) -> float:
        return max((last - first for first, last in self._seen.values()), default=0.0)

    @property
    def most_ticks(self) -> int:
        """Ticks that began and ended while one and the same month had no owner, at most; the last of them took it back."""
        ticks = [(row["began"].timestamp(), float(row["ended"] or 0)) for row in self._ordeal.ask(self.TICK)]
        return max(
            (sum(first < began and ended < last for began, ended in ticks) for first, last in self._seen.values()),
            default=0,
        )


@contextmanager
def _stand_in(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    words = {
        "works": options.months * 25,
        "seed": options.seed,
        "first": "2000-01",
        "months": options.months,
        "time-scale": options.scale,
        "daily": options.quota,
    }
    command = [
        sys.executable,
        "-m",
        "alexandria_pipeline_tests.upstream",
        "--json",
        *(f"--{name}={value}" for name, value in words.items()),
    ]
    environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:  # noqa: S603 - our own module
        try:
            if process.stdout is None:
                raise AssertionError("a pipe was asked for")
            yield json.loads(process.stdout.readline())
        finally:
            process.terminate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {words}", file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--seed", type=int, default=1, help="of the moments, the victims, and the books")
    parser.add_argument("--victims", nargs="+", choices=VICTIMS, default=list(VICTIMS), help="what may be killed")
    parser.add_argument("--months", type=int, default=24)
    parser.add_argument("--at-once", type=int, default=8, help="months of a backfill")
    parser.add_argument(
        "--books", type=int, default=10, help="books of the curated list in each month; the models add about 30"
    )
    parser.add_argument("--quota", type=int, default=900, help="ISBNdb's requests a day, of which 2/15 are left unused")
    parser.add_argument("--scale", type=float, default=1.0, help="how many times as fast as in life the services are")
    parser.add_argument("--patience", type=float, default=900, help="seconds for what is left after the last kill")
    parser.add_argument("--keep", type=Path, help="a folder for the logs")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
