"""How far are the delays of a replayed run from those of the recording?

Run with ``python -m tests.benchmarks.replay [RUN]`` on a quiet machine. The scored run is replayed at its own speed by
a process of its own, the same clips are sent to it, and the median delays of both are printed side by side.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from pathlib import Path

from evalkit import corpora, runs
from evalkit.plan import Choice, Plan

DELAYS = (
    "lat.rest_total.p50", "lat.rest_server.p50", "lat.word_first.p50", "lat.word_stable.p50", "lat.word_committed.p50",
    "lat.pr.p50", "lat.ttfs.p50", "lat.finalize.p50", "lat.setup.p50", "lat.connect.p50",
)  # fmt: skip


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("run", nargs="?", default="results/demo", type=Path)
    recorded = runs.load(arguments.parse_args().run)
    corpus = corpora.load(recorded.manifest["corpus"]["path"])
    command = [sys.executable, "-m", "evalkit", "replay", str(recorded.folder), "--port", "0"]
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server,
        tempfile.TemporaryDirectory() as folder,
    ):
        assert server.stdout is not None
        urls = [server.stdout.readline().split()[0] for _ in recorded.manifest["providers"]]
        choices = []
        for url, (name, entry) in zip(urls, recorded.manifest["providers"].items(), strict=True):
            asked = {
                f"{route}.{setting}": value
                for route, settings in entry["settings"].items()
                for setting, value in settings.items()
                if setting not in ("base_url", "key_env")
            }
            choices.append(Choice(entry["provider"], {**asked, "base_url": url, "key_env": ""}, name))
        incumbent = choices[1] if len(choices) > 1 else None
        plan = Plan(choices[0], incumbent, corpus=str(corpus.source), routes=tuple(recorded.manifest["routes"]))
        try:
            replayed = asyncio.run(runs.run(plan, corpus, Path(folder) / "again"))
        finally:
            server.terminate()
        report(recorded, replayed)


def report(recorded: runs.Results, replayed: runs.Results) -> None:
    sides = [
        {(row.provider, row.route, row.metric): row.value for row in results.summary if row.slice == "all"}
        for results in (recorded, replayed)
    ]
    words = [
        [(score.clip_id, score.provider, score.route, score.hypothesis) for score in results.scores]
        for results in (recorded, replayed)
    ]
    print(f"the same words on {len(set(words[0]) & set(words[1]))} of {len(words[0])} answers")
    for (provider, route, metric), before in sides[0].items():
        now = sides[1].get((provider, route, metric))
        if metric in DELAYS and before is not None and now is not None:
            print(f"{provider:20} {route:10} {metric:24} {before:8.4f} s {now:8.4f} s {1000 * (now - before):+7.2f} ms")


if __name__ == "__main__":
    main()
