"""What runs on the host, in the host's own Python (3.9 or newer), sent along with each call.

`host_python.py` sends this file, with a call of `main` at its end, and reads one line of JSON with a mark in front,
because start-up files of the host may print what they like. Standard library only. Blocks.
A small host starts this some thirty times: what takes long to import is imported where it is used, and `json`, which
would double the time of a call, is done without.
"""

from __future__ import annotations

import binascii
import grp
import os
import pwd
import signal
import stat
import sys
import time

MARK = "pingmon:answer="
NEW = ".pingmon-new"

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    Json = dict[str, Any]


def look(request: Json) -> Json:
    """Return the state of each path: null where there is nothing."""
    return {"states": [state_of(path) for path in request["paths"]]}


def read(request: Json) -> Json:
    """Return the state of each path with the content of files."""
    states = []
    for path in request["paths"]:
        state = state_of(path)
        states.append(state)
        if state is not None and state["kind"] == "file":
            with open(path, "rb") as file:
                state["content"] = binascii.b2a_base64(file.read(), newline=False).decode("ascii")
    return {"states": states}


def state_of(path: str) -> Json | None:
    try:
        info = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    kind = "folder" if stat.S_ISDIR(info.st_mode) else "file" if stat.S_ISREG(info.st_mode) else "other"
    state: Json = {
        "kind": kind,
        "mode": stat.S_IMODE(info.st_mode),
        "owner": name_of(pwd.getpwuid, info.st_uid),
        "group": name_of(grp.getgrgid, info.st_gid),
    }
    if kind == "file":
        try:
            with open(path, "rb") as file:
                state["sha256"] = sha256(file.read())
        except PermissionError:
            state["sha256"] = ""
    return state


def sha256(data: bytes) -> str:
    import hashlib

    return hashlib.sha256(data).hexdigest()


def name_of(find: Any, number: int) -> str:
    try:
        return str(find(number)[0])
    except KeyError:
        return str(number)


def put(request: Json) -> Json:
    """Make folders and files, in order. A file is in place whole or not at all, and read back before."""
    for entry in request["entries"]:
        if entry["kind"] == "folder":
            put_folder(entry)
        else:
            put_file(entry)
    return {}


def put_folder(entry: Json) -> None:
    path = entry["path"]
    if not os.path.isdir(path):
        os.mkdir(path, 0o700)
    elif entry["is_shared"]:
        return
    own(path, entry)
    os.chmod(path, entry["mode"])
    sync_folder(os.path.dirname(path))


