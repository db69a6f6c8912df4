//! One daemon decides for another: what programs ask at a server is answered on a laptop.

use rstest::rstest;
use serde_json::json;

use super::{Laptop, Server, id, said};
use crate::support::daemon::wait_until;

/// A program with one call to approve, which says what that gave.
const LAUNCH: &str = "@hl.require_approval()\n\
    def launch(pad):\n    return 'launched from ' + pad\n\
    say(launch(pad='B'))\n";

#[test]
fn what_a_program_asks_at_the_server_is_decided_on_the_laptop() {
    let server = Server::start();
    let laptop = Laptop::of(&server, Vec::new());
    let here = &laptop.machine;
    here.start_daemon();
    let program = server.python(
        "@hl.require_approval()\n\
         def multiply(x, y):\n    return x * y\n\
         @hl.require_approval()\n\
         def drop_table(name):\n    raise AssertionError('it ran')\n\
         say(multiply(x=6, y=7))\n\
         say(drop_table(name='users'))\n\
         say(hl.human_as_tool()('which way?'))\n",
    );
    let multiply = here.pending("multiply");
    assert_eq!(
        (&multiply["source"], &multiply["run_id"]),
        (&json!("remote_api"), &json!("nightly"))
    );
    assert_eq!(multiply["tool_input"], json!({"x": 6, "y": 7}));
    here.ok(&["approve", id(&multiply)]);
    let drop_table = here.pending("drop_table");
    here.ok(&["deny", id(&drop_table), "-m", "not that table"]);
    let contact = here.pending("contact_human");
    assert_eq!(contact["tool_input"], json!({"message": "which way?"}));
    here.ok(&["respond", id(&contact), "-m", "to the left"]);
    assert_eq!(
        said(program),
        [
            json!(42),
            json!("User denied drop_table with message: not that table"),
            json!("to the left"),
        ]
    );
    let outcomes = [
        (&multiply, "approved"),
        (&drop_table, "denied"),
        (&contact, "answered"),
    ];
    for (asked, outcome) in outcomes {
        let decided = here.delivered(&asked["call_id"]);
        assert_eq!(decided["decided_by"]["kind"], "person", "{decided}");
        let there = server.machine.delivered(&asked["call_id"]);
        assert_eq!(there["outcome"], outcome);
        assert_eq!(
            there["decided_by"],
            json!({"kind": "key", "name": "laptop"})
        );
    }
    assert_eq!(laptop.tunnel.answers(), 3);
    assert_eq!(server.machine.approvals().len(), 3);
    assert_eq!(here.approvals().len(), 3);
}

#[rstest]
#[case::before_it_is_sent("api.sending")]
#[case::before_it_is_noted("api.delivered")]
#[case::while_it_is_noted("api_outbox.acknowledging")]
fn a_laptop_killed_between_decision_and_delivery_delivers_once(#[case] failpoint: &str) {
    let server = Server::start();
    let laptop = Laptop::of(&server, Vec::new());
    let here = &laptop.machine;
    let mut start = here.command(&["daemon", "start"]);
    start.env("HUMANLAYER_FAILPOINT", failpoint);
    crate::support::cli::finish(start, "").ok();
    let doomed = here.cli.daemon_pid().expect("a daemon runs");
    // What watches over it would start others that die of the same.
    if let Some(parent) = crate::support::cli::parent_of_daemon(doomed) {
        crate::support::cli::signal(parent, rustix::process::Signal::KILL);
    }
    let program = server.python(LAUNCH);
    let asked = here.pending("launch");
    // The verb may lose its daemon before that has told the outcome, or start the next one.
    here.run(&["approve", id(&asked)]);
    wait_until("the daemon has died of it", || {
        (here.cli.daemon_pid() != Some(doomed)).then_some(())
    });
    here.start_daemon();
    let decided = here.delivered(&asked["call_id"]);
    assert_eq!(decided["outcome"], "approved");
    assert_eq!(decided["decided_by"]["kind"], "person");
    assert_eq!(said(program), [json!("launched from B")]);
    assert_eq!(laptop.tunnel.answers(), 1, "{failpoint}");
    assert_eq!(here.approvals().len(), 1);
    assert_eq!(server.machine.approvals().len(), 1);
}

#[test]
fn a_decision_outlives_a_cut_tunnel_and_a_killed_laptop() {
    let server = Server::start();
    let laptop = Laptop::of(&server, Vec::new());
    let here = &laptop.machine;
    here.start_daemon();
    let program = server.python(LAUNCH);
    let asked = here.pending("launch");
    laptop.tunnel.cut();
    here.ok(&["approve", id(&asked)]);
    wait_until("it was tried in vain", || {
        let health = here.cli.call("health", json!({}));
        health["remote_api"]["answers"]["problem"]
            .is_string()
            .then_some(())
    });
    here.cli.kill_daemon();
    server.machine.pending("launch");
    laptop.tunnel.mend();
    here.start_daemon();
    here.delivered(&asked["call_id"]);
    assert_eq!(said(program), [json!("launched from B")]);
    assert_eq!(laptop.tunnel.answers(), 1);
}

#[test]
fn what_is_decided_at_the_server_first_disappears_on_the_laptop() {
    let server = Server::start();
    let laptop = Laptop::of(&server, Vec::new());
    let here = &laptop.machine;
    here.start_daemon();
    let program = server.python(LAUNCH);
    let asked = here.pending("launch");
    let there = server.machine.pending("launch");
    assert_eq!(there["call_id"], asked["call_id"]);
    server.machine.ok(&["deny", id(&there), "-m", "too windy"]);
    let gone = here.settled(&asked["call_id"]);
    assert_eq!(
        (&gone["id"], &gone["outcome"]),
        (&asked["id"], &json!("denied"))
    );
    assert_eq!(gone["comment"], "too windy");
    assert_eq!(
        gone["decided_by"],
        json!({"kind": "elsewhere", "place": super::base(laptop.tunnel.address())})
    );
    let inbox = here.ok(&["approvals"]);
    assert!(!inbox.contains("launch"), "{inbox}");
    let late = here.run(&["approve", id(&asked)]);
    assert_ne!(late.code, 0, "{late:?}");
    assert!(late.stderr.contains("denied"), "{late:?}");
    assert_eq!(
        said(program),
        [json!("User denied launch with message: too windy")]
    );
    assert_eq!(laptop.tunnel.answers(), 0);
}
