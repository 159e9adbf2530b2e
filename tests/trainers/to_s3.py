"""What `remote.py` runs in its environment: outputs and blocks in moto's S3, equal to those on the disk.

python tests/trainers/to_s3.py FOLDER KILLS ROWS SEED
"""

from __future__ import annotations

import json
import logging
import os
import random
import signal
import subprocess
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import chatmill
import fsspec
from chatmill.distributed.merge import merge
from chatmill.distributed.plan import make_plan
from chatmill.distributed.unit import run_unit
from chatmill.outputs.object_store import ObjectStore
from chatmill.pipeline import resumable
from moto.server import ThreadedMotoServer

DEFINITION = Path(__file__).parents[1] / "data" / "byte_tokenizer.json"
TEMPLATE = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
BASE: dict[str, Any] = {
    "tokenizer": DEFINITION,
    "template": TEMPLATE,
    "block_bytes": 16_000,
    "now": datetime(2026, 1, 1),  # noqa: DTZ001  # templates have no time zone
    "progress": False,
}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {"shard_tokens": 20_000},
    "arranged": {"shuffle": True, "deduplicate": True, "validation": 0.1, "shard_tokens": 20_000},
    "packs": {"pack": 512, "validation": 20},
    "megatron": {"to": "megatron"},
}
_TIMEOUT = 120


def main() -> None:
    folder, kills, rows, seed = Path(sys.argv[1]), *map(int, sys.argv[2:])
    random.seed(seed)
    os.chdir(folder)
    write_rows(Path("rows.jsonl"), rows)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    try:
        os.environ["AWS_ENDPOINT_URL"] = "http://{}:{}".format(*server.get_host_and_port())
        files = fsspec.filesystem("s3")
        files.mkdir("bucket")
        wholes = {}
        for name, more in OPTIONS.items():
            chatmill.prepare("rows.jsonl", output=f"whole-{name}", **BASE, **more)
            wholes[name] = files_of(Path(f"whole-{name}"))
            chatmill.prepare("rows.jsonl", output=f"s3://bucket/{name}", **BASE, **more)
            compare(files, name, wholes[name], "written")
            chatmill.prepare("rows.jsonl", output=f"s3://bucket/{name}", overwrite=True, **BASE, **more)
            compare(files, name, wholes[name], "written again")
        chatmill.convert("whole-plain", "hf", "converted")
        chatmill.convert("whole-plain", "hf", "s3://bucket/converted")
        compare(files, "converted", files_of(Path("converted")), "converted")
        merged(files, wholes["arranged"])
        killed(files, wholes, kills)
        refused()
    finally:
        server.stop()


def merged(files: Any, whole: dict[str, bytes]) -> None:
    """A plan whose input, blocks and output are in the store."""
    files.put_file("rows.jsonl", "bucket/in/rows.jsonl")
    options = {**BASE, **OPTIONS["arranged"], "progress": None}
    place = "s3://bucket/merged"
    plan = make_plan({**options, "inputs": "s3://bucket/in/rows.jsonl", "output": place}, unit_bytes=100_000)
    numbers = list(range(len(plan.units)))
    random.shuffle(numbers)
    for number in numbers:
        run_unit(plan, number)
    merge(plan)
    if by_rows(stored(files, "merged")) != by_rows(whole):
        raise SystemExit("remote outputs: the merged output is another one")
    if files.find("bucket/merged.blocks"):
        raise SystemExit("remote outputs: the merge left blocks")
    print(f"remote outputs: {len(numbers)} units merged, the same files", flush=True)


