"""The list of what code may try, and which test shows that it gets nowhere.

Each of those tests holds, on every backend that isolates, that the host is unharmed, that the next
run is clean, and that the user is told what happened.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LIST = {
    "fork bomb": "limits: fork_bomb",
    "threads bomb": "limits: too_many_threads",
    "memory balloon": "limits: memory_taken_bit_by_bit",
    "memory of many processes": "limits: memory_of_many_processes",
    "tmpfs or workspace filled": "limits: disk",
    "inodes exhausted": "abuse_runs: files_without_content_are_counted",
    "endless output": "limits: output_of_a_gigabyte",
    "both streams flooded": "limits: both_streams_flooded_together",
    "infinite loop": "limits: time",
    "SIGSTOP of itself": "limits: a_run_that_stops_itself_is_ended",
    "double-forked daemon, setsid": "isolation: a_daemon_is_gone_before_the_next_run",
    "nohup, timers": "abuse_runs: what_was_told_to_outlive_does_not",
    "runner killed, traced, its memory": "isolation: the_runner_is_out_of_reach",
    "runner's descriptors": "runs: descriptors_of_the_runner_stay_with_it",
    "runner's secrets": "abuse_runs: the_runner_keeps_its_secrets",
    "forged frames": "isolation: forged_frames_are_output",
    "forged reports": "isolation: forged_reports_do_no_harm",
    "flood of reports": "isolation: a_flood_of_reports_is_bounded",
    "runner taken over": "abuse_host: nonsense_replaces_the_environment",
    "paths out of the tree": "abuse_host: no_path_leads_out_of_the_tree",
    "symlink or hard link out": "abuse_runs: what_lies_outside_can_not_be_taken_in",
    "write through a mapping": "changes: writing_through_a_mapping_is_put_back",
    "write by another name": "witness: what_a_run_wrote_is_seen_however_it_did",
    "FIFO, socket, device": "changes: special_files_are_named_and_removed",
    "odd file names": "changes: names_that_no_editor_has",
    "rights taken away": "changes: rights_taken_away_do_not_keep_anything",
    "control sequences, bidi": "abuse_runs: output_is_bytes_and_nothing_else",
    "/proc and /sys": "isolation: kernel_settings_can_not_be_written",
    "network, host's loopback": "isolation: there_is_no_network",
    "datagrams, broadcast": "abuse_runs: no_datagram_gets_out",
    "setuid": "abuse_runs: programs_that_give_rights_give_none",
    "mount, bpf, keyctl, modules": "abuse_calls: what_no_run_needs_is_refused",
    "unshare, user namespaces": "abuse_calls: new_namespaces_are_refused",
    "other interfaces of the kernel": "abuse_calls: other_interfaces_to_the_kernel_end_the_run",
    "read-only root": "isolation: only_its_own_folders_can_be_written",
    "engine's socket, user's files": "isolation: nothing_of_the_user_can_be_seen",
    "clock": "abuse_runs: the_clock_can_not_be_set",
    "/dev/shm": "changes: nothing_is_left_in_the_other_folders",
    "System V": "isolation: shared_memory_of_system_v_does_not_stay",
    "POSIX queues": "abuse_runs: message_queues_do_not_stay",
    "zip and tar bombs": "abuse_runs: archives_are_only_bytes",
    "100,000 files": "abuse_runs: a_hundred_thousand_files",
    "sparse terabyte": "abuse_runs: a_sparse_file_of_a_terabyte",
    "traceback rewritten": "abuse_runs: a_traceback_that_lies_is_only_output",
    "atexit, settrace, _exit": "abuse_runs: an_interpreter_that_is_spoilt_is_the_run_s_own",
    "sitecustomize, conftest": "abuse_runs: a_workspace_that_spoils_the_start",
    "LD_PRELOAD": "abuse_runs: a_library_forced_on_programs_does_not_reach_the_runner",
    "engine paused": "abuse_runs: a_container_that_is_paused_meets_its_time_limit",
    "engine gone": "faults: the_engine_goes_in_the_middle_of_a_run",
    "two runs at once": "runs: two_at_once_do_not_see_each_other",
    "build script": "abuse_languages: a_build_script_can_not_poison_the_cache",
    "cache poisoned": "abuse_languages: a_program_can_not_poison_what_is_built_next",
    "annotation processor": "abuse_languages: an_annotation_processor_can_not_poison_the_cache",
    "compile bombs": "abuse_languages: a_bomb_for_the_compiler_meets_a_limit",
    "heap of a VM": "abuse_languages: the_end_of_memory_is_told",
    "driver killed": "abuse_languages: a_program_that_kills_its_driver_fails",
    "go:generate": "abuse_languages: go_generate_is_not_run",
    "storm of runs": "storm: a_storm_leaves_nothing",
}


@pytest.mark.parametrize("case", LIST)
def test_there_is_a_test_for_each(case: str) -> None:
    file, name = LIST[case].split(": ")
    text = (HERE / f"test_sandbox_{file}.py").read_text(encoding="utf-8")
    assert re.search(rf"^(async )?def test_{name}\(", text, re.MULTILINE), LIST[case]
