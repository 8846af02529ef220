"""What a run can't reach, and what it can't leave behind."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from fixwright_sandbox import RunCommand
from support.sandboxes import Bench, is_of_the_interpreter

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_there_is_no_network(safe_bench: Bench) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        result = await safe_bench.run(
            "import socket\n"
            f"for address in (('127.0.0.1', {port}), ('169.254.169.254', 80), ('1.1.1.1', 53)):\n"
            "    try: socket.create_connection(address, 2)\n"
            "    except OSError as error: print(type(error).__name__)\n"
            "    else: print('connected', address)\n"
            "try: socket.getaddrinfo('example.org', 80)\n"
            "except OSError: print('no names')\n"
            "print(sorted(name for _, name in socket.if_nameindex() if name != 'lo'))\n"
        )
    lines = result.stdout.data.decode().splitlines()
    assert lines[0] == "ConnectionRefusedError"
    assert not any("connected" in line for line in lines)
    assert "no names" in lines
    assert not any("eth" in line for line in lines)


async def test_only_its_own_folders_can_be_written(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import os\n"
        "def attempt(path):\n"
        "    try:\n"
        "        with open(path, 'a') as f: f.write('x')\n"
        "    except OSError: return False\n"
        "    return True\n"
        "for root, folders, _ in os.walk('/'):\n"
        "    folders[:] = [f for f in folders if root + f not in ('/proc', '/sys')][:60]\n"
        "    if attempt(os.path.join(root, 'x')): print(root)\n"
    )
    assert result.status == "passed", result
    paths = result.stdout.data.decode().splitlines()
    written = {path for path in paths if not is_of_the_interpreter(path)}
    assert written == {"/workspace", "/tmp", "/tmp/home", "/tmp/.run", "/dev/shm"} | (
        {"/dev/mqueue"} & written  # only message queues can be made there
    )


async def test_kernel_settings_can_not_be_written(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import os\n"
        "for root, _, files in os.walk('/proc/sys'):\n"
        "    for file in files:\n"
        "        try: os.close(os.open(os.path.join(root, file), os.O_WRONLY))\n"
        "        except OSError: continue\n"
        "        print(root, file)\n"
        "for name in ('sysrq-trigger', '1/mem', '1/oom_score_adj', 'kcore'):\n"
        "    path = '/proc/' + name\n"
        "    try: os.close(os.open(path, os.O_RDWR))\n"
        "    except OSError: continue\n"
        "    print(path)\n"
    )
    assert (result.status, result.stdout.data) == ("passed", b""), result


async def test_privileges_are_gone(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        RunCommand(("grep", "-E", "^(Cap|NoNewPrivs|Uid)", "/proc/self/status"))
    )
    fields = {
        line.split(b":")[0]: line.split(b":")[1].split() for line in result.stdout.data.splitlines()
    }
    assert fields[b"Uid"] == [b"10001"] * 4
    assert fields[b"NoNewPrivs"] == [b"1"]
    for name in (b"CapInh", b"CapPrm", b"CapEff", b"CapBnd", b"CapAmb"):
        assert int(fields[name][0], 16) == 0, name
    for program in (("mount", "-t", "tmpfs", "x", "/tmp"), ("unshare", "-r", "true")):
        assert (await safe_bench.run(RunCommand(program))).status == "failed", program


async def test_nothing_of_the_user_can_be_seen(safe_bench: Bench) -> None:
    result = await safe_bench.run(
        "import glob, os\n"
        "for folder in ('/root', '/home', '/var/run', '/run', '/work'):\n"
        "    for path in glob.glob(folder + '/**', recursive=True, include_hidden=True)[:20000]:\n"
        "        if os.path.isfile(path) and 'python' not in path and '.venv' not in path:\n"
        "            print(path)\n"
    )
    assert result.status == "passed", result
    assert b"docker.sock" not in result.stdout.data
    assert b".ssh" not in result.stdout.data
    assert b".gitconfig" not in result.stdout.data


@pytest.mark.parametrize(
    "attack",
    [
        "os.kill(1, signal.SIGKILL)",
        "os.kill(1, signal.SIGSTOP)",
        "[os.kill(1, number) for number in range(1, 65) if number not in (32, 33)]",
        "os.kill(-1, signal.SIGTERM)",
        "open('/proc/1/fd/100', 'wb').write(b'x' * 100)",
        "open('/proc/1/mem', 'r+b')",
        "ctypes.CDLL(None).ptrace(16, 1, 0, 0) == -1 or print('TRACED')",
    ],
)
async def test_the_runner_is_out_of_reach(safe_bench: Bench, attack: str) -> None:
    code = f"try:\n    {attack}\nexcept OSError as e: print(e)\nprint('done')"
    code = f"import ctypes, os, signal\n{code}"
    result = await safe_bench.run(code)
    assert b"TRACED" not in result.stdout.data
    assert result.stdout.data.endswith(b"done\n"), result
    assert (await safe_bench.run("print('next')")).status == "passed"


async def test_forged_frames_are_output(bench: Bench) -> None:
    frame = b'\0\0\0\x10\0\0\0\0{"op":"done"    }'
    result = await bench.run(f"import os\nos.write(1, {frame!r})")
    assert (result.status, result.stdout.data) == ("passed", frame)


async def test_forged_reports_do_no_harm(bench: Bench) -> None:
    result = await bench.run(
        "import os\n"
        "fd = max(int(fd) for fd in os.listdir('/proc/self/fd'))\n"
        "os.write(100, b'nonsense\\n[1]\\n\\n' + b'[' * 100_000 + b'\\n{\"type\": \"mine\"}\\n')\n"
    )
    assert result.status == "passed", result
    assert result.reports == ({"type": "mine"},)


async def test_a_flood_of_reports_is_bounded(bench: Bench) -> None:
    result = await bench.run(
        "import os\nfor _ in range(300): os.write(100, b'{\"a\": \"' + b'x' * 99_990 + b'\"}\\n')"
    )
    assert result.status == "passed", result
    assert len(result.reports) == 83


async def test_a_daemon_is_gone_before_the_next_run(bench: Bench) -> None:
    result = await bench.run(
        "import os, signal, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
        "    if os.fork() == 0:\n"
        "        print(os.getpid(), flush=True)\n"
        "        for fd in range(3): os.close(fd)\n"
        "        os.chdir('/')\n"
        "        while True: time.sleep(.001)\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )
    assert result.status == "passed"
    if bench.sandbox.backend == "unconfined":
        daemon = int(result.stdout.data or b"0")
        assert not daemon or not lives(daemon)
    count = "import os; print(sum(pid.isdigit() for pid in os.listdir('/proc')))"
    if bench.sandbox.backend != "unconfined":
        assert (await bench.run(count)).stdout.data == b"2\n"  # the runner and this


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_shared_memory_of_system_v_does_not_stay(safe_bench: Bench) -> None:
    made = await safe_bench.run(
        "import ctypes\nprint(ctypes.CDLL(None).shmget(77, 4096, 0o1666))\n"
        "open('/dev/shm/left', 'w').close()"
    )
    assert made.status == "passed"
    left = await safe_bench.run(
        "import ctypes, os\nprint(ctypes.CDLL(None).shmget(77, 0, 0), os.listdir('/dev/shm'))"
    )
    assert left.stdout.data == b"-1 []\n"
