//! What a session costs whose process was killed in the middle of a turn: what is known is the least.

use rstest::rstest;
use serde_json::{Value, json};

use super::ClaudeHarness;
use super::messages::kill_agent;
use crate::support::daemon::wait_until;

/// What a command prints where there is no terminal.
fn printed(rig: &ClaudeHarness, arguments: &[&str]) -> String {
    let output = rig.daemon.command().args(arguments).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

fn number(session: &Value, name: &str) -> f64 {
    session[name].as_f64().unwrap_or(0.0)
}

#[rstest]
fn a_turn_whose_process_was_killed_makes_every_cost_the_least_that_it_can_be(
    #[values("2.0.37", "2.1.133", "2.1.332")] version: &str,
) {
    let rig = ClaudeHarness::of_version(version);
    let id = rig.launch_with(json!({"query": "TEXT one", "allowed_tools": ["Bash"]}));
    let before = rig.until_result(&id, "one");
    assert!(number(&before, "cost_usd") > 0.0);
    for command in [&["sessions"][..], &["show", &id], &[]] {
        let said = printed(&rig, command);
        assert!(!said.contains('≥') && !said.contains("at least"), "{said}");
    }
    rig.say(
        &id,
        "TOOL Bash {\"command\": \"touch began; sleep 60\"}\nTEXT never said",
    );
    wait_until("the turn is at work", || rig.exists("began").then_some(()));
    kill_agent(&rig, &id);
    let killed = rig.daemon.until_status(&id, "failed");
    assert_eq!(killed["unpriced_turns"], 1);
    assert_eq!(killed["cost_usd"], before["cost_usd"]);
    assert!(number(&killed, "input_tokens") > number(&before, "input_tokens"));
    assert!(number(&killed, "output_tokens") > number(&before, "output_tokens"));
    let overview = rig.daemon.call("getOverview", json!({}));
    assert_eq!(overview["unpriced_turns_last_day"], 1);
    assert!(printed(&rig, &["sessions", "--all"]).contains("≥$"));
    assert!(printed(&rig, &["show", &id]).contains("at least $"));
    let said = printed(&rig, &[]);
    assert!(
        said.contains("at least $") && said.contains("last 24h"),
        "{said}"
    );
    // The next turn is added; what the killed one cost nobody reports.
    rig.say(&id, "TEXT two");
    let after = rig.until_result(&id, "two");
    assert!(number(&after, "cost_usd") > number(&killed, "cost_usd"));
    assert_eq!(after["unpriced_turns"], 1);
    assert!(printed(&rig, &["show", &id]).contains("at least $"));
}
