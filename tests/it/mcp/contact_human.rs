//! `humanlayer contact_human` in a shell script.

use rustix::process::Signal;
use serde_json::{Value, json};

use super::{all, until_outcome, until_pending};
use crate::support::cli::{Running, finish};
use crate::support::daemon::Daemon;

fn ask(daemon: &Daemon, arguments: &[&str]) -> Running {
    let mut command = daemon.command();
    command.arg("contact_human").args(arguments);
    Running::start(command)
}

#[test]
fn a_script_gets_the_answer_alone() {
    let daemon = Daemon::start();
    let mut command = daemon.script_with_env(
        "answer=$(\"$HL\" contact_human -m 'Deploy?' --subject deploy --option yes --option no) && echo \"<$answer>\"",
    );
    command.env("HL", crate::support::scripted_agent::binary());
    let script = Running::start(command);
    let asked = until_pending(&daemon, 1).remove(0);
    assert_eq!(
        asked["tool_input"],
        json!({"message": "Deploy?", "subject": "deploy"})
    );
    let session = daemon.session(asked["session_id"].as_str().unwrap());
    assert_eq!(session["asker"], "sh", "{session}");
    daemon.decide(&asked, json!({"decision": "respond", "option": "yes"}));
    let said = script.wait();
    assert_eq!(
        (said.code, said.stdout.as_str()),
        (0, "<yes>\n"),
        "{said:?}"
    );
    let short = &asked["id"].as_str().unwrap()["local-".len()..][..8];
    assert!(said.stderr.contains(short), "{said:?}");
}

#[test]
fn declined_and_taken_back_have_their_exit_codes() {
    let daemon = Daemon::start();
    let declined = ask(&daemon, &["-m", "one"]);
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.decide(&asked, json!({"decision": "deny", "comment": "busy"}));
    let said = declined.wait();
    assert_eq!((said.code, said.stdout.as_str()), (6, ""), "{said:?}");
    assert!(said.stderr.contains("declined: busy"), "{said:?}");

    let taken = ask(&daemon, &["-m", "two"]);
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.call("withdrawApproval", json!({"approval_id": asked["id"]}));
    let said = taken.wait();
    assert_eq!((said.code, said.stdout.as_str()), (7, ""), "{said:?}");
    assert!(said.stderr.contains("Nobody decided"), "{said:?}");

    for signal in [Signal::INT, Signal::TERM] {
        let interrupted = ask(&daemon, &["-m", "three"]);
        let asked = until_pending(&daemon, 1).remove(0);
        interrupted.signal(signal);
        let withdrawn = until_outcome(&daemon, &asked, "withdrawn");
        assert_eq!(withdrawn["comment"], "its asker was interrupted");
        let said = interrupted.wait();
        assert_eq!((said.code, said.stdout.as_str()), (7, ""), "{said:?}");
    }
}

#[test]
fn the_whole_outcome_is_had_as_json_and_the_message_from_a_pipe() {
    let daemon = Daemon::start();
    let mut running = ask(&daemon, &["-m", "-", "--json"]);
    running.type_in("what\nnow?\n");
    let asked = until_pending(&daemon, 1).remove(0);
    assert_eq!(asked["tool_input"]["message"], "what\nnow?\n");
    daemon.decide(&asked, json!({"decision": "respond", "comment": "this"}));
    let said: Value = serde_json::from_str(&running.wait().ok()).unwrap();
    assert_eq!(
        (&said["outcome"], &said["answer"], &said["approval_id"]),
        (&json!("answered"), &json!("this"), &asked["id"])
    );
}

#[test]
fn an_answer_comes_across_a_restart_and_shows_nothing_deceptive() {
    let mut daemon = Daemon::start();
    let running = ask(&daemon, &["-m", "still there?"]);
    let asked = until_pending(&daemon, 1).remove(0);
    daemon.kill_and_restart();
    let answer = json!({"decision": "respond", "comment": "a\u{1b}[31mb"});
    daemon.decide(&asked, answer);
    let said = running.wait().ok();
    assert!(
        !said.contains('\u{1b}') && said.starts_with('a'),
        "{said:?}"
    );
    assert_eq!(all(&daemon).len(), 1);
}

#[test]
fn an_empty_message_asks_nobody() {
    let daemon = Daemon::start();
    let mut command = daemon.command();
    command.args(["contact_human", "-m", " "]);
    let said = finish(command, "").failed(2);
    assert!(said.contains("empty"), "{said}");
    assert!(all(&daemon).is_empty());
}
