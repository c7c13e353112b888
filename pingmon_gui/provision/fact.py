"""What a host is and has: gathered by one script as the login user, and one as root where that may be had."""

from __future__ import annotations

import importlib.resources
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from pingmon_gui.domain.error import StepFailed
from pingmon_gui.domain.probe import Supervisor, Transport
from pingmon_gui.provision.host import DATA_MARK, RootedHost
from pingmon_gui.provision.host_python import Health, HostPython

#: The oldest Python that the probe runs on.
MIN_PYTHON = (3, 9)
#: The user of a system-wide probe.
ACCOUNT = "pingmon-probe"


@dataclass(frozen=True)
class HostPythonFound:
    """One Python of the host; `missing` are modules that the probe needs and that it lacks."""

    path: str
    version: tuple[int, int, int]
    missing: tuple[str, ...] = ()

    @property
    def is_fit(self) -> bool:
        return self.version >= MIN_PYTHON and not self.missing


@dataclass(frozen=True)
class ExistingProbe:
    """A probe that is set up on the host already, by this Pingmon or another one.

    `health` is what it answers on the host itself, None where its token cannot be read; `public_key` is the key
    that its authorized_keys lets in (type, blank, base64), None for none.
    """

    is_system: bool
    supervisor: Supervisor
    transport: Transport
    port: int
    is_private_allowed: bool
    health: Health | None = None
    public_key: str | None = None
    certificate: str | None = None
    installed_at_ms: int = 0
    is_linger_ours: bool = False


@dataclass(frozen=True)
class HostFacts:
    """Facts of one host; what could not be learned is None, False or empty.

    `sshd` is its effective configuration for the probe's user (keyword in lower case -> values), None where the
    server is not OpenSSH or nobody may ask. `sudo_problem` is a sentence where sudo was tried in vain.
    `clock_offset_ms` is host minus this computer, exact to the round trip.
    """

    os_name: str
    user: str
    uid: int
    home: str
    pythons: tuple[HostPythonFound, ...] = ()
    groups: tuple[str, ...] = ()
    client_address: str = ""
    server_address: str = ""
    server_port: int = 22
    is_root: bool = False
    has_sudo: bool = False
    sudo_problem: str = ""
    init: str = "other"
    has_user_systemd: bool = False
    is_lingering: bool = False
    linger_allowed: bool = False
    kills_user_processes: bool = False
    programs: frozenset[str] = frozenset()
    has_cron: bool = False
    is_selinux: bool = False
    has_ipv6: bool = False
    is_dropbear: bool = False
    package_manager: str | None = None
    nologin: str = "/bin/false"
    has_account: bool = False
    is_home_writable: bool = False
    read_only_folders: tuple[str, ...] = ()
    free_home_bytes: int | None = None
    free_system_bytes: int | None = None
    clock_offset_ms: float = 0.0
    listening_ports: frozenset[int] = frozenset()
    ping_groups: tuple[int, int] = (1, 0)
    sshd: Mapping[str, tuple[str, ...]] | None = None
    existing: ExistingProbe | None = None
    #: A probe of the whole system that this login may not touch.
    is_existing_out_of_reach: bool = False
    #: Settings of found installations, before `existing` is made of them.
    marks: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def is_admin(self) -> bool:
        """Whether root's rights can be had."""
        return self.is_root or self.has_sudo

    @property
    def python(self) -> str | None:
        """Path of the first Python that the probe can run on."""
        return next((found.path for found in self.pythons if found.is_fit), None)

    @property
    def python_version(self) -> tuple[int, int, int] | None:
        """Version of `python`; else of the newest that is there and unfit."""
        fit = next((found.version for found in self.pythons if found.is_fit), None)
        return fit or max((found.version for found in self.pythons), default=None)


async def gather(host: RootedHost, *, now_s: Callable[[], float] = time.time) -> HostFacts:
    """Ask the host: two or three round trips. Raises StepFailed where the script does not run there at all."""
    sent_s = now_s()
    result = await host.run(["sh", "-s"], stdin=_script("facts.sh"))
    facts = read_facts(result.out, (sent_s + now_s()) / 2)
    if facts is None:
        raise StepFailed(
            f"{host.name} has no POSIX shell that answers (exit code {result.code}).",
            "Pingmon sets probes up on Linux hosts with a shell; is this a network device, or a restricted login?",
        )
    if not facts.os_name:
        return facts
    is_root = facts.uid == 0
    has_sudo = not is_root and await host.can_sudo()
    facts = replace(facts, is_root=is_root, has_sudo=has_sudo, sudo_problem=host.sudo_problem)
    if facts.is_admin:
        words = [ACCOUNT, facts.client_address or "127.0.0.1", facts.server_address or "127.0.0.1"]
        argv = ["sh", "-s", *words, str(facts.server_port)]
        answered = await host.run(argv, stdin=_script("facts_root.sh"), as_root=True)
        facts = add_root_facts(facts, answered.out)
    return await _with_existing(host, facts)


