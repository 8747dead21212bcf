"""What a control group leaves of a machine."""

from __future__ import annotations

import os

import pytest

from logoingest.experiments.machine.limits import count_memory_kills, find_spare_cores, read_cpu_times, read_limits


@pytest.fixture
def write(tmp_path):
    def put(name, text):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    put("proc/meminfo", "MemTotal: 64000000 kB\nMemAvailable: 32000000 kB\n")
    return put


def test_version_two_the_tightest_group_above_counts(write, tmp_path):
    """A quota of half a core on the parent, memory on the group itself; cached files count as free."""
    write("proc/self/cgroup", "0::/user/job\n")
    write("sys/fs/cgroup/user/cpu.max", "50000 100000\n")
    write("sys/fs/cgroup/user/job/cpu.max", "max 100000\n")
    write("sys/fs/cgroup/user/job/memory.max", "2000000000\n")
    write("sys/fs/cgroup/user/job/memory.current", "1500000000\n")
    write("sys/fs/cgroup/user/job/memory.stat", "anon 1\ninactive_file 300000000\n")
    limits = read_limits(tmp_path)
    assert limits.cores == 0.5
    assert limits.memory_mb == 800.0


def test_version_one_and_a_container_that_sees_itself_as_the_root(write, tmp_path):
    """The path in /proc is the host's: the mounted top counts."""
    write("proc/self/cgroup", "4:memory:/docker/abc\n3:cpu,cpuacct:/docker/abc\n")
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us", "150000\n")
    write("sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us", "100000\n")
    write("sys/fs/cgroup/memory/memory.limit_in_bytes", "1000000000\n")
    write("sys/fs/cgroup/memory/memory.usage_in_bytes", "400000000\n")
    limits = read_limits(tmp_path)
    assert limits.cores <= 1.5
    assert limits.memory_mb == 600.0


def test_without_limits_it_is_the_machine(write, tmp_path):
    """No group, or one that says max."""
    write("proc/self/cgroup", "0::/\n")
    write("sys/fs/cgroup/memory.max", "max\n")
    assert read_limits(tmp_path).memory_mb == 32_768.0
    assert read_limits(tmp_path / "nothing").memory_mb == float("inf")


def test_processes_that_the_kernel_ended_are_counted(write, tmp_path):
    """By the group's own events."""
    write("proc/self/cgroup", "0::/\n")
    write("sys/fs/cgroup/memory.events", "low 0\noom 3\noom_kill 2\n")
    assert count_memory_kills(tmp_path) == 2
    assert count_memory_kills(tmp_path / "nothing") == 0


def test_what_load_leaves_is_what_was_idle_and_what_the_quota_still_allows(write, tmp_path, monkeypatch):
    """Two cores that were idle for half of a second each; a group of 1.5 cores that has used 1.2 of them."""
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 2})
    tick = os.sysconf("SC_CLK_TCK")

    def read(at, idle, used):
        write("proc/stat", f"cpu 0 0 0 0 0\ncpu0 9 0 9 {idle} 0 0\ncpu1 9 0 9 {50 * idle} 0 0\ncpu2 9 0 9 0 {idle} 0\nintr 1\n")
        write("sys/fs/cgroup/job/cpu.stat", f"usage_usec {used}\nuser_usec 1\n")
        return read_cpu_times(tmp_path)._replace(at=at)

    write("proc/self/cgroup", "0::/job\n")
    before, after = read(10.0, 1000 * tick, 5_000_000), read(11.0, 1000 * tick + tick // 2, 6_200_000)
    assert find_spare_cores(before, after, tmp_path) == pytest.approx(1.0)
    write("sys/fs/cgroup/job/cpu.max", "150000 100000\n")
    before, after = read(10.0, 1000 * tick, 5_000_000), read(11.0, 1000 * tick + tick // 2, 6_200_000)
    assert find_spare_cores(before, after, tmp_path) == pytest.approx(0.3)
    assert find_spare_cores(read_cpu_times(tmp_path / "nothing"), read_cpu_times(tmp_path / "nothing")) == float("inf")
