//! Programs on the published Python SDK, decided for by keys in the dashboard of the same machine.

use serde_json::json;

use super::{Server, said};
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);

#[test]
fn a_yes_a_no_with_its_reason_and_an_answer_are_typed_in_the_dashboard() {
    let server = Server::start();
    let here = &server.machine;
    let mut terminal = Terminal::start(SIZE, &here.command(&[]));
    terminal.wait_for("No sessions yet");
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
    terminal.wait_for("multiply");
    terminal.decide("y");

    let drop_table = here.pending("drop_table");
    terminal.wait_for("drop_table");
    terminal.decide("n");
    terminal.type_in("not that table");
    terminal.wait_for("not that table");
    terminal.keys("enter");

    let contact = here.pending("contact_human");
    terminal.wait_for("which way?");
    terminal.decide("y");
    terminal.type_in("to the left");
    terminal.wait_for("to the left");
    terminal.keys("enter");

    assert_eq!(
        said(program),
        [
            json!(42),
            json!("User denied drop_table with message: not that table"),
            json!("to the left"),
        ]
    );
    let decided = [
        (&multiply, "approved", json!(null)),
        (&drop_table, "denied", json!("not that table")),
        (&contact, "answered", json!("to the left")),
    ];
    for (asked, outcome, words) in decided {
        let found = here.delivered(&asked["call_id"]);
        assert_eq!(found["id"], asked["id"]);
        assert_eq!(found["outcome"], outcome);
        assert_eq!(found["comment"], words, "{found}");
        assert_eq!(found["decided_by"]["kind"], "person");
        assert_eq!(found["asker"], "script");
    }
    terminal.keys("q");
    assert!(terminal.wait().success());
    assert!(terminal.is_restored());
}