def put_file(entry: Json) -> None:
    # Through a link: people keep their authorized_keys elsewhere.
    path = os.path.realpath(entry["path"])
    content = binascii.a2b_base64(entry["content"])
    fresh = path + NEW
    remove_file(fresh)
    number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(number, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        with open(fresh, "rb") as file:
            if sha256(file.read()) != entry["sha256"]:
                raise OSError(5, "what was written reads back differently", path)
        own(fresh, entry)
        os.chmod(fresh, entry["mode"])
        os.replace(fresh, path)
    except BaseException:
        remove_file(fresh)
        raise
    sync_folder(os.path.dirname(path))


def own(path: str, entry: Json) -> None:
    """Give a path to its owner; numbers stand for owners that have no name."""
    owner, group = (int(name) if name and name.isdigit() else name for name in (entry["owner"], entry["group"]))
    if owner is not None or group is not None:
        import shutil

        shutil.chown(path, owner, group)


def remove(request: Json) -> Json:
    """Remove files and folders, in order. A shared folder goes only when it is empty."""
    import shutil

    for entry in request["entries"]:
        path = entry["path"]
        if entry["kind"] == "file":
            remove_file(path)
            remove_file(os.path.realpath(path) + NEW)
        elif entry["is_shared"]:
            try:
                os.rmdir(path)
            except OSError:
                pass
        else:
            try:
                shutil.rmtree(path)
            except FileNotFoundError:
                pass
    return {}


def remove_file(path: str) -> None:
    try:
        os.unlink(path)
    except (FileNotFoundError, NotADirectoryError):
        pass


def sync_folder(path: str) -> None:
    number = os.open(path, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def health(request: Json) -> Json:
    """Ask the probe on this host how it is, until it answers or the time is over."""
    import http.client

    until = time.monotonic() + request["wait_s"]
    with open(request["token_file"]) as file:
        token = file.read().strip()
    while True:
        try:
            return ask_status(request, token)
        except (OSError, http.client.HTTPException, ValueError) as exc:
            if time.monotonic() >= until:
                return {"code": 0, "problem": str(exc) or type(exc).__name__}
        time.sleep(0.1)


def ask_status(request: Json, token: str) -> Json:
    import http.client

    port = request["port"]
    connection: http.client.HTTPConnection
    if request["certificate_file"]:
        import ssl

        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.load_verify_locations(request["certificate_file"])
        # The certificate itself is the trust, not an authority above it.
        context.verify_flags |= 0x80000
        connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
    else:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/v1/status", headers={"Authorization": "Bearer " + token})
        answer = connection.getresponse()
        body = answer.read(1000000)
        if answer.status != 200:
            return {"code": answer.status}
        import json

        status = json.loads(body)
        found: Json = {"code": 200}
        for key in ("version", "owner", "revision"):
            found[key] = status.get(key)
        found["spool"] = status["spool"]["id"]
        return found
    finally:
        connection.close()


def start(request: Json) -> Json:
    """Start a program that outlives this connection, as another user where one is named."""
    if os.fork():
        os.wait()
        return {}
    try:
        os.setsid()
        if os.fork():
            os._exit(0)
        environment = {"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": request["folder"], "LANG": "C"}
        if request["user"] is not None:
            entry = pwd.getpwnam(request["user"])
            os.initgroups(entry.pw_name, entry.pw_gid)
            os.setgid(entry.pw_gid)
            os.setuid(entry.pw_uid)
        os.chdir(request["folder"])
        nothing = os.open(os.devnull, os.O_RDWR)
        for number in (0, 1, 2):
            os.dup2(nothing, number)
        os.closerange(3, 4096)
        os.execve(request["argv"][0], request["argv"], environment)
    finally:
        os._exit(127)


def running(request: Json) -> Json:
    """Return the ids of the processes that run one of the files: the loop in the shell, and the probe."""
    return {"pids": pids_of(request["files"])}


def stop(request: Json) -> Json:
    """End the processes that run one of the files, and wait until they are gone; return those that are not."""
    return {"pids": end(lambda: pids_of(request["files"]), request["wait_s"])}


def stop_user(request: Json) -> Json:
    """End all processes of a user: its logins too, and the manager that systemd keeps for them for a while."""
    try:
        uid = pwd.getpwnam(request["user"]).pw_uid
    except KeyError:
        return {"pids": []}
    return {"pids": end(lambda: pids_of_user(uid), request["wait_s"])}


def end(find: Any, wait_s: float) -> list[int]:
    for number, patience_s in ((signal.SIGTERM, wait_s), (signal.SIGKILL, 5.0)):
        for pid in find():
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                pass
        until = time.monotonic() + patience_s
        while find() and time.monotonic() < until:
            time.sleep(0.05)
    left: list[int] = find()
    return left


def pids_of_user(uid: int) -> list[int]:
    """Return the user's processes on this host: those of containers are another one's, though they share its uid."""
    ours = pid_namespace("self")
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or pid_namespace(name) != ours:
            continue
        try:
            with open("/proc/" + name + "/status", "rb") as file:
                lines = file.read().splitlines()
        except OSError:
            continue
        uids = next((line.split()[1:] for line in lines if line.startswith(b"Uid:")), [])
        is_dead = any(line.startswith(b"State:") and b"Z" in line.split()[1] for line in lines)
        if b"%d" % uid in uids and not is_dead:
            found.append(int(name))
    return found


def pid_namespace(pid: str) -> Any:
    try:
        return os.readlink("/proc/" + pid + "/ns/pid")
    except OSError:
        return None


def pids_of(files: list[str]) -> list[int]:
    wanted = [os.fsencode(file) for file in files]
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open("/proc/" + name + "/cmdline", "rb") as file:
                words = file.read().split(bytes(1))
            with open("/proc/" + name + "/stat", "rb") as file:
                letter = file.read().rpartition(b")")[2].split()[0]
        except (OSError, IndexError):
            continue
        # `sh FILE` and `python3 -I -S FILE serve`, but neither an editor nor this very call.
        if letter != b"Z" and any(word in wanted for word in words[1:4]):
            found.append(int(name))
    return found


def main(request: Json) -> None:
    """Carry out one request; the exit code is 0 if it was, 3 if the system refused, which the answer then says."""
    operations = {
        "look": look,
        "read": read,
        "put": put,
        "remove": remove,
        "health": health,
        "start": start,
        "running": running,
        "stop": stop,
        "stop-user": stop_user,
    }
    code = 0
    try:
        answer = operations[request["do"]](request)
    except OSError as exc:
        answer = {"errno": exc.errno or 0, "path": str(exc.filename or ""), "text": exc.strerror or str(exc)}
        code = 3
    except LookupError as exc:
        answer = {"errno": 0, "path": "", "text": "%s: %s" % (type(exc).__name__, exc)}
        code = 3
    print(MARK + as_json(answer), flush=True)
    sys.exit(code)


def as_json(value: Any) -> str:
    """Return JSON in ASCII, for the few types that answers are made of."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int):
        return str(value)
    if isinstance(value, dict):
        return "{" + ", ".join(as_json(key) + ": " + as_json(item) for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(as_json, value)) + "]"
    text = str(value)
    if text.isascii() and text.isprintable() and not {'"', "\\"} & set(text):
        return '"' + text + '"'
    units = text.encode("utf-16-be", "surrogatepass")
    return '"' + "".join("\\u" + units[at : at + 2].hex() for at in range(0, len(units), 2)) + '"'
