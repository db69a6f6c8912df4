//! A disk that takes nothing more, and a database that may not be written.
//!
//! The disk is filled by a limit on the size of files, set on the running daemon: it works for
//! every user and on every file system. Writing past it fails like writing to a full disk does.
#![allow(clippy::print_stderr, reason = "a test that cannot do all says so")]

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use super::final_state::Agent;
use super::harness::FaultHarness;
use crate::support::daemon::wait_until;

/// Sets how large the files of a process may become, as a shell's `ulimit -f` would.
fn limit(pid: u32, bytes: &str) {
    let done = Command::new("prlimit")
        .args(["--pid", &pid.to_string(), &format!("--fsize={bytes}:")])
        .status()
        .expect("prlimit (util-linux) is there");
    assert!(done.success());
}

fn health(rig: &FaultHarness) -> Value {
    rig.daemon.call("health", json!({}))
}

/// A small file system of its own in the daemon's state directory; unmounted with the test.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// None where this user may not mount.
    fn mount(at: &Path) -> Option<Self> {
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m,mode=0700", "tmpfs"])
            .arg(at)
            .status()
            .is_ok_and(|status| status.success());
        mounted.then(|| Self(at.to_owned()))
    }

    fn fill(&self) {
        let mut filler = fs::File::create(self.0.join("filler")).unwrap();
        while filler.write(&[0; 4096]).is_ok() {}
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: processes of the test may still have files there.
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_is_really_full_is_told_and_nothing_is_lost() {
    let mut rig = FaultHarness::new(&[]);
    let Some(disk) = SmallDisk::mount(&rig.daemon.state()) else {
        eprintln!("may not mount here; the limit on file sizes stands in, in the other tests");
        return;
    };
    rig.daemon.launch(&[]);
    let params = json!({"query": "TEXT hello", "working_dir": rig.daemon.work()});
    let first = rig.daemon.call("launchSession", params)["session_id"].clone();
    let id = first.as_str().unwrap();
    rig.daemon.until_status(id, "completed");
    disk.fill();
    let mut client = rig.daemon.connect();
    let title = json!({"session_id": id, "title": "x".repeat(900)});
    let error = wait_until("a write fails", || {
        client
            .ask("updateSessionTitle", title.clone())
            .get("error")
            .cloned()
    });
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
    wait_until("the daemon says that it is not well", || {
        (health(&rig)["status"] == "degraded").then_some(())
    });
    let said = rig.daemon.conversation(id);
    fs::remove_file(disk.0.join("filler")).unwrap();
    wait_until("the daemon is well again", || {
        (health(&rig)["status"] == "ok").then_some(())
    });
    client.call(
        "updateSessionTitle",
        json!({"session_id": id, "title": "again"}),
    );
    rig.daemon.kill_and_restart();
    assert_eq!(rig.daemon.session(id)["title"], "again");
    assert_eq!(rig.daemon.conversation(id), said);
    rig.daemon.call("endSession", json!({"session_id": id}));
    rig.daemon.until_over(id);
    rig.check_database();
}

#[test]
fn a_full_disk_is_told_and_nothing_is_lost() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch(
        "TEXT hello\nTOOL Bash {\"command\": \"echo x >> one\"}\nFLOOD 1000 200\nTOOL Bash {\"command\": \"echo x >> two\"}",
    )];
    let pending = rig.daemon.until_pending(&session[0].id);
    let log = rig.daemon.database().with_extension("db-wal");
    let full = fs::metadata(&log).unwrap().len();
    limit(rig.daemon.pid(), &full.to_string());
    let mut client = rig.daemon.connect();
    let error = wait_until("a write fails", || {
        let answer = client.ask(
            "updateSessionTitle",
            json!({"session_id": session[0].id, "title": "x".repeat(900)}),
        );
        answer.get("error").cloned()
    });
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
    assert!(error["data"]["hint"].is_string(), "{error}");
    let sick = wait_until("the daemon says that it is not well", || {
        let health = health(&rig);
        (health["status"] == "degraded").then_some(health)
    });
    assert!(sick["problem"].is_string(), "{sick}");
    // A decision that cannot be stored was not made, and reading goes on.
    let error = client.fail(
        "sendDecision",
        json!({"approval_id": pending["id"], "decision": "approve"}),
    );
    assert_eq!(error["data"]["kind"], "unavailable", "{error}");
    assert_eq!(
        rig.daemon.pending(&session[0].id),
        std::slice::from_ref(&pending)
    );
    assert!(!rig.daemon.work().join("one").exists());
    let error = client.fail(
        "launchSession",
        json!({"query": "TEXT x", "working_dir": rig.daemon.work()}),
    );
    assert!(
        error["data"]["kind"] == "unavailable" || error["data"]["kind"] == "launch_failed",
        "{error}"
    );
    // Space again.
    limit(rig.daemon.pid(), "unlimited");
    wait_until("the daemon is well again", || {
        (health(&rig)["status"] == "ok").then_some(())
    });
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn what_an_agent_says_while_the_disk_is_full_is_stored_later() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch(
        "TEXT hello\nWAITFILE go\nFLOOD 3000 200\nTOOL Bash {\"command\": \"echo x >> one\"}\nTEXT done",
    )];
    rig.daemon.until_status(&session[0].id, "running");
    let log = rig.daemon.database().with_extension("db-wal");
    let full = fs::metadata(&log).unwrap().len();
    limit(rig.daemon.pid(), &full.to_string());
    fs::write(rig.daemon.work().join("go"), "").unwrap();
    wait_until("the agent asks", || {
        String::from_utf8_lossy(&rig.truth(&session[0].id))
            .contains("can_use_tool")
            .then_some(())
    });
    wait_until("the daemon cannot write", || {
        (health(&rig)["status"] == "degraded").then_some(())
    });
    assert_eq!(rig.daemon.pending(&session[0].id), [] as [Value; 0]);
    limit(rig.daemon.pid(), "unlimited");
    rig.daemon.until_pending(&session[0].id);
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_daemon_that_dies_with_a_full_disk_loses_nothing() {
    let mut rig = FaultHarness::start();
    let session = [rig.launch("TEXT hello\nWAITFILE go\nFLOOD 1000 200\nTEXT done")];
    rig.daemon.until_status(&session[0].id, "running");
    limit(rig.daemon.pid(), "0");
    fs::write(rig.daemon.work().join("go"), "").unwrap();
    wait_until("the daemon cannot write", || {
        (health(&rig)["status"] == "degraded").then_some(())
    });
    rig.kill();
    rig.play(&session, |_| {});
    rig.end_and_check(&session, "completed");
}

