"""Starts nats-server with nats.conf in a temporary folder and tries what each user may do, and may not.

    check.py NATS_SERVER

Exit code 1 when something is allowed that should not be, or the other way round.
"""

import asyncio
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile

import nats

CONFIG = pathlib.Path(__file__).with_name("nats.conf")
PASSWORDS = {"coordinator": "c-secret", "worker": "w-secret", "submit": "s-secret"}
LANE = "sheaf.main.0a1b"
BUCKET = "sheaf-main-0a1b"
RESULTS = f"{BUCKET}-results"

failures = []


def expect(what, got, wanted):
    print(f"{'ok   ' if got == wanted else 'WRONG'} {what}: {'allowed' if got else 'denied'}")
    if got != wanted:
        failures.append(what)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class User:
    """A connection that notes what the server forbids."""

    def __init__(self, name):
        self.name = name
        self.forbidden = []

    async def connect(self, port, password=None):
        async def note(error):
            self.forbidden.append(str(error))

        self.client = await nats.connect(
            f"nats://127.0.0.1:{port}",
            user=self.name,
            password=password or PASSWORDS[self.name],
            error_cb=note,
            allow_reconnect=False,
            connect_timeout=5,
        )
        return self

    async def allowed(self, act):
        """Whether the server lets this user do it."""
        self.forbidden.clear()
        try:
            await act
        except (asyncio.TimeoutError, nats.errors.Error):
            pass
        await self.client.flush()
        # The server's complaint comes before the answer to the flush, and is told by a task of its own.
        await asyncio.sleep(0.05)
        return not any("permissions violation" in error.lower() for error in self.forbidden)

    async def publishes(self, subject, payload=b""):
        return await self.allowed(self.client.publish(subject, payload))

    async def subscribes(self, subject):
        return await self.allowed(self.client.subscribe(subject))

    async def asks(self, subject, question, headers=None):
        """The answer's JSON; none where there is none."""
        self.forbidden.clear()
        payload = question if isinstance(question, bytes) else json.dumps(question).encode()
        try:
            answer = await self.client.request(subject, payload, timeout=0.7, headers=headers)
        except (asyncio.TimeoutError, nats.errors.Error):
            return None
        return json.loads(answer.data or b"{}")


async def connects(port, user, password):
    try:
        await User(user).connect(port, password)
    except Exception:  # the library raises whatever comes first
        return False
    return True


async def coordinate(user):
    """What a coordinator does, up to taking a result."""

    async def answer(message):
        await user.client.publish(message.reply, b'"done"')

    async def api(subject, question):
        answer = await user.asks(f"$JS.API.{subject}", question)
        return answer is not None and "error" not in answer

    streams = [
        {"name": f"OBJ_{BUCKET}", "subjects": [f"$O.{BUCKET}.C.>", f"$O.{BUCKET}.M.>"], "storage": "file",
         "allow_direct": True, "allow_rollup_hdrs": True},
        {"name": RESULTS, "subjects": [f"{LANE}.result"], "retention": "workqueue", "storage": "file",
         "deny_delete": True, "deny_purge": True},
    ]
    for stream in streams:
        expect(f"coordinator makes {stream['name']}", await api(f"STREAM.CREATE.{stream['name']}", stream), True)
    consumer = {"stream_name": RESULTS, "config": {"durable_name": "coordinator", "ack_policy": "explicit"}}
    expect("coordinator reads results", await api(f"CONSUMER.CREATE.{RESULTS}.coordinator", consumer), True)
    for subject in ["sheaf.*.*.ask", "sheaf.*.hello"]:
        subscribed = await user.allowed(user.client.subscribe(subject, cb=answer))
        expect(f"coordinator hears {subject}", subscribed, True)


