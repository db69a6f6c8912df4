//! What becomes of a waiting call: signs of life, cancelling, deaths on either side.

use rstest::rstest;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::{all, approvals, server, until_outcome, until_pending};
use crate::support::cli::{Cli, signal};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::mcp::{Mcp, bash};

#[test]
fn a_waiting_call_gives_signs_of_life() {
    let daemon = Daemon::start();
    let mut mcp = server(&daemon, &["claude_approvals", "--keepalive", "1"]);
    let call = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    mcp.until("several signs", |line| {
        line["method"] == "notifications/progress"
            && line["params"]["progress"].as_f64() >= Some(4.0)
    });
    daemon.approve(&asked);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
    let signs: Vec<Value> = mcp
        .said()
        .into_iter()
        .filter(|line| line["method"] == "notifications/progress")
        .map(|line| line["params"].clone())
        .collect();
    assert!(signs.iter().all(|sign| sign["progressToken"] == call));
    let counts: Vec<f64> = signs
        .iter()
        .map(|sign| sign["progress"].as_f64().unwrap())
        .collect();
    assert!(
        counts.windows(2).all(|pair| pair[0] < pair[1]),
        "{counts:?}"
    );
    let short = &asked["id"].as_str().unwrap()["local-".len()..][..8];
    let last = signs.last().unwrap()["message"].as_str().unwrap();
    assert!(last.contains(short), "{last}");
}

#[test]
fn a_client_without_a_progress_token_is_pinged() {
    let daemon = Daemon::start();
    let mut mcp = server(&daemon, &["claude_approvals", "--keepalive", "1"]);
    let params = json!({"name": "request_permission", "arguments": bash("make", "t")});
    let call = mcp.request("tools/call", params);
    let asked = until_pending(&daemon, 1).remove(0);
    // It need not even answer them.
    for _ in 0..2 {
        mcp.until("a ping", |line| line["method"] == "ping");
    }
    daemon.approve(&asked);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
    assert!(
        mcp.said()
            .iter()
            .all(|line| line["method"] != "notifications/progress")
    );
}

#[test]
fn a_cancelled_call_is_taken_back_and_the_next_one_is_served() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let cancelled = mcp.may_run("one", "t1");
    let asked = until_pending(&daemon, 1).remove(0);
    mcp.cancel(cancelled);
    let withdrawn = until_outcome(&daemon, &asked, "withdrawn");
    assert_eq!(withdrawn["status"], "resolved");
    let next = mcp.may_run("two", "t2");
    daemon.approve(&until_pending(&daemon, 1)[0]);
    assert_eq!(mcp.permission(next)["behavior"], "allow");
    assert!(mcp.said().iter().all(|line| line["id"] != cancelled));
    // The same call asked anew is a new question.
    mcp.may_run("one", "t1");
    let again = until_pending(&daemon, 1).remove(0);
    assert_ne!(again["id"], asked["id"]);
}

#[test]
fn a_client_that_greets_nobody_is_served_as_well() {
    let daemon = Daemon::start();
    let mut command = daemon.command();
    command.args(["mcp", "claude_approvals"]);
    let mut mcp = Mcp::ungreeted(command);
    let first = mcp.call_ungreeted("request_permission", bash("one", "t1"));
    let asked = until_pending(&daemon, 1).remove(0);
    assert!(asked["asker"].as_str().unwrap().starts_with("modern in "));
    mcp.until("a sign of life", |line| {
        line["params"]["progressToken"] == first
    });
    mcp.cancel(first);
    until_outcome(&daemon, &asked, "withdrawn");
    let second = mcp.call_ungreeted("request_permission", bash("two", "t2"));
    daemon.approve(&until_pending(&daemon, 1)[0]);
    assert_eq!(mcp.permission(second)["behavior"], "allow");
    mcp.leave();
    assert!(mcp.wait().success());
}

#[test]
fn what_a_client_leaves_behind_is_taken_back() {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    mcp.may_run("one", "t1");
    mcp.may_run("two", "t2");
    let asked = until_pending(&daemon, 2);
    mcp.leave();
    for asked in &asked {
        until_outcome(&daemon, asked, "withdrawn");
    }
    assert!(mcp.wait().success());
}

#[rstest]
#[case(Signal::INT)]
#[case(Signal::TERM)]
#[case(Signal::HUP)]
fn a_server_that_is_told_to_end_takes_its_questions_back(#[case] which: Signal) {
    let daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    signal(mcp.id().cast_signed(), which);
    until_outcome(&daemon, &asked, "withdrawn");
    // Though its input is still open.
    assert!(mcp.wait().success());
}