def read_facts(out: str, middle_s: float) -> HostFacts | None:
    """Read what facts.sh printed; None if it did not run to its end. `middle_s`: our clock half way."""
    values = _values(out)
    if "end" not in values:
        return None
    first = {key: found[0] for key, found in values.items()}
    connection = first.get("connection", "").split()
    pythons = tuple(found for line in values.get("python", []) if (found := _python(line)) is not None)
    clock_s = next((_decimal(line.split()[1]) for line in values.get("python", []) if len(line.split()) > 1), None)
    if clock_s is None:
        whole_s = _decimal(first.get("clock_s", ""))
        # Half a second is what a clock of whole seconds lags behind on average.
        clock_s = whole_s + 0.5 if whole_s is not None else middle_s
    free = [_kb(first.get(name)) for name in ("free_system_kb", "free_opt_kb")]
    low, _, high = first.get("ping_groups", "1 0").partition(" ")
    marks: dict[str, Mapping[str, str]] = {
        kind: dict(word.split("=", 1) for word in " ".join(values.get(f"existing_{kind}", [])).split() if "=" in word)
        for kind in ("system", "user")
        if kind in values.get("existing", [])
    }
    return HostFacts(
        os_name=first.get("os", ""),
        user=first.get("user", ""),
        uid=_whole(first.get("uid"), 65534),
        groups=tuple(first.get("groups", "").split()),
        home=first.get("home", ""),
        client_address=connection[0] if len(connection) == 4 else "",
        server_address=connection[2] if len(connection) == 4 else "",
        server_port=_whole(connection[3], 22) if len(connection) == 4 else 22,
        pythons=pythons,
        init=first.get("init", "other"),
        has_user_systemd="user_systemd" in values,
        is_lingering="linger" in values,
        linger_allowed="linger" in values or "linger_allowed" in values,
        kills_user_processes="kill_user_processes" in values,
        programs=frozenset(values.get("program", [])),
        has_cron="cron" in values,
        is_selinux="selinux" in values,
        has_ipv6="ipv6" in values,
        package_manager=first.get("package_manager"),
        nologin=first.get("nologin", "/bin/false"),
        has_account="account" in values,
        is_home_writable="home_writable" in values,
        free_home_bytes=_kb(first.get("free_home_kb")),
        free_system_bytes=min((found for found in free if found is not None), default=None),
        clock_offset_ms=(clock_s - middle_s) * 1000,
        listening_ports=frozenset(int(port, 16) for port in values.get("listen", []) if _is_hex(port)),
        ping_groups=(_whole(low, 1), _whole(high, 0)),
        marks=marks,
    )


def add_root_facts(facts: HostFacts, out: str) -> HostFacts:
    """Return the facts with what facts_root.sh printed."""
    values = _values(out)
    sshd: dict[str, tuple[str, ...]] = {}
    for line in values.get("sshd", []):
        key, _, value = line.partition(" ")
        sshd[key] = (*sshd.get(key, ()), *value.split())
    return replace(facts, sshd=sshd or None, read_only_folders=tuple(values.get("system_read_only", ())))


async def _with_existing(host: RootedHost, facts: HostFacts) -> HostFacts:
    """Return the facts with the probe that is there already: the system's before the user's."""
    # Imported here: the layout is made of facts.
    from pingmon_gui.provision.layout import existing_layout
    from pingmon_gui.provision.marked_block import public_key_in

    if "system" in facts.marks and not facts.is_admin:
        facts = replace(facts, is_existing_out_of_reach=True)
    kind = next((kind for kind in ("system", "user") if kind in facts.marks), None)
    if kind is None or facts.python is None or (kind == "system" and not facts.is_admin):
        return facts
    marks = facts.marks[kind]
    try:
        existing = ExistingProbe(
            is_system=kind == "system",
            supervisor=Supervisor(marks.get("supervisor", "")),
            transport=Transport(marks.get("transport", "")),
            port=int(marks.get("port", "")),
            is_private_allowed=marks.get("private") == "yes",
            installed_at_ms=_whole(marks.get("installed_at_ms"), 0),
            is_linger_ours=marks.get("linger") == "ours",
        )
    except ValueError:
        # Somebody else's file of that name, or one that was cut off: everything in it is set anew.
        return facts
    layout = existing_layout(facts, existing)
    python = HostPython(facts.python, as_root=existing.is_system)
    files = [layout.token, layout.authorized_keys, layout.tls_certificate]
    token, keys, certificate = await python.read(host, files)
    health = None
    if token is not None:
        certificate_file = layout.tls_certificate if existing.transport is Transport.DIRECT else None
        health = await python.health(host, existing.port, layout.token, certificate_file, 0.0)
    text = (keys.content or b"").decode("utf-8", "replace") if keys is not None else ""
    pem = (certificate.content or b"").decode("ascii", "replace") if certificate is not None else None
    found = replace(existing, health=health, public_key=public_key_in(text, is_whole=existing.is_system))
    return replace(facts, existing=replace(found, certificate=pem))


def _script(name: str) -> bytes:
    return importlib.resources.files("pingmon_gui.provision").joinpath("script").joinpath(name).read_bytes()


def _values(out: str) -> dict[str, list[str]]:
    values: dict[str, list[str]] = {}
    for line in out.splitlines():
        # A prompt or banner without an end of line may stand in front of the first mark.
        _, mark, rest = line.partition(DATA_MARK)
        key, equals, value = rest.partition("=")
        if mark and equals:
            values.setdefault(key, []).append(value.strip())
    return values


def _python(line: str) -> HostPythonFound | None:
    """Read `3.11.2 1700000000.123 module,module, /usr/bin/python3`."""
    words = line.split()
    if len(words) < 3:
        return None
    numbers = words[0].split(".")
    if len(numbers) != 3 or not all(number.isdigit() for number in numbers):
        return None
    missing = tuple(name for name in words[2].split(",") if name) if len(words) > 3 else ()
    return HostPythonFound(words[-1], (int(numbers[0]), int(numbers[1]), int(numbers[2])), missing)


def _decimal(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _whole(text: str | None, default: int) -> int:
    return int(text) if text is not None and text.isdigit() and len(text) < 16 else default


def _kb(text: str | None) -> int | None:
    return int(text) * 1024 if text is not None and text.isdigit() else None


def _is_hex(text: str) -> bool:
    try:
        return 0 < int(text, 16) < 65536
    except ValueError:
        return False