async def common(user):
    """What workers and submitters may do, and may not."""
    name = user.name
    expect(f"{name} asks the coordinator", await user.asks(f"{LANE}.ask", {}) == "done", True)
    expect(f"{name} greets", await user.asks("sheaf.main.hello", {}) == "done", True)
    stored = await user.asks(f"$O.{BUCKET}.C.part-of-{name}", b"bytes")
    expect(f"{name} writes an artifact", bool(stored and stored.get("seq")), True)
    direct = await user.allowed(
        user.client.request(f"$JS.API.DIRECT.GET.OBJ_{BUCKET}", b'{"seq": 1}', timeout=0.7))
    expect(f"{name} reads an artifact", direct, True)
    for subject, question in [
        (f"STREAM.INFO.OBJ_{BUCKET}", {}),
        (f"STREAM.MSG.GET.OBJ_{BUCKET}", {"last_by_subj": f"$O.{BUCKET}.C.part-of-{name}"}),
    ]:
        answer = await user.asks(f"$JS.API.{subject}", question)
        expect(f"{name} asks {subject}", answer is not None and "error" not in answer, True)
    mine = {"name": "mine", "subjects": ["mine"], "storage": "file"}
    spying = {"stream_name": RESULTS, "config": {"durable_name": "spy", "ack_policy": "explicit"}}
    for subject, question in [
        ("STREAM.CREATE.mine", mine),
        (f"STREAM.UPDATE.{RESULTS}", {"name": RESULTS, "subjects": ["elsewhere"]}),
        (f"STREAM.DELETE.{RESULTS}", {}),
        (f"STREAM.DELETE.OBJ_{BUCKET}", {}),
        (f"STREAM.PURGE.OBJ_{BUCKET}", {}),
        (f"STREAM.PURGE.{RESULTS}", {}),
        (f"STREAM.MSG.DELETE.{RESULTS}", {"seq": 1}),
        (f"CONSUMER.CREATE.{RESULTS}.spy", spying),
        (f"CONSUMER.DURABLE.CREATE.{RESULTS}.spy", spying),
        (f"CONSUMER.DELETE.{RESULTS}.coordinator", {}),
        (f"CONSUMER.MSG.NEXT.{RESULTS}.coordinator", {"batch": 1}),
    ]:
        expect(f"{name} asks {subject}", await user.asks(f"$JS.API.{subject}", question) is not None, False)
    expect(f"{name} answers in the coordinator's place", await user.publishes("_INBOX.somebody"), False)
    for subject in [">", "sheaf.>", f"{LANE}.ask", f"{LANE}.result", "$O.>", "$SYS.>"]:
        expect(f"{name} listens to {subject}", await user.subscribes(subject), False)


async def check(port):
    coordinator, worker, submit = [await User(name).connect(port) for name in PASSWORDS]
    expect("a wrong password connects", await connects(port, "worker", "guess"), False)
    await coordinate(coordinator)
    await common(worker)
    await common(submit)
    handed = await worker.asks(f"{LANE}.result", {}, {"Nats-Msg-Id": "job-1"})
    expect("worker hands a result in", bool(handed and handed.get("stream") == RESULTS), True)
    expect("submit hands a result in", await submit.publishes(f"{LANE}.result"), False)
    expect("coordinator hands a result in", await coordinator.publishes(f"{LANE}.result"), False)
    # A coordinator that is led to write there cannot either.
    purged = await coordinator.asks(f"$JS.API.STREAM.PURGE.{RESULTS}", {})
    expect("coordinator purges results", purged is not None and "error" not in purged, False)
    # What was forbidden did not happen either.
    for stream in [RESULTS, f"OBJ_{BUCKET}"]:
        state = await coordinator.asks(f"$JS.API.STREAM.INFO.{stream}", {})
        expect(f"{stream} is there", "error" not in state, True)
    names = await coordinator.asks("$JS.API.STREAM.NAMES", {})
    expect("only the coordinator's streams are there", set(names["streams"]) == {RESULTS, f"OBJ_{BUCKET}"}, True)
    for user in [coordinator, worker, submit]:
        await user.client.close()


def main():
    server, port = sys.argv[1], free_port()
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        environment = {"SHEAF_NATS_STORE": store}
        environment |= {f"SHEAF_NATS_{name.upper()}_PASSWORD": password for name, password in PASSWORDS.items()}
        config = pathlib.Path(folder, "nats.conf")
        text = CONFIG.read_text()
        for shipped, here in [("0.0.0.0:4222", f"127.0.0.1:{port}"), ("0.0.0.0:8222", f"127.0.0.1:{free_port()}")]:
            assert text.count(shipped) == 1, shipped
            text = text.replace(shipped, here)
        config.write_text(text)
        without = subprocess.run([server, "-t", "-c", config], env={}, capture_output=True)
        expect("starting without passwords", without.returncode == 0, False)
        with open(os.path.join(folder, "log"), "w+") as log:
            running = subprocess.Popen([server, "-c", config], env=environment, stdout=log, stderr=log)
            try:
                asyncio.run(until_there(port))
                asyncio.run(check(port))
            except Exception:
                log.seek(0)
                print(log.read()[-2000:], file=sys.stderr)
                raise
            finally:
                running.terminate()
                running.wait()
    if failures:
        sys.exit(f"nats.conf is wrong about: {', '.join(failures)}")


async def until_there(port):
    for _ in range(100):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise TimeoutError("nats-server does not listen")


if __name__ == "__main__":
    main()
