//! `approve`, `deny` and `answer`.

use serde_json::{Value, json};

use crate::support::cli::Cli;
use crate::support::daemon::wait_until;

const TOUCH: &str = r#"TOOL Bash {"command": "touch made"}"#;
const ONE: &str = r#"QUESTION {"questions": [{"question": "Which database?", "header": "DB", "multiSelect": false, "options": [{"label": "Postgres", "description": "big"}, {"label": "SQLite", "description": "small"}]}]}"#;
const TWO: &str = r#"QUESTION {"questions": [ {"question": "Which database?", "header": "DB", "multiSelect": false, "options": [{"label": "Postgres", "description": "big"}, {"label": "SQLite", "description": "small"}]}, {"question": "Which days?", "header": "Days", "multiSelect": true, "options": [{"label": "Mon", "description": "a"}, {"label": "Tue", "description": "b"}, {"label": "Wed", "description": "c"}]}]}"#;

/// A session with its first question; the question's id is what a table on a terminal shows.
fn asked(cli: &Cli, script: &str) -> (String, String) {
    let id = cli.launch(script);
    let approval = cli.until_pending(&id);
    let whole = approval["id"].as_str().unwrap();
    let short = whole.trim_start_matches("local-")[..8].to_owned();
    (id, short)
}

fn result_of(cli: &Cli, id: &str) -> Value {
    cli.until_status(id, "completed");
    let told = cli.call("getConversation", json!({ "session_id": id }));
    let events = told["events"].as_array().unwrap();
    let result = events
        .iter()
        .find(|event| event["event_type"] == "tool_result");
    result.unwrap().clone()
}

#[test]
fn an_approved_call_is_made_and_the_whole_approval_is_printed() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, TOUCH);
    let shown = cli.ok(&["approve", &short, "-m", "go on"]);
    for part in [
        "Bash (permission), approved by you\n",
        "comment     go on\n",
        "    command: touch made\n",
    ] {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }
    cli.until_status(&id, "completed");
    assert!(cli.work().join("made").exists());
}

#[test]
fn an_approval_can_change_the_input() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, TOUCH);
    assert!(
        cli.fails(2, &["approve", &short, "--input", "[]"])
            .contains("JSON object")
    );
    let shown = cli.ok(&[
        "approve",
        &short,
        "--input",
        r#"{"command": "touch other"}"#,
    ]);
    assert!(
        shown.contains("input as approved (edited)\n    command: touch other\n"),
        "{shown}"
    );
    cli.until_status(&id, "completed");
    assert!(cli.work().join("other").exists());
    assert!(!cli.work().join("made").exists());
    // Wherever it is read again, what ran comes first, and that it was edited is said.
    let logged = cli.ok(&["logs", &id]);
    let call = "calls Bash (approved, edited):\n    command: touch other\nasked for:\n    command: touch made\n";
    assert!(logged.contains(call), "{logged}");
    let listed = cli.ok(&["approvals", "--all", "--session", &id]);
    assert!(
        listed.contains("\ttouch other\tapproved, edited\t"),
        "{listed}"
    );
    let told = cli.call("getConversation", json!({ "session_id": id }));
    let events = told["events"].as_array().unwrap();
    let call = events
        .iter()
        .find(|event| event["event_type"] == "tool_call");
    assert_eq!(
        call.unwrap()["edited_input_json"],
        r#"{"command":"touch other"}"#
    );
}

