//! Callers that the daemon cannot look at, because they run outside of its PID namespace, and programs that run
//! without `/proc`: what is the matter is said, and nobody is taken for a person.

use serde_json::Value;

use crate::support::cli::{Cli, Running, finish};
use crate::support::daemon::wait_until;
use crate::support::scripted_agent::binary;

/// Makes namespaces; whoever is not root needs one of users for that.
fn unshare(options: &[&str]) -> Vec<String> {
    let mut words = vec!["--fork", "--kill-child"];
    if !rustix::process::geteuid().is_root() {
        words.extend(["--user", "--map-root-user"]);
    }
    words.extend(options);
    words.into_iter().map(str::to_owned).collect()
}

#[test]
fn who_is_outside_of_the_daemons_namespace_is_told_so_and_decides_nothing() {
    let cli = Cli::new();
    let mut words = unshare(&["--pid", "--mount-proc"]);
    words.extend([binary(), "--headless"].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let daemon = Running::start(cli.dressed("unshare", &words));
    wait_until("the daemon serves", || {
        let status = cli.run(&["daemon", "status"]);
        (status.code == 0).then_some(())
    });
    let id = cli.launch(r#"TOOL Bash {"command": "touch made"}"#);
    let approval = cli.until_pending(&id)["id"].as_str().unwrap().to_owned();
    let said = cli.run(&["approve", &approval, "--json"]);
    let error: Value = serde_json::from_str(&said.stderr).unwrap();
    assert_eq!(error["kind"], "forbidden", "{said:?}");
    let told = error["error"].as_str().unwrap();
    assert!(
        told.contains("outside of the daemon's PID namespace"),
        "{told}"
    );
    let hint = error["hint"].as_str().unwrap();
    assert!(hint.contains("where the daemon runs"), "{hint}");
    assert!(!hint.contains("places add"), "{hint}");
    assert_eq!(cli.json(&["approvals", "--json"])[0]["outcome"], "pending");
    let findings = cli.json(&["doctor", "--json"]);
    let findings = findings.as_array().unwrap();
    let found = findings
        .iter()
        .find(|one| one["check"] == "decisions")
        .unwrap();
    assert_eq!(found["level"], "warn");
    let message = found["message"].as_str().unwrap();
    assert!(message.contains("PID namespace"), "{message}");
    // Its agents go with the namespace.
    drop(daemon);
}

#[test]
fn without_proc_the_doctor_says_that_and_blames_nothing_else() {
    let cli = Cli::new();
    let line = format!(
        "mount -t tmpfs none /proc && exec '{}' doctor --json",
        binary()
    );
    let mut words = unshare(&["--mount"]);
    words.extend(["sh", "-c", &line].map(str::to_owned));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let said = finish(cli.dressed("unshare", &words), "");
    assert_eq!(said.code, 1, "{said:?}");
    let findings: Value = serde_json::from_str(&said.stdout).unwrap();
    let failed: Vec<&Value> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["level"] == "fail")
        .collect();
    assert_eq!(failed.len(), 1, "{findings}");
    assert_eq!(failed[0]["check"], "proc");
    let next = failed[0]["next"].as_str().unwrap();
    assert!(next.contains("mount -t proc"), "{next}");
}
