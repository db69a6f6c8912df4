//! A daemon that is there and answers nobody.

use std::time::{Duration, Instant};

use rustix::process::Signal;

use super::{signal, verb};
use crate::support::daemon::Daemon;

#[test]
fn every_verb_says_within_five_seconds_that_the_daemon_does_not_answer() {
    let mut daemon = Daemon::unprivileged();
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    signal(daemon.pid(), Signal::STOP);
    let id = asked["id"].as_str().unwrap();
    for arguments in [
        vec!["daemon", "status"],
        vec!["approvals"],
        vec!["sessions"],
        vec!["end", &session],
        vec!["approve", id],
    ] {
        let begun = Instant::now();
        let output = daemon.command().args(&arguments).output().unwrap();
        // Some of it is the start of the program on a slow machine.
        assert!(begun.elapsed() < Duration::from_secs(8), "{arguments:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(!output.status.success(), "{arguments:?}");
        assert!(told.contains("does not answer"), "{arguments:?}: {told}");
        assert!(
            told.contains("humanlayer daemon restart"),
            "{arguments:?}: {told}"
        );
    }
    let doctor = daemon.command().arg("doctor").output().unwrap();
    let told = String::from_utf8(doctor.stdout).unwrap();
    assert!(told.contains("does not answer"), "{told}");
    // A stopped daemon can be stopped, and nothing of what was given up is carried out by the next one.
    verb(&daemon, &["daemon", "stop"]);
    daemon.wait();
    daemon.launch(&[]);
    assert_eq!(daemon.pending(&session).len(), 1);
    assert!(!daemon.work().join("made").exists());
}