#[test]
fn a_database_that_may_not_be_written_is_told() {
    let mut rig = FaultHarness::start();
    let session = rig.launch("TEXT hello");
    rig.until_status(&session.id, "completed");
    rig.daemon
        .call("endSession", json!({"session_id": session.id}));
    rig.until_over(&session.id);
    rig.check(&session, "completed", Agent::Lived);
    assert!(rig.daemon.stop().success());
    let database = rig.daemon.database();
    let before = fs::read(&database).unwrap();
    // To root, a mode means nothing; a directory in the file's place means something to everybody.
    let aside = database.with_extension("aside");
    fs::rename(&database, &aside).unwrap();
    fs::create_dir(&database).unwrap();
    rig.daemon.spawn(&[]);
    assert!(!rig.daemon.wait().success());
    let said = rig.daemon.log();
    assert!(said.contains("cannot open the database"), "{said}");
    fs::remove_dir(&database).unwrap();
    fs::rename(&aside, &database).unwrap();
    assert_eq!(fs::read(&database).unwrap(), before);
    // A file that takes no byte: the daemon starts for looking, or says why it does not.
    let mut command = Command::new("sh");
    let limited = command
        .args([
            "-c",
            "trap '' XFSZ; exec prlimit --fsize=0: -- \"$0\" --headless",
        ])
        .arg(crate::support::scripted_agent::binary())
        .env("HUMANLAYER_DAEMON_SOCKET", rig.daemon.socket())
        .env("HUMANLAYER_DATABASE_PATH", &database)
        .env("HUMANLAYER_LOG_LEVEL", "error")
        .output()
        .unwrap();
    assert!(!limited.status.success());
    let said = String::from_utf8_lossy(&limited.stderr).into_owned();
    assert!(said.contains("cannot"), "{said}");
    assert_eq!(fs::read(&database).unwrap(), before);
    // And all of it is still there.
    rig.daemon.launch(&[]);
    rig.check(&session, "completed", Agent::Lived);
}