def killed(files: Any, wholes: dict[str, dict[str, bytes]], kills: int) -> None:
    """Runs that are killed at random moments, until the same command ends."""
    count = outputs = with_files = 0
    started = time.monotonic()
    if start("plain", "timed").wait(_TIMEOUT):
        raise SystemExit("remote outputs: a run failed")
    seconds = time.monotonic() - started
    while count < kills:
        name = random.choice(["plain", "arranged"])
        outputs += 1
        place = f"killed-{outputs}"
        while True:
            run = start(name, place)
            try:
                run.wait(random.uniform(0.3, 1.1) * seconds if count < kills else _TIMEOUT)
            except subprocess.TimeoutExpired:
                run.send_signal(signal.SIGKILL)
                run.wait()
                count += 1
                there = files.find(f"bucket/{place}")
                with_files += len(there) > 1
                if f"bucket/{place}/_manifest.json" in there:
                    # The output was complete, and its run had only its marker to remove.
                    break
                continue
            if run.returncode:
                raise SystemExit(f"remote outputs: a run after a kill failed\n{run.stderr.read().decode()}")
            break
        compare(files, place, wholes[name], "", without="_chatmill-run.json")
    print(
        f"remote outputs: {count} kills of {outputs} outputs, {with_files} after files were put, the same files",
        flush=True,
    )


def start(name: str, place: str) -> subprocess.Popen[bytes]:
    code = "import sys, to_s3; to_s3.one(*sys.argv[1:])"
    environment = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{os.environ['PYTHONPATH']}"}
    return subprocess.Popen([sys.executable, "-c", code, name, place], env=environment, stderr=subprocess.PIPE)


def one(name: str, place: str) -> None:
    """The run that is killed. Each file takes a while, as on a network."""
    put = ObjectStore.put

    def slow(self: ObjectStore, path: Path, file: str) -> None:
        time.sleep(0.05)
        put(self, path, file)

    vars(resumable)["WORTH_KEEPING_SECONDS"] = 0.0
    setattr(ObjectStore, "put", slow)  # noqa: B010  # mypy: a method is assigned
    chatmill.prepare("rows.jsonl", output=f"s3://bucket/{place}", **BASE, **OPTIONS[name])


def refused() -> None:
    for place, problem in {
        "s3://no-such-bucket/out": "cannot write s3://no-such-bucket/out/_chatmill-run.json: ",
        "s3://bucket/plain": "is not empty",
    }.items():
        try:
            chatmill.prepare("rows.jsonl", output=place, **BASE)
        except chatmill.DataError as error:
            if problem not in str(error):
                raise
            print(f"remote outputs: {error}", flush=True)
        else:
            raise SystemExit(f"remote outputs: {place} was written")


def compare(files: Any, place: str, whole: dict[str, bytes], done: str, without: str = "") -> None:
    found = stored(files, place)
    found.pop(without, None)
    if found != whole:
        raise SystemExit(f"remote outputs: {place} is not the output of the disk: {sorted(found)} {sorted(whole)}")
    if done:
        print(f"remote outputs: {place} {done}, the same {len(found)} files", flush=True)


def by_rows(found: dict[str, bytes]) -> dict[str, Any]:
    """The files without the name and the version of the input, which are those of its place."""
    manifest = json.loads(found["_manifest.json"])
    del manifest["inputs"], manifest["sample_files"]
    samples = [json.loads(line) for line in found["_samples.jsonl"].splitlines()]
    for sample in samples:
        del sample["source"], sample["place"]
    return {**found, "_manifest.json": manifest, "_samples.jsonl": samples}


def stored(files: Any, place: str) -> dict[str, bytes]:
    files.invalidate_cache()
    start = f"bucket/{place}/"
    return plain({path.removeprefix(start): files.cat_file(path) for path in files.find(start)})


def files_of(folder: Path) -> dict[str, bytes]:
    return plain(
        {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    )


def plain(found: dict[str, bytes]) -> dict[str, bytes]:
    """The files, without the times in the manifest and its checksum."""
    if "_manifest.json" in found:
        manifest = json.loads(found["_manifest.json"])
        for name in ("created", "sha256"):
            manifest.pop(name)
        found["_manifest.json"] = json.dumps(manifest).encode()
    return found


def write_rows(path: Path, rows: int) -> None:
    numbers = random.Random(7)
    with path.open("w", encoding="utf-8") as file:
        for _ in range(rows):
            texts = ["".join(numbers.choices("abc def\né", k=numbers.randint(1, 90))) for _ in range(4)]
            messages = [{"role": ("user", "assistant")[at % 2], "content": text} for at, text in enumerate(texts)]
            file.write(json.dumps({"messages": messages}) + "\n")


if __name__ == "__main__":
    main()
