//! An API that is slow, silent, busy or rude; and where the key never is.

use serde_json::json;

use super::{approval, approvals, daemon, health, until_delivered, until_well};
use crate::support::daemon::wait_until;
use crate::support::remote_api::{Fault, KEY, RemoteApi};

const LIST: &str = "function_calls/pending";

#[test]
fn an_api_that_falls_silent_is_given_up_and_asked_again() {
    let api = RemoteApi::start();
    api.fail(LIST, Fault::Silence);
    api.function_call("r", "call", "f", json!({}));
    let daemon = daemon(&api);
    let problem = wait_until("the silence is told", || {
        Some(
            health(&daemon)["function_calls"]["problem"]
                .as_str()?
                .to_owned(),
        )
    });
    assert!(problem.contains("said nothing"), "{problem}");
    approval(&daemon, "call");
    until_well(&daemon);
}

#[test]
fn an_api_that_wants_to_be_left_alone_is() {
    let api = RemoteApi::start();
    let wish = vec![("retry-after", "3600".to_owned())];
    api.fail(LIST, Fault::Answer(429, wish, "slow down".to_owned()));
    let daemon = daemon(&api);
    let part = wait_until("the wish is told", || {
        let part = health(&daemon)["function_calls"].clone();
        part["problem"].is_string().then_some(part)
    });
    let next = wait_until("the next try is told", || {
        let part = health(&daemon)["function_calls"].clone();
        part["next_try_at"]
            .as_str()?
            .parse::<jiff::Timestamp>()
            .ok()
    });
    let wait = next.duration_since(jiff::Timestamp::now()).as_secs();
    assert!((3590..=3960).contains(&wait), "{part}");
    // The other kind goes on meanwhile.
    let polls = api.count("human_contacts/pending");
    wait_until("contacts are polled", || {
        (api.count("human_contacts/pending") > polls + 5).then_some(())
    });
    assert_eq!(api.count(LIST), 1);
}

#[test]
fn an_api_that_comes_late_is_found() {
    let api = RemoteApi::start();
    for _ in 0..2 {
        api.fail(LIST, Fault::CutBefore);
        api.fail("human_contacts/pending", Fault::CutWithin);
    }
    api.function_call("r", "call", "f", json!({}));
    api.contact("r", "contact", "?");
    let daemon = daemon(&api);
    approval(&daemon, "call");
    approval(&daemon, "contact");
    until_well(&daemon);
    assert_eq!(api.faults_left(), 0);
    assert!(daemon.log().contains("the remote API works again"));
}

#[test]
fn the_key_goes_nowhere_but_to_its_api() {
    let thief = RemoteApi::start();
    let api = RemoteApi::start();
    let to_the_thief = vec![(
        "location",
        format!("{}/agent/function_calls/pending", thief.base()),
    )];
    api.fail(LIST, Fault::Answer(302, to_the_thief, String::new()));
    let daemon = daemon(&api);
    let problem = wait_until("the redirection is told", || {
        Some(
            health(&daemon)["function_calls"]["problem"]
                .as_str()?
                .to_owned(),
        )
    });
    assert!(problem.contains("redirects"), "{problem}");
    assert_eq!(thief.count(""), 0);
}

