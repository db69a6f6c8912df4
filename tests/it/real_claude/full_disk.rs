//! The disk is full in the middle of the real agent's turn, and free again.

use std::fs;

use crate::support::daemon::wait_until;
use crate::support::disk::{SmallDisk, in_own_mounts};

use super::ClaudeHarness;

#[test]
fn what_it_asks_on_a_full_disk_is_asked_once_there_is_room() {
    if !in_own_mounts(
        "real_claude::full_disk::what_it_asks_on_a_full_disk_is_asked_once_there_is_room",
    ) {
        return;
    }
    let mut rig = ClaudeHarness::start();
    assert!(rig.daemon.stop().success());
    let disk = SmallDisk::mount(&rig.daemon.state());
    rig.daemon.launch(&[]);
    let waits = "while [ ! -e go ]; do sleep 0.05; done; head -c 20000 /dev/zero | tr '\\\\0' x";
    let id = rig.launch(&format!(
        "TOOL Bash {{\"command\": \"{waits}\"}}\nTOOL Bash {{\"command\": \"echo ran >> ran\"}}\nTEXT done"
    ));
    let first = rig.daemon.until_pending(&id);
    rig.daemon.approve(&first);
    wait_until("the decision is delivered", || {
        rig.daemon.pending(&id).is_empty().then_some(())
    });
    disk.fill();
    fs::write(rig.daemon.work().join("go"), "").unwrap();
    wait_until("the model has asked for the second call", || {
        rig.model.heard().contains("echo ran").then_some(())
    });
    wait_until("the disk is said to be full", || {
        disk.fill();
        let health = rig.daemon.call("health", serde_json::json!({}));
        health["problem"]
            .as_str()
            .is_some_and(|problem| problem.contains("disk"))
            .then_some(())
    });
    assert!(rig.daemon.pending(&id).is_empty());
    disk.free();
    let second = rig.daemon.until_pending(&id);
    assert!(second["tool_input"].to_string().contains("echo ran"));
    rig.daemon.approve(&second);
    rig.until_result(&id, "done");
    assert_eq!(rig.lines("ran"), ["ran"]);
    assert_eq!(rig.pieces(&id, "tool_call").len(), 2);
    assert_eq!(rig.pieces(&id, "tool_result").len(), 2);
}
