//! Runners whose socket is taken away, and sessions whose files say what is not so.

use serde_json::json;

use crate::support::daemon::{Daemon, wait_until};

#[test]
fn a_runner_whose_socket_is_deleted_or_replaced_binds_it_again() {
    let mut daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    daemon.kill();
    let socket = daemon.session_dir(&session).join("s");
    for round in 0..3 {
        let before = std::os::unix::fs::MetadataExt::ino(&std::fs::metadata(&socket).unwrap());
        if round == 1 {
            let other = socket.with_extension("other");
            std::fs::write(&other, "").unwrap();
            std::fs::rename(other, &socket).unwrap();
        } else {
            std::fs::remove_file(&socket).unwrap();
        }
        wait_until("it is bound again", || {
            use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
            let found = std::fs::metadata(&socket).ok()?;
            (found.file_type().is_socket() && found.ino() != before).then_some(())
        });
    }
    daemon.launch(&[]);
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    assert!(daemon.work().join("made").exists());
}

#[test]
fn a_report_of_an_end_that_somebody_else_wrote_ends_no_session_that_goes_on() {
    let mut daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    daemon.kill();
    let report = json!({"format": 1, "code": 0, "signal": null, "at": "2026-01-01T00:00:00Z", "stderr_tail": ""});
    let dir = daemon.session_dir(&session);
    std::fs::write(dir.join("exit.json"), report.to_string()).unwrap();
    let _ = std::fs::remove_file(dir.join("s"));
    daemon.launch(&[]);
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    daemon.call("endSession", json!({"session_id": session}));
    daemon.until_over(&session);
    let alarms = daemon.call("listAlarms", json!({}))["alarms"].clone();
    assert_eq!(alarms, json!([]));
}
