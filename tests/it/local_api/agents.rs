//! An agent that has got hold of a key may ask, but answers nothing, whatever it does to hide.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Api, PREFIX};
use crate::support::daemon::wait_until;

#[rstest]
#[case::directly("")]
#[case::without_its_marks(
    "env -u HUMANLAYER_SESSION_ID -u HUMANLAYER_RUN_ID -u HUMANLAYER_DAEMON_SOCKET "
)]
#[case::as_an_orphan("env -u HUMANLAYER_SESSION_ID ORPHAN=1 ")]
#[case::hiding_its_files("env -u HUMANLAYER_SESSION_ID HIDE=1 ")]
#[case::from_a_thread_with_files_of_its_own("env -u HUMANLAYER_SESSION_ID THREAD=1 ")]
fn an_agent_asks_but_does_not_answer(#[case] way: &str) {
    let api = Api::start();
    let answers = api.daemon.root().join("answers");
    let command = format!(
        "{way}python3 '{}' {} '{}' '{}'",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/local_api/as_agent.py"
        ),
        api.address.port(),
        api.key,
        answers.display()
    );
    api.daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let answers: Value = wait_until("the agent has tried", || {
        serde_json::from_str(&std::fs::read_to_string(&answers).ok()?).ok()
    });
    assert_eq!(answers["ask"]["status"], 200, "{answers:#}");
    assert_eq!(answers["look"]["status"], 200, "{answers:#}");
    assert_eq!(answers["respond"]["status"], 403, "{answers:#}");
    assert_eq!(api.approval("own")["outcome"], "pending");
    // A person's program answers.
    let yes = json!({"approved": true});
    let answered = api.post("/agent/function_calls/own/respond", &yes);
    assert_eq!(answered.status, 200, "{answered:?} below {PREFIX}");
}

#[test]
fn an_agent_makes_and_revokes_no_keys() {
    let api = Api::start();
    let calls = [
        ("createKey", json!({"name": "mine"})),
        ("revokeKey", json!({"name": "sdk"})),
    ];
    let (_, answers) = crate::support::agent_shell::calls_of_an_agent(&api.daemon, &calls);
    for answer in answers {
        assert_eq!(answer["error"]["data"]["kind"], "forbidden", "{answer}");
    }
    assert_eq!(api.get("/project").status, 200);
}
