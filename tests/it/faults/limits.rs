//! Limits of the system: open files, processes, memory.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::harness::FaultHarness;
use crate::support::daemon::wait_until;
use crate::support::disk::in_own_mounts;

#[test]
fn sessions_never_take_the_files_that_clients_need() {
    let mut rig = FaultHarness::start();
    let pid = rig.daemon.pid().to_string();
    let limited = Command::new("prlimit")
        .args(["--pid", &pid, "--nofile=128:128"])
        .status()
        .unwrap();
    assert!(limited.success());
    let mut launched = Vec::new();
    let mut client = rig.daemon.connect();
    let refused = wait_until("a launch is refused", || {
        assert!(launched.len() < 40, "{} were launched", launched.len());
        let query = json!({"query": "TEXT hello", "working_dir": rig.daemon.work()});
        let answer = client.ask("launchSession", query);
        match answer["result"]["session_id"].as_str() {
            Some(id) => {
                let id = id.to_owned();
                rig.daemon.until_status(&id, "completed");
                launched.push(id);
                None
            }
            None => Some(answer["error"].clone()),
        }
    });
    assert!(launched.len() >= 4, "{launched:?}: {refused}");
    assert_eq!(refused["data"]["kind"], "unavailable", "{refused}");
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("of at most 128 files open"), "{message}");
    // Whoever comes gets in, many at a time, and sees and ends.
    let mut clients: Vec<_> = (0..10).map(|_| rig.daemon.connect()).collect();
    for client in &mut clients {
        assert_eq!(client.call("health", json!({}))["open_files"]["limit"], 128);
    }
    let doctor = rig.daemon.command().args(["doctor", "--json"]).output();
    let findings: Value = serde_json::from_slice(&doctor.unwrap().stdout).unwrap();
    let limits = findings.as_array().unwrap();
    let limits = limits.iter().find(|one| one["check"] == "limits").unwrap();
    assert_eq!(limits["level"], "warn", "{limits}");
    drop(clients);
    let last = launched.pop().unwrap();
    for id in [&last, &launched[0], &launched[1]] {
        rig.daemon.call("endSession", json!({"session_id": id}));
        rig.daemon.until_over(id);
    }
    wait_until("there is room again", || {
        let query = json!({"query": "TEXT hello", "working_dir": rig.daemon.work()});
        client.ask("launchSession", query).get("result").cloned()
    });
    assert!(rig.daemon.stop().success());
}

#[test]
fn an_agent_that_the_kernel_kills_for_want_of_memory_is_said_to_be() {
    if !in_own_mounts(
        "faults::limits::an_agent_that_the_kernel_kills_for_want_of_memory_is_said_to_be",
    ) {
        return;
    }
    // What the kernel counts stands in a file of this test's, for every program of these mounts.
    let mut rig = FaultHarness::new(&[]);
    let counts = rig.daemon.root().join("vmstat");
    fs::write(&counts, "pgfault 7\noom_kill 3\n").unwrap();
    let run = |arguments: &[&str]| {
        assert!(
            Command::new("mount")
                .args(arguments)
                .status()
                .unwrap()
                .success()
        );
    };
    run(&["-t", "tmpfs", "tmpfs", "/sys/fs/cgroup"]);
    run(&["--bind", &counts.display().to_string(), "/proc/vmstat"]);
    rig.daemon.launch(&[]);
    let error = |rig: &mut FaultHarness, words: &str| {
        let session = rig.launch(&format!("TEXT {words}\nWAITFILE {words}\nKILLSELF"));
        rig.until_status(&session.id, "running");
        wait_until("it has spoken", || {
            String::from_utf8_lossy(&rig.truth(&session.id))
                .contains("\"text\":")
                .then_some(())
        });
        if words == "memory" {
            fs::write(&counts, "pgfault 9\noom_kill 4\n").unwrap();
        }
        fs::write(rig.daemon.work().join(words), "").unwrap();
        let ended = rig.daemon.until_over(&session.id);
        ended["error_message"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    };
    let said = error(&mut rig, "plain");
    assert!(said.contains("killed by signal 9 during a turn"), "{said}");
    let said = error(&mut rig, "memory");
    assert!(
        said.contains("killed by signal 9, probably by the kernel for want of memory"),
        "{said}"
    );
}