#[test]
fn an_edit_that_would_run_the_original_is_refused() {
    let cli = Cli::new();
    let (_, short) = asked(&cli, TOUCH);
    for (input, problem) in [
        ("{}", "would run the original"),
        (r#"{"command": 5}"#, "command must be a string"),
        (r#"{"description": "x"}"#, "command is missing"),
    ] {
        let complaint = cli.fails(2, &["approve", &short, "--input", input]);
        assert!(complaint.contains(problem), "{input}: {complaint}");
    }
    assert!(
        cli.ok(&["show", &short])
            .contains("(permission), pending\n")
    );
}

#[test]
fn several_approvals_are_checked_first_and_then_decided_each() {
    let cli = Cli::new();
    let (first, one) = asked(&cli, TOUCH);
    let (_, two) = asked(&cli, TOUCH);
    let (_, question) = asked(&cli, ONE);
    assert!(
        cli.fails(2, &["approve", &one, &two, &question])
            .contains("this is a question")
    );
    cli.fails(3, &["approve", &one, "no-such"]);
    assert!(cli.ok(&["show", &one]).contains("(permission), pending\n"));
    let shown = cli.ok(&["approve", &one, &two, &one]);
    for id in [&one, &two] {
        let line = format!("approved by you  {id}  Bash: touch made\n    command: touch made\n");
        assert!(shown.contains(&line), "{line:?} is missing in {shown}");
    }
    assert_eq!(shown.matches("approved by you").count(), 2, "{shown}");
    cli.until_status(&first, "completed");
    let (_, three) = asked(&cli, TOUCH);
    let shown = cli.fails(4, &["deny", &one, &three, "-m", "no"]);
    assert!(
        shown.contains(&format!("{one}: already approved by you")),
        "{shown}"
    );
    let denied: Value = {
        let (_, four) = asked(&cli, TOUCH);
        serde_json::from_str(&cli.ok(&["deny", &four, "-m", "no", "--json"])).unwrap()
    };
    assert_eq!(denied[0]["outcome"], "denied");
    assert!(cli.ok(&["show", &three]).contains("denied by you\n"));
}

#[test]
fn always_is_not_asked_again() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, TOUCH);
    let shown = cli.ok(&["approve", &short, "--always"]);
    assert!(
        shown.contains("granted with it\n    allow Bash("),
        "{shown}"
    );
    cli.until_status(&id, "completed");
    cli.ok(&["send", &id, TOUCH]);
    cli.until_status(&id, "completed");
    let listed = cli.ok(&["approvals", "--all", "--session", &id]);
    assert_eq!(listed.lines().count(), 1, "{listed}");
}

#[test]
fn a_denied_call_is_not_made_and_the_agent_learns_why() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, TOUCH);
    let shown = cli.ok(&["deny", &short, "-m", "not today"]);
    assert!(shown.contains("denied by you"), "{shown}");
    let result = result_of(&cli, &id);
    assert_eq!(result["is_error"], true);
    let told = result["tool_result_content"].as_str().unwrap();
    assert!(told.contains("not today"), "{told}");
    assert!(!cli.work().join("made").exists());
}

#[test]
fn a_denial_can_stop_the_turn() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, &format!("{TOUCH}\nTEXT more"));
    cli.ok(&["deny", &short, "-m", "stop", "--interrupt"]);
    let ended = wait_until("the turn is over", || {
        let session = cli.session(&id);
        let over = ["interrupted", "completed", "failed"];
        over.contains(&session["status"].as_str()?)
            .then_some(session)
    });
    assert_eq!(ended["status"], "interrupted", "{ended}");
}

#[test]
fn a_question_is_answered_by_label_or_by_number() {
    let cli = Cli::new();
    for (typed, answer) in [
        ("Postgres", "Postgres"),
        ("sqlite", "SQLite"),
        ("2", "SQLite"),
        ("DB=1", "Postgres"),
    ] {
        let (id, short) = asked(&cli, ONE);
        let shown = cli.ok(&["answer", &short, typed]);
        let line = format!("answered by you  {short}  Which database? → {answer}\n");
        assert_eq!(shown, line, "{typed}");
        let result = result_of(&cli, &id)["tool_result_content"].to_string();
        assert!(result.contains(answer), "{typed}: {result}");
    }
}

#[test]
fn what_is_no_option_is_refused_and_own_words_are_said_to_be_that() {
    let cli = Cli::new();
    let (id, short) = asked(&cli, ONE);
    let complaint = cli.fails(2, &["answer", &short, "postgress"]);
    for part in [
        "“postgress” is not an option",
        "did you mean “Postgres”?",
        "1 Postgres",
        "2 SQLite",
        "--text",
    ] {
        assert!(
            complaint.contains(part),
            "{part:?} is missing in {complaint}"
        );
    }
    assert!(cli.ok(&["show", &short]).contains("(question), pending\n"));
    let shown = cli.ok(&["answer", &short, "--text", "none of these"]);
    assert!(
        shown.ends_with("Which database? → none of these\n"),
        "{shown}"
    );
    let result = result_of(&cli, &id)["tool_result_content"].to_string();
    assert!(result.contains("none of these"), "{result}");
}

