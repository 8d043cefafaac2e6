"""Each attack of `attacks.py` succeeds in an ordinary process, and none in a confined one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from scaffold.base.confine import Open, Serve
from scaffold.base.confine._system import machine

pytestmark = pytest.mark.skipif(machine() is None, reason="Linux on x86_64 and aarch64 can confine")
RunAttacks = Callable[..., Any]  # of conftest.py

PRETENDED = {
    "change_the_mode_outside",
    "change_the_mode_of_an_open_file",
    "change_the_times_outside",
    "pin_another_to_one_core",
}
"""Calls that succeed and change nothing."""
OF_SOME_MACHINES = {
    "call_as_a_32_bit_program",
    "call_as_an_x32_program",
    "copy_the_memory_of_another",
    "make_a_device",
    "make_a_namespace",
    "mount",
    "raise_the_limits",
    "read_the_file_with_passwords",
    "read_the_memory_of_another",
    "set_up_io_uring",
    "trace_another",
    "connect_by_fast_open",
    "type_into_the_terminal",
    "clone3_a_process",
    "run_with_posix_spawn",
}
"""Attacks that an ordinary process may not make on some machines: rights of root, settings of the kernel."""
OF_OPEN_NETWORK = {
    "connect_by_tcp",
    "send_by_udp",
    "listen",
    "ask_the_kernel_for_interfaces",
}


def test_every_attack_succeeds_without_confinement(run_attacks: RunAttacks) -> None:
    outcome = run_attacks(confined=None)
    assert set(outcome.results) - outcome.succeeded <= OF_SOME_MACHINES, outcome
    assert not outcome.nothing_changed


@pytest.mark.parametrize("network", [{}, {"network": Serve(port=1)}], ids=["closed", "serve"])
def test_no_attack_succeeds_in_a_confined_process(run_attacks: RunAttacks, network: dict[str, Any]) -> None:
    outcome = run_attacks(confined=network)
    assert not outcome.succeeded
    assert outcome.nothing_changed
    silent = {name for name, result in outcome.results.items() if result == "no effect"}
    assert silent <= PRETENDED | {"run_with_system", "run_with_popen_of_c"}  # these say so by an exit status


def test_an_open_network_opens_nothing_else(run_attacks: RunAttacks) -> None:
    outcome = run_attacks(confined={"network": Open()})
    assert outcome.succeeded - {"connect_by_fast_open"} == OF_OPEN_NETWORK
    assert outcome.nothing_changed


@pytest.mark.parametrize("version", [1, 2, 3, 4, 5, 6])
def test_no_attack_succeeds_with_an_older_landlock(run_attacks: RunAttacks, version: int) -> None:
    """The filter of system calls covers what older versions of Landlock do not."""
    outcome = run_attacks(f"with_old_landlock({version})", confined={})
    assert not outcome.succeeded
    assert outcome.nothing_changed


def test_landlock_alone_protects_files_programs_and_ports(run_attacks: RunAttacks) -> None:
    """Each wall works alone; `Enforced.missing` reports what the missing one would have prevented."""
    outcome = run_attacks("without_filter()", confined={})
    about_files = (
        "append",
        "delete",
        "list_",
        "make_a_folder",
        "move",
        "read",
        "rename",
        "run_",
        "truncate",
        "write",
    )
    assert not {name for name in outcome.succeeded if name.startswith(about_files)}
    assert not outcome.succeeded & {"connect_by_tcp", "connect_to_an_abstract_socket", "signal_the_parent"}
    assert {"fork", "send_by_udp", "change_the_mode_outside"} <= outcome.succeeded


def test_seccomp_alone_protects_programs_processes_and_the_network(run_attacks: RunAttacks) -> None:
    outcome = run_attacks("without_landlock()", confined={})
    about_files = ("append", "delete", "link_", "list_", "make_a_folder", "move", "read_", "rename", "write")
    assert {name for name in outcome.succeeded if not name.startswith(about_files)} == set()
    assert {"read_a_secret", "write_outside"} <= outcome.succeeded