#[test]
fn a_question_outlives_the_daemon() {
    let mut daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let call = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    for _ in 0..2 {
        daemon.kill_and_restart();
    }
    assert_eq!(until_pending(&daemon, 1)[0]["id"], asked["id"]);
    daemon.approve(&asked);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
    assert_eq!(all(&daemon).len(), 1);
    let settled = until_outcome(&daemon, &asked, "approved");
    assert!(settled["delivered_at"].is_string());
}

#[test]
fn who_restarts_a_daemon_does_not_find_it_running_already() {
    let mut daemon = Daemon::start();
    let mut mcp = server(&daemon, &["claude_approvals", "--keepalive", "1"]);
    let call = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.kill();
    let signs = mcp.signs();
    mcp.until("it has waited", |line| {
        line["params"]["progress"].as_f64() >= Some(signs + 3.0)
    });
    assert!(std::os::unix::net::UnixStream::connect(daemon.socket()).is_err());
    daemon.launch(&[]);
    daemon.approve(&asked);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
}

#[test]
fn an_answer_given_while_nobody_listened_is_found() {
    let mut daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    let call = mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    let server = mcp.id().cast_signed();
    signal(server, Signal::STOP);
    daemon.approve(&asked);
    daemon.kill_and_restart();
    signal(server, Signal::CONT);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
    assert_eq!(all(&daemon).len(), 1);
}

#[test]
fn a_question_is_taken_back_from_the_next_daemon() {
    let mut daemon = Daemon::start();
    let mut mcp = approvals(&daemon);
    mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.kill();
    mcp.leave();
    daemon.launch(&[]);
    until_outcome(&daemon, &asked, "withdrawn");
    assert!(mcp.wait().success());
}

#[test]
fn a_daemon_is_started_where_none_runs() {
    let cli = Cli::new();
    let mut mcp = Mcp::start(cli.command(&["mcp", "claude_approvals"]));
    assert_eq!(cli.daemon_pid(), None, "a greeting needs no daemon");
    let call = mcp.may_run("make", "t");
    let pending = wait_until("the question waits", || {
        cli.daemon_pid()?;
        let approvals = cli.call("listApprovals", json!({}))["approvals"].clone();
        approvals.as_array()?.first().cloned()
    });
    cli.ok(&["approve", pending["id"].as_str().unwrap()]);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
}

#[test]
fn within_a_session_a_daemon_is_waited_for_and_not_started() {
    let mut daemon = Daemon::prepare(&[]);
    let mut command = daemon.command();
    command
        .args(["mcp", "claude_approvals", "--sign-of-life", "1"])
        .env("HUMANLAYER_SESSION_ID", "of-another-daemon");
    let mut mcp = Mcp::start(command);
    let call = mcp.may_run("make", "t");
    mcp.until("it has waited", |line| {
        line["params"]["message"] == "waiting for the HumanLayer daemon"
            && line["params"]["progress"].as_f64() >= Some(3.0)
    });
    assert!(!daemon.socket().exists());
    daemon.launch(&[]);
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.approve(&asked);
    assert_eq!(mcp.permission(call)["behavior"], "allow");
}

#[test]
fn a_question_that_cannot_be_asked_is_not_anybodys_no() {
    let cli = Cli::new();
    // A daemon cannot be started: its database is another program's.
    std::fs::create_dir_all(cli.state()).unwrap();
    std::fs::write(cli.state().join("daemon.db"), "not a database at all").unwrap();
    let mut mcp = Mcp::start(cli.command(&["mcp", "claude_approvals"]));
    let call = mcp.may_run("make", "t");
    let told = mcp.permission(call);
    assert_eq!(told["behavior"], "deny");
    let message = told["message"].as_str().unwrap();
    assert!(message.starts_with("Nobody decided"), "{message}");
    assert!(message.contains("daemon.db"), "{message}");
}

#[test]
fn a_request_whose_asker_was_killed_ends_and_says_so() {
    let mut daemon = Daemon::start();
    let mut mcp = server(&daemon, &["claude_approvals"]);
    mcp.may_run("make", "t");
    let asked = until_pending(&daemon, 1).remove(0);
    let mut program = daemon
        .command()
        .args(["contact_human", "-m", "still there?"])
        .spawn()
        .unwrap();
    until_pending(&daemon, 2);
    // A process that ended while no daemon lived is noticed as well.
    daemon.kill();
    program.kill().unwrap();
    program.wait().unwrap();
    daemon.launch(&[]);
    until_pending(&daemon, 1);
    signal(mcp.id().cast_signed(), Signal::KILL);
    let ended = until_outcome(&daemon, &asked, "abandoned");
    assert_eq!(
        ended["comment"],
        "the program that asked has ended: nobody waits for an answer"
    );
    let error = daemon.decide(&asked, json!({"decision": "approve"}));
    assert_eq!(error["success"], false, "{error}");
    until_pending(&daemon, 0);
}
