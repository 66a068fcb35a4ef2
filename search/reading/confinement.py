"""How a reader process locks itself in before it sees the file: Linux only, by ctypes, standard library only.

Order matters. Limits and the death signal come first; no_new_privs is the condition for both filters; namespaces need a
process that is still single-threaded; Landlock and seccomp come last because they would forbid the steps before them.
A feature that the kernel lacks is named in `Isolation.gaps`; the limits, which every kernel has, are not optional.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable, Iterator

from search.reading.model import Isolation, Limits

_libc = ctypes.CDLL(None, use_errno=True)

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38

# linux/sched.h
_NAMESPACES = {"user": 0x10000000, "net": 0x40000000, "ipc": 0x08000000}
_CLONE_THREAD = 0x00010000

# linux/landlock.h; these three numbers are the same on every architecture.
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
_READ_FILE, _READ_DIRECTORY = 1 << 2, 1 << 3
# How many of the file rights each version of the interface knows.
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_WITH_NETWORK, _NET_RIGHTS = 4, 0b11  # from this version: binding and connecting TCP
_WITH_SCOPES, _SCOPES = 6, 0b11  # from this version: abstract unix sockets and signals

# What interpreter, shared libraries and the page renderer may read besides Python's own folders.
_SYSTEM_PATHS = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/etc/ld.so.cache", "/dev/null", "/dev/urandom",
    "/usr/share/fonts", "/usr/local/share/fonts", "/usr/share/zoneinfo",
)  # fmt: skip

# linux/audit.h: architecture -> (audit constant, column of _DENIED)
_ARCHITECTURES = {
    "x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1), "riscv64": (0xC00000F3, 1), "loongarch64": (0xC0000102, 1),
}  # fmt: skip
# Calls that no reader needs: (number on x86_64, number in the generic table; None where it does not exist).
_DENIED: dict[str, tuple[int, int | None]] = {
    "fork": (57, None), "vfork": (58, None), "execve": (59, 221), "execveat": (322, 281),
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "sendto": (44, 206), "sendmsg": (46, 211),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_open": (434, 434), "pidfd_send_signal": (424, 424), "pidfd_getfd": (438, 438),
    "tkill": (200, 130), "rt_sigqueueinfo": (129, 138), "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140), "sched_setscheduler": (144, 119), "sched_setaffinity": (203, 122),
    "ioprio_set": (251, 30),
    "mount": (165, 40), "umount2": (166, 39), "chroot": (161, 51), "unshare": (272, 97), "setns": (308, 268),
    "io_uring_setup": (425, 425), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219), "memfd_create": (319, 279),
    "shmget": (29, 194), "msgget": (68, 186), "semget": (64, 190), "mq_open": (240, 180),
}  # fmt: skip
_CLONE, _CLONE3 = (56, 220), (435, 435)
# Calls that may only name the process itself: their first argument must be the own number.
_OWN_PROCESS = {"kill": (62, 129), "tgkill": (234, 131)}
_PRLIMIT = (302, 261)


def confine(limits: Limits, parent_pid: int, readable: Iterable[str]) -> Isolation:
    """Lock the calling process in, for good; afterwards it reads only `readable` and the system's libraries and fonts.

    Raises: OSError where even the limits or the death signal cannot be set: then nothing must be read.
    """
    gaps: list[str] = []
    _limit_resources(limits)
    _die_with(parent_pid)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    namespaces = _leave_namespaces(gaps)
    # Counted from here on: inside a new user namespace the other processes of the same user do not count.
    resource.setrlimit(resource.RLIMIT_NPROC, (limits.processes, limits.processes))
    # Namespaces reset the flag. A process that cannot be dumped leaves no plaintext in a core file.
    _prctl(_PR_SET_DUMPABLE, 0)
    landlock_abi = _restrict_files(readable, gaps)
    return Isolation(namespaces, landlock_abi, _filter_calls(gaps), tuple(gaps))


def _limit_resources(limits: Limits) -> None:
    for kind, soft, hard in (
        (resource.RLIMIT_CORE, 0, 0),
        (resource.RLIMIT_FSIZE, 0, 0),
        (resource.RLIMIT_AS, limits.memory_bytes, limits.memory_bytes),
        # The soft limit ends the process with SIGXCPU, which tells the parent why; the hard one cannot be caught.
        (resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1),
        (resource.RLIMIT_NOFILE, limits.open_files, limits.open_files),
    ):
        resource.setrlimit(kind, (soft, hard))


def _die_with(parent_pid: int) -> None:
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:  # the parent was gone before the request was made
        os._exit(1)


def _leave_namespaces(gaps: list[str]) -> tuple[str, ...]:
    # An ordinary user needs the user namespace to get the others; a root without user namespaces does not.
    reason = ""
    for names in (("user", "net", "ipc"), ("net", "ipc")):
        if _libc.unshare(sum(_NAMESPACES[name] for name in names)) == 0:
            return names
        reason = reason or os.strerror(ctypes.get_errno())
    gaps.append(f"no namespaces of its own: {reason}")
    return ()


def _restrict_files(readable: Iterable[str], gaps: list[str]) -> int:
    abi = _landlock_version()
    if abi < 1:
        gaps.append(f"no Landlock, files stay visible: {os.strerror(ctypes.get_errno())}")
        return 0
    handled = (1 << _FILE_RIGHTS[min(abi, 5)]) - 1
    # struct landlock_ruleset_attr; a version refuses fields that it does not know.
    rules = struct.pack("=Q", handled)
    rules += struct.pack("=Q", _NET_RIGHTS) if abi >= _WITH_NETWORK else b""
    rules += struct.pack("=Q", _SCOPES) if abi >= _WITH_SCOPES else b""
    ruleset: int = _checked(_libc.syscall(_LANDLOCK_CREATE, rules, ctypes.c_size_t(len(rules)), 0))
    for path in sorted({*_SYSTEM_PATHS, *_python_folders(), *readable}):
        _allow_reading(ruleset, path)
    _checked(_libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0))
    os.close(ruleset)
    if abi < _WITH_SCOPES:
        gaps.append(f"Landlock version {abi}: signals are held by the call filter alone")
    return abi


def _landlock_version() -> int:
    return int(_libc.syscall(_LANDLOCK_CREATE, None, ctypes.c_size_t(0), 1))


def _python_folders() -> Iterator[str]:
    for prefix in (sys.base_prefix, sys.base_exec_prefix):
        yield f"{prefix}/lib"


def _allow_reading(ruleset: int, path: str) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:  # not on this machine, so there is nothing to allow
        return
    rights = _READ_FILE | _READ_DIRECTORY if os.path.isdir(path) else _READ_FILE  # noqa: PTH112  pathlib costs 8 ms here
    _checked(_libc.syscall(_LANDLOCK_ADD, ruleset, 1, struct.pack("=Qi", rights, descriptor), 0))
    os.close(descriptor)


# --- seccomp: classic BPF over struct seccomp_data (nr, arch, instruction pointer, six 64-bit arguments) -------------

_LOAD, _JUMP_EQUAL, _JUMP_AT_LEAST, _JUMP_BITS, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16
_ALLOW, _KILL, _REFUSE, _UNKNOWN = 0x7FFF0000, 0x80000000, 0x00050001, 0x00050026  # EPERM, ENOSYS

Instruction = tuple[int, int, int, int]  # code, jump if true, jump if false, operand


def _call_filter(architecture: str, own_pid: int) -> list[Instruction]:
    audit, column = _ARCHITECTURES[architecture]
    program: list[Instruction] = [
        (_LOAD, 0, 0, _ARCHITECTURE), (_JUMP_EQUAL, 1, 0, audit), (_RETURN, 0, 0, _KILL), (_LOAD, 0, 0, _NUMBER),
    ]  # fmt: skip
    if architecture == "x86_64":  # the x32 calls are the same ones under other numbers
        program += [(_JUMP_AT_LEAST, 0, 1, 0x40000000), (_RETURN, 0, 0, _REFUSE)]
    for numbers in _DENIED.values():
        number = numbers[column]
        if number is not None:
            program += [(_JUMP_EQUAL, 0, 1, number), (_RETURN, 0, 0, _REFUSE)]
    # clone3 hides its flags behind a pointer; "unknown" makes the C library fall back to clone, whose flags we see.
    program += [(_JUMP_EQUAL, 0, 1, _CLONE3[column]), (_RETURN, 0, 0, _UNKNOWN)]
    program += _if_first_argument(_CLONE[column], _JUMP_BITS, _CLONE_THREAD)
    program += _if_first_argument(_PRLIMIT[column], _JUMP_EQUAL, 0)
    for numbers_own in _OWN_PROCESS.values():
        program += _if_first_argument(numbers_own[column], _JUMP_EQUAL, own_pid)
    return [*program, (_RETURN, 0, 0, _ALLOW)]


def _if_first_argument(number: int, comparison: int, operand: int) -> list[Instruction]:
    """Allow call `number` where its first argument (low half) passes the comparison, refuse it otherwise."""
    return [
        (_JUMP_EQUAL, 0, 4, number), (_LOAD, 0, 0, _FIRST_ARGUMENT),
        (comparison, 0, 1, operand), (_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _REFUSE),
    ]  # fmt: skip


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def _filter_calls(gaps: list[str]) -> bool:
    architecture = platform.machine()
    if architecture not in _ARCHITECTURES:
        gaps.append(f"no call filter for {architecture}")
        return False
    program = _call_filter(architecture, os.getpid())
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    # Mode 2: SECCOMP_MODE_FILTER.
    if _libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(_Program(len(program), packed)), 0, 0) != 0:
        gaps.append(f"no call filter: {os.strerror(ctypes.get_errno())}")
        return False
    return True


def _prctl(option: int, argument: int) -> None:
    unsigned = ctypes.c_ulong
    _checked(_libc.prctl(option, unsigned(argument), unsigned(0), unsigned(0), unsigned(0)))


def _checked(result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return result
