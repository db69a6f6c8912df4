//! That the verdict can be bad: each way to lose or to double something is noticed.

use serde_json::json;

use super::verdict::{Approval, Decision, Evidence, Message, Process, Session, Told, verdict};

/// A session with a line, a question that was approved, a message, and a client who knows of both.
fn good() -> Evidence {
    let question = json!({"type": "control_request", "request_id": "r1", "request":
        {"subtype": "can_use_tool", "tool_use_id": "t1", "input": {"command": "echo x >> c1"}}});
    let said = vec![
        "{\"a\":1}".to_owned(),
        question.to_string(),
        "{\"b\":2}".to_owned(),
    ];
    Evidence {
        sessions: vec![Session {
            id: "s1".to_owned(),
            stored: said.clone(),
            processes: vec![Process {
                said,
                answers: vec![("r1".to_owned(), "allow".to_owned())],
                messages: vec!["hello".to_owned()],
                again: Vec::new(),
            }],
            messages: vec!["hello".to_owned()],
            approvals: vec![Approval {
                id: "a1".to_owned(),
                tool_use_id: "t1".to_owned(),
                outcome: "approved".to_owned(),
                by_person: true,
                is_undelivered: false,
                command: Some("c1".to_owned()),
            }],
            ..Session::default()
        }],
        decisions: vec![Decision {
            approval: "a1".to_owned(),
            wanted: "approved".to_owned(),
            told: Told::Confirmed,
        }],
        messages: vec![Message {
            session: "s1".to_owned(),
            text: "hello".to_owned(),
            told: Told::Confirmed,
        }],
        watched: vec![("a1".to_owned(), "approved".to_owned())],
        runs: [("c1".to_owned(), 1)].into(),
        left_over: Vec::new(),
    }
}

/// What is wrong once something was changed in what is well.
fn wrong(change: impl FnOnce(&mut Evidence)) -> String {
    let mut evidence = good();
    change(&mut evidence);
    verdict(&evidence).join("\n")
}

#[track_caller]
fn assert_says(change: impl FnOnce(&mut Evidence), words: &str) {
    let said = wrong(change);
    assert!(said.contains(words), "{said:?} does not say {words:?}");
}

fn session(all: &mut Evidence) -> &mut Session {
    &mut all.sessions[0]
}

#[test]
fn nothing_is_wrong_where_all_is_well() {
    assert_eq!(wrong(|_| {}), "");
}

#[test]
fn a_line_that_is_dropped_is_noticed() {
    let drop = |at: usize| move |all: &mut Evidence| drop(session(all).stored.remove(at));
    assert_says(drop(0), "lines are missing from the record");
    assert_says(drop(2), "lines are missing from the end of the record");
    // A gap is noted where the runner was killed, and only the end may be in it.
    let noted = |at: usize| {
        move |all: &mut Evidence| {
            session(all).stored.remove(at);
            session(all).runner_killed = true;
            session(all)
                .notes
                .push("the agent's runner was killed".to_owned());
        }
    };
    assert_says(noted(0), "lines are missing from the record");
    assert_eq!(wrong(noted(2)), "");
    let unnoted = |all: &mut Evidence| {
        session(all).stored.truncate(1);
        session(all).approvals.clear();
        session(all).processes[0].answers.clear();
        session(all).runner_killed = true;
        all.decisions.clear();
        all.watched.clear();
    };
    assert_says(unnoted, "lines are missing from the end");
}

#[test]
fn a_line_that_is_there_twice_or_that_nobody_said_is_noticed() {
    assert_says(
        |all| {
            let line = session(all).stored[0].clone();
            session(all).stored.push(line);
        },
        "on record twice",
    );
    assert_says(
        |all| session(all).stored.push("{}".to_owned()),
        "nobody said",
    );
}

#[test]
fn an_answer_that_is_carried_out_twice_is_noticed() {
    assert_says(
        |all| {
            let answer = session(all).processes[0].answers[0].clone();
            session(all).processes[0].answers.push(answer);
        },
        "carried out twice",
    );
    assert_says(|all| *all.runs.get_mut("c1").unwrap() = 2, "c1 ran 2 times");
}

#[test]
fn a_confirmed_decision_that_is_forgotten_is_noticed() {
    assert_says(
        |all| {
            let approval = &mut session(all).approvals[0];
            "abandoned".clone_into(&mut approval.outcome);
            approval.by_person = false;
        },
        "a client was told approved",
    );
    assert_says(|all| session(all).approvals.clear(), "is not on record");
    // It was asked again, and decided again.
    assert_says(
        |all| {
            let first = all.decisions[0].clone();
            all.decisions.push(first);
        },
        "confirmed and forgotten",
    );
    assert_says(
        |all| {
            session(all).processes[0].answers.clear();
            all.runs.clear();
        },
        "never reached the agent",
    );
    assert_says(
        |all| "pending".clone_into(&mut session(all).approvals[0].outcome),
        "pending",
    );
    assert_says(
        |all| "denied".clone_into(&mut all.watched[0].1),
        "who watches",
    );
}

#[test]
fn what_nobody_decided_or_what_was_refused_is_noticed_where_it_was_carried_out() {
    assert_says(|all| all.decisions.clear(), "no client was told so");
    assert_says(
        |all| all.decisions[0].told = Told::Refused(String::new()),
        "no client was told so",
    );
    assert_eq!(wrong(|all| all.decisions[0].told = Told::NotKnown), "");
    assert_says(
        |all| all.decisions[0].told = Told::Standing("denied".to_owned()),
        "a client was told denied",
    );
    assert_says(
        |all| session(all).processes[0].answers[0].1 = "deny".to_owned(),
        "told deny where approved",
    );
    assert_says(
        |all| session(all).processes[0].answers[0].0 = "r9".to_owned(),
        "never asked",
    );
    assert_says(
        |all| "denied".clone_into(&mut session(all).approvals[0].outcome),
        "c1 ran 1 times and was denied",
    );
}

#[test]
fn a_message_that_is_lost_doubled_or_carried_out_though_refused_is_noticed() {
    assert_says(|all| session(all).messages.clear(), "is there 0 times");
    assert_says(
        |all| session(all).messages.push("hello".to_owned()),
        "is there 2 times",
    );
    assert_says(
        |all| all.messages[0].told = Told::Refused(String::new()),
        "is there 1 times",
    );
    assert_says(
        |all| session(all).processes[0].messages.clear(),
        "arrived 0 times",
    );
    assert_says(
        |all| session(all).processes[0].again.push("hello".to_owned()),
        "twice",
    );
}

#[test]
fn a_process_that_is_left_over_is_noticed() {
    assert_says(
        |all| all.left_over.push("7 humanlayer".to_owned()),
        "left over",
    );
}