#[test]
fn several_questions_are_answered_at_once() {
    let cli = Cli::new();
    let (_, short) = asked(&cli, TWO);
    let shown = cli.ok(&["show", &short]);
    assert!(
        shown.contains("question 2: Which days?\n    1. Mon"),
        "{shown}"
    );
    assert!(
        cli.fails(2, &["answer", &short, "DB=1"])
            .contains("no answer to “Which days?”")
    );
    assert!(
        cli.fails(2, &["answer", &short, "1"])
            .contains("QUESTION=ANSWER")
    );
    let shown = cli.ok(&["answer", &short, "1=2", "Days=Mon", "Which days?=3"]);
    assert!(
        shown.ends_with("Which database? → SQLite; Which days? → Mon, Wed\n"),
        "{shown}"
    );
    let (id, short) = asked(&cli, TWO);
    let answers = r#"{"Which database?": "Postgres", "Which days?": "Tue"}"#;
    cli.ok(&["answer", &short, "--json", answers]);
    let result = result_of(&cli, &id)["tool_result_content"].to_string();
    assert!(
        result.contains("Postgres") && result.contains("Tue"),
        "{result}"
    );
}

#[test]
fn the_wrong_verb_says_the_right_one() {
    let cli = Cli::new();
    let (_, question) = asked(&cli, ONE);
    let complaint = cli.fails(2, &["approve", &question]);
    assert!(
        complaint.contains(&format!("humanlayer answer {question}")),
        "{complaint}"
    );
    let (_, call) = asked(&cli, TOUCH);
    let complaint = cli.fails(2, &["answer", &call, "yes"]);
    assert!(
        complaint.contains(&format!("humanlayer approve {call}")),
        "{complaint}"
    );
    // Without a suggestion there is nothing that could last.
    let (_, plan) = asked(&cli, "PLAN first this, then that");
    let complaint = cli.fails(1, &["approve", &plan, "--always"]);
    assert!(complaint.contains("without --always"), "{complaint}");
    let shown = cli.ok(&["approve", &plan]);
    assert!(shown.contains("first this, then that"), "{shown}");
}

#[test]
fn who_comes_second_learns_who_was_first() {
    let cli = Cli::new();
    let (_, call) = asked(&cli, TOUCH);
    cli.ok(&["deny", &call, "-m", "no"]);
    let complaint = cli.fails(4, &["approve", &call]);
    assert!(complaint.contains("already denied by "), "{complaint}");
    assert!(
        cli.fails(4, &["deny", &call, "-m", "no"])
            .contains("already denied")
    );
    let (_, question) = asked(&cli, ONE);
    cli.ok(&["answer", &question, "1"]);
    assert!(
        cli.fails(4, &["answer", &question, "2"])
            .contains("already answered")
    );
}

#[test]
fn a_programs_message_is_answered_in_words_or_with_an_option() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let ask = |message: &str| {
        let params = json!({
            "message": message, "asker": "deploy.sh\u{1b}[2J", "run_id": "r",
            "response_options": [{"name": "later", "title": "Ask me later"}],
        });
        let id = cli.call("createContact", params)["approval_id"].clone();
        id.as_str().unwrap().trim_start_matches("local-")[..8].to_owned()
    };
    let first = ask("deploy\nnow?");
    let listed = cli.ok(&["approvals"]);
    assert!(
        listed.contains("\tcontact_human\tdeploy now?\tpending\t")
            && listed.ends_with("\tdeploy.sh\\u{1b}[2J\n"),
        "{listed}"
    );
    let shown = cli.ok(&["show", &first]);
    for part in [
        "contact_human (contact), pending",
        "from        a program\n",
        "asker       deploy.sh\\u{1b}[2J\n",
        "options\n    later: Ask me later\n",
        &format!("humanlayer respond {first} --option NAME"),
    ] {
        assert!(shown.contains(part), "{part:?} is missing in {shown}");
    }
    assert!(cli.fails(2, &["approve", &first]).contains("respond"));
    assert!(
        cli.fails(2, &["respond", &first, "--option", "x"])
            .contains("later")
    );
    assert!(
        cli.fails(2, &["respond", &first, "-m", " "])
            .contains("empty")
    );
    let shown = cli.ok(&["respond", &first, "-m", "yes, now"]);
    assert!(shown.contains("answered by"), "{shown}");
    assert!(shown.contains("comment     yes, now\n"), "{shown}");
    assert!(
        cli.fails(4, &["respond", &first, "-m", "no"])
            .contains("already answered")
    );
    let second = ask("and now?");
    let shown = cli.ok(&["respond", &second, "--option", "later"]);
    assert!(
        shown.contains("option      later\ncomment     Ask me later\n"),
        "{shown}"
    );
    let third = ask("well?");
    let shown = cli.ok(&["deny", &third, "--option", "later", "-m", "go away"]);
    assert!(shown.contains("denied by"), "{shown}");
    assert!(shown.contains("comment     go away\n"), "{shown}");
    let shown = cli.ok(&["show", "r"]);
    assert!(shown.contains("process     another program's\n"), "{shown}");
}