#[test]
fn the_key_is_in_no_log_no_database_no_event_and_on_no_command_line() {
    let api = RemoteApi::start();
    let rude = format!("{{\"detail\": \"you are {KEY}\"}}");
    api.fail(
        "human_contacts/pending",
        Fault::Answer(400, vec![], rude.clone()),
    );
    api.function_call("r", "refused", "f", json!({}));
    api.fail("respond", Fault::Answer(422, vec![], rude));
    let mut daemon = daemon(&api);
    daemon.decide(
        &approval(&daemon, "refused"),
        json!({"decision": "approve"}),
    );
    wait_until("the refusal is told", || {
        let told = approval(&daemon, "refused")["undelivered"].clone();
        told.is_string().then_some(())
    });
    api.function_call("r", "taken", "f", json!({}));
    daemon.decide(&approval(&daemon, "taken"), json!({"decision": "approve"}));
    until_delivered(&daemon, "taken");
    api.change_key("another");
    wait_until("the refused key is told", || {
        let problem = health(&daemon)["function_calls"]["problem"].clone();
        problem.as_str()?.contains("401").then_some(())
    });
    let id = daemon.launch_session("TOOL Bash {\"command\": \"env > environment\"}\nTEXT done");
    let asked = daemon.until_pending(&id);
    for entry in std::fs::read_dir("/proc").unwrap().flatten() {
        let line = std::fs::read(entry.path().join("cmdline")).unwrap_or_default();
        assert!(!String::from_utf8_lossy(&line).contains(KEY));
    }
    daemon.approve(&asked);
    daemon.until_status(&id, "completed");
    let environment = std::fs::read_to_string(daemon.work().join("environment")).unwrap();
    assert!(!environment.contains(KEY), "agents do not have it");
    let told = [
        health(&daemon).to_string(),
        json!(approvals(&daemon)).to_string(),
        daemon.call("listSessions", json!({})).to_string(),
    ];
    for text in told {
        assert!(!text.contains(KEY), "{text}");
    }
    assert!(daemon.stop().success());
    assert!(!daemon.log().contains(KEY), "{}", daemon.log());
    for entry in std::fs::read_dir(daemon.state()).unwrap().flatten() {
        if entry.path().is_file() {
            let bytes = std::fs::read(entry.path()).unwrap();
            let found = bytes.windows(KEY.len()).any(|part| part == KEY.as_bytes());
            assert!(!found, "{:?}", entry.path());
        }
    }
}

#[test]
fn a_daemon_stops_while_the_api_is_silent() {
    let api = RemoteApi::start();
    api.function_call("r", "call", "f", json!({}));
    let mut daemon = daemon(&api);
    let asked = approval(&daemon, "call");
    api.fail("respond", Fault::Silence);
    api.fail(LIST, Fault::Silence);
    daemon.decide(&asked, json!({"decision": "approve"}));
    wait_until("both are met", || (api.faults_left() == 0).then_some(()));
    assert!(daemon.stop().success(), "{}", daemon.log());
    daemon.launch(&[]);
    // It had been taken; its reply was all that was missing.
    until_delivered(&daemon, "call");
    assert_eq!(api.answers("call").len(), 1);
    assert_eq!(api.count("respond"), 1);
}

#[test]
fn a_wrong_address_is_told_and_stops_nothing() {
    let daemon = crate::support::daemon::Daemon::with(&[
        ("HUMANLAYER_API_KEY", KEY),
        ("HUMANLAYER_API_BASE", "http://[nonsense"),
    ]);
    let health = health(&daemon);
    let problem = health["problem"].as_str().unwrap();
    assert!(problem.contains("no address of an API"), "{problem}");
    assert_eq!(daemon.call("health", json!({}))["status"], "ok");
}

#[test]
fn polling_slows_down_while_nothing_is_going_on() {
    let api = RemoteApi::start();
    let daemon = super::daemon_with(&api, &[("HUMANLAYER_API_POLL_SECONDS", "20")]);
    let next = |daemon: &crate::support::daemon::Daemon| {
        wait_until("the next poll is known", || {
            let part = health(daemon)["function_calls"].clone();
            let next: jiff::Timestamp = part["next_try_at"].as_str()?.parse().ok()?;
            Some(next.duration_since(jiff::Timestamp::now()).as_secs())
        })
    };
    let idle = next(&daemon);
    assert!((60..=100).contains(&idle), "{idle}");
    let busy_api = RemoteApi::start();
    busy_api.function_call("r", "call", "f", json!({}));
    let busy = super::daemon_with(&busy_api, &[("HUMANLAYER_API_POLL_SECONDS", "20")]);
    approval(&busy, "call");
    wait_until("it is polled sooner", || (next(&busy) <= 20).then_some(()));
}
