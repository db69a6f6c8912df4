//! The contract's words are said in the contract alone: the names of methods, events and decisions are
//! literals of `src/protocol` (those of events of `src/domain/event.rs`, because the store records them), and
//! values of its types everywhere else. In the same way the tools of Claude Code are named in
//! `src/domain/tool.rs` alone.

use std::collections::BTreeSet;

use humanlayer::domain::{EventName, Tool};
use humanlayer::protocol::method::Name;
use strum::VariantArray as _;

use super::graph::File;
use super::{CRATE, holds};

/// Where the words belong.
const OWNERS: [&str; 2] = ["src/protocol/", "src/domain/event.rs"];

/// The decisions, as the older daemon's JSON has them, and its member that holds one.
const DECISIONS: [&str; 4] = ["approve", "deny", "respond", "decision"];

/// Words that mean something else there: part of a path, the word, and what it means.
const OTHERS: [(&str, &str, &str); 13] = [
    ("/claude/", "deny", "a behavior in Claude Code's protocol"),
    ("/claude/", "decision", "a member of what a hook puts out"),
    ("/commands/doctor.rs", "repair", "the name of a finding"),
    (
        "/domain/decision.rs",
        "decision",
        "the field that is at fault",
    ),
    (
        "/domain/permission.rs",
        "deny",
        "a behavior of Claude Code's",
    ),
    (
        "/domain/project.rs",
        "deny",
        "a member of Claude Code's settings",
    ),
    (
        "/mcp/reply.rs",
        "deny",
        "a behavior in Claude Code's protocol",
    ),
    ("/platform/isolation/", "deny", "what the kernel takes"),
    ("/remote_api/client.rs", "respond", "a part of an address"),
    (
        "agent/",
        "message_delta",
        "an event of the model's own stream",
    ),
    ("agent/", "decision", "a member of Claude Code's telemetry"),
    (
        "/tui/",
        "approve",
        "a label, and an action in the configuration",
    ),
    (
        "/tui/",
        "deny",
        "a label, and an action in the configuration",
    ),
];

fn words() -> BTreeSet<String> {
    let methods = Name::ALL.iter().map(|name| name.as_str());
    let events = EventName::ALL.iter().map(|name| name.as_str());
    methods
        .chain(events)
        .chain(DECISIONS)
        .map(str::to_owned)
        .collect()
}

/// The words that a file has as literals of their own.
fn said(file: &File, words: &BTreeSet<String>) -> Vec<String> {
    let said = words.iter().filter(|word| {
        let literal = format!("\"{word}\"");
        file.code.contains(&literal)
    });
    said.cloned().collect()
}

fn is_other(path: &str, word: &str) -> bool {
    OTHERS
        .iter()
        .any(|(place, other, _)| path.contains(place) && *other == word)
}

#[test]
fn methods_events_and_decisions_are_named_in_the_protocol_alone() {
    let words = words();
    let mut broken = Vec::new();
    for file in &CRATE.files {
        let path = file.path.display().to_string();
        if OWNERS.iter().any(|owner| path.starts_with(owner)) {
            continue;
        }
        let said = said(file, &words).into_iter();
        broken.extend(
            said.filter(|word| !is_other(&path, word)).map(|word| {
                format!("{path}: \"{word}\": take the type of `protocol` that says it")
            }),
        );
    }
    assert!(CRATE.files.len() > 100, "the source was read");
    holds(&broken);
}

#[test]
fn the_tools_of_claude_code_are_named_in_one_module() {
    let names = Tool::VARIANTS.iter().map(|tool| tool.name().to_owned());
    // Names of other versions.
    let names: BTreeSet<String> = names
        .chain(["Agent", "AgentOutputTool", "KillBash"].map(str::to_owned))
        .collect();
    let mut broken = Vec::new();
    for file in &CRATE.files {
        let path = file.path.display().to_string();
        // The demonstration's agent speaks as Claude Code does.
        if path == "src/domain/tool.rs" || path.contains("/demo/") {
            continue;
        }
        let said = said(file, &names).into_iter();
        broken.extend(said.map(|name| format!("{path}: \"{name}\": take `domain::Tool`")));
    }
    holds(&broken);
}

#[test]
fn a_word_is_found_where_it_is_a_literal_of_its_own() {
    let file = |code: &str| File {
        path: "src/tui/x.rs".into(),
        code: code.to_owned(),
    };
    let words = words();
    let found = |code: &str| said(&file(code), &words);
    assert_eq!(found(r#"ifevent=="new_approval"{}"#), ["new_approval"]);
    assert_eq!(
        found(r#"call("listSessions",{"decision":"deny"})"#),
        ["decision", "deny", "listSessions",]
    );
    assert!(found(r#"say("deny the request");EventName::NewApproval"#).is_empty());
}
