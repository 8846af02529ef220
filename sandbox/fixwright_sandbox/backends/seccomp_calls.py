"""System calls by number, and which of them no run needs."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from dataclasses import dataclass

NEWEST = 466
"""The last number of Linux 6.13. From 424 on all architectures count alike."""

REFUSED: Mapping[int, tuple[str, ...]] = {
    errno.EPERM: (
        # File systems, and what is mounted where
        *("mount", "umount2", "pivot_root", "chroot", "move_mount", "open_tree", "mount_setattr"),
        *("fsopen", "fsconfig", "fsmount", "fspick", "swapon", "swapoff", "quotactl"),
        *("quotactl_fd", "name_to_handle_at", "open_by_handle_at", "fanotify_init"),
        # Namespaces
        *("unshare", "setns", "sethostname", "setdomainname"),
        # Keys, which no namespace holds apart
        *("add_key", "request_key", "keyctl"),
        # Large parts of the kernel that break often
        *("bpf", "perf_event_open", "userfaultfd", "modify_ldt"),
        # Other processes' memory and files
        *("ptrace", "process_vm_readv", "process_vm_writev", "process_madvise", "pidfd_getfd"),
        *("kcmp", "move_pages", "migrate_pages"),
        # The machine
        *("kexec_load", "kexec_file_load", "init_module", "finit_module", "delete_module"),
        *("reboot", "acct", "syslog", "vhangup", "iopl", "ioperm", "settimeofday"),
        *("clock_settime", "adjtimex", "clock_adjtime"),
    ),
    errno.ENOSYS: (
        # Calls without system calls: programs then make them one by one
        *("io_uring_setup", "io_uring_enter", "io_uring_register"),
        # Memory that no process need have mapped, so that none is seen to use it
        *("memfd_create", "memfd_secret"),
        # Of kernels long gone
        *("uselib", "nfsservctl", "sysfs", "ustat", "lookup_dcookie", "_sysctl"),
    ),
    # What a file carries beside its content would stay for the next run; few file systems in
    # memory knew it before Linux 6.6, so programs are used to this answer.
    errno.EOPNOTSUPP: ("setxattr", "lsetxattr", "fsetxattr", "setxattrat"),
}
"""Names by the error that answers them."""

_SHARED = {
    "open_tree": 428,
    "move_mount": 429,
    "fsopen": 430,
    "fsconfig": 431,
    "fsmount": 432,
    "fspick": 433,
    "clone3": 435,
    "pidfd_getfd": 438,
    "process_madvise": 440,
    "mount_setattr": 442,
    "quotactl_fd": 443,
    "memfd_secret": 447,
    "setxattrat": 463,
    "io_uring_setup": 425,
    "io_uring_enter": 426,
    "io_uring_register": 427,
}


@dataclass(frozen=True)
class Architecture:
    """How a processor's system calls look to a filter.

    Attributes:
        abi: the value of AUDIT_ARCH_… in linux/audit.h.
        calls: numbers by name.
    """

    abi: int
    calls: Mapping[str, int]


def architecture(machine: str) -> Architecture | None:
    """What `platform.machine()` names, or None."""
    return _ARCHITECTURES.get(machine)


_X86_64 = {
    "ioctl": 16,
    "socket": 41,
    "clone": 56,
    "ptrace": 101,
    "syslog": 103,
    "uselib": 134,
    "personality": 135,
    "ustat": 136,
    "sysfs": 139,
    "vhangup": 153,
    "modify_ldt": 154,
    "pivot_root": 155,
    "_sysctl": 156,
    "adjtimex": 159,
    "chroot": 161,
    "acct": 163,
    "settimeofday": 164,
    "mount": 165,
    "umount2": 166,
    "swapon": 167,
    "swapoff": 168,
    "reboot": 169,
    "sethostname": 170,
    "setdomainname": 171,
    "iopl": 172,
    "ioperm": 173,
    "init_module": 175,
    "delete_module": 176,
    "quotactl": 179,
    "nfsservctl": 180,
    "setxattr": 188,
    "lsetxattr": 189,
    "fsetxattr": 190,
    "lookup_dcookie": 212,
    "clock_settime": 227,
    "kexec_load": 246,
    "add_key": 248,
    "request_key": 249,
    "keyctl": 250,
    "migrate_pages": 256,
    "unshare": 272,
    "move_pages": 279,
    "perf_event_open": 298,
    "fanotify_init": 300,
    "name_to_handle_at": 303,
    "open_by_handle_at": 304,
    "clock_adjtime": 305,
    "setns": 308,
    "process_vm_readv": 310,
    "process_vm_writev": 311,
    "kcmp": 312,
    "finit_module": 313,
    "memfd_create": 319,
    "kexec_file_load": 320,
    "bpf": 321,
    "userfaultfd": 323,
}

_AARCH64 = {
    "setxattr": 5,
    "lsetxattr": 6,
    "fsetxattr": 7,
    "lookup_dcookie": 18,
    "ioctl": 29,
    "umount2": 39,
    "mount": 40,
    "pivot_root": 41,
    "nfsservctl": 42,
    "chroot": 51,
    "vhangup": 58,
    "quotactl": 60,
    "acct": 89,
    "personality": 92,
    "unshare": 97,
    "kexec_load": 104,
    "init_module": 105,
    "delete_module": 106,
    "clock_settime": 112,
    "syslog": 116,
    "ptrace": 117,
    "reboot": 142,
    "sethostname": 161,
    "setdomainname": 162,
    "settimeofday": 170,
    "adjtimex": 171,
    "socket": 198,
    "add_key": 217,
    "request_key": 218,
    "keyctl": 219,
    "clone": 220,
    "swapon": 224,
    "swapoff": 225,
    "migrate_pages": 238,
    "move_pages": 239,
    "perf_event_open": 241,
    "fanotify_init": 262,
    "name_to_handle_at": 264,
    "open_by_handle_at": 265,
    "clock_adjtime": 266,
    "setns": 268,
    "process_vm_readv": 270,
    "process_vm_writev": 271,
    "kcmp": 272,
    "finit_module": 273,
    "memfd_create": 279,
    "bpf": 280,
    "userfaultfd": 282,
    "kexec_file_load": 294,
}

_ARCHITECTURES = {
    "x86_64": Architecture(0xC000003E, {**_SHARED, **_X86_64}),
    "aarch64": Architecture(0xC00000B7, {**_SHARED, **_AARCH64}),
}
