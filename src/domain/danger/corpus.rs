//! How much of a corpus is judged rightly, by kind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails by panicking and says its figures"
)]

use serde_json::{Value, json};

use super::dangers;

const DESTRUCTIVE: &str = include_str!("../../../tests/fixtures/danger/destructive.txt");
const HARMLESS: &str = include_str!("../../../tests/fixtures/danger/harmless.txt");
/// Lists of somebody who had not seen what is detected.
const DESTRUCTIVE_OF_ANOTHER: &str =
    include_str!("../../../tests/fixtures/danger/destructive_of_another.txt");
const HARMLESS_OF_ANOTHER: &str =
    include_str!("../../../tests/fixtures/danger/harmless_of_another.txt");
const TOOLS: &str = include_str!("../../../tests/fixtures/danger/tools.txt");

/// The entries of a file under their kinds.
fn kinds(file: &str) -> Vec<(&str, Vec<&str>)> {
    let mut kinds: Vec<(&str, Vec<&str>)> = Vec::new();
    for line in file.lines().filter(|line| !line.is_empty()) {
        match line.strip_prefix("## ") {
            Some(kind) => kinds.push((kind, Vec::new())),
            None => {
                if let Some((_, entries)) = kinds.last_mut() {
                    entries.push(line);
                }
            }
        }
    }
    kinds
}

fn marked(command: &str) -> bool {
    !dangers("Bash", &json!({ "command": command.replace('⏎', "\n") })).is_empty()
}

/// Prints the figures of a file by kind; returns how many entries there are and how many are marked.
fn figures(title: &str, file: &str, wanted: bool) -> (usize, usize) {
    let mut all = (0, 0);
    for (kind, entries) in kinds(file) {
        let (yes, no): (Vec<&str>, Vec<&str>) = entries.iter().partition(|entry| marked(entry));
        println!("{title}, {kind}: {} of {} marked", yes.len(), entries.len());
        for entry in if wanted { no } else { yes.clone() } {
            println!("    wrong: {entry}");
        }
        all = (all.0 + entries.len(), all.1 + yes.len());
    }
    println!("{title}: {} of {} marked", all.1, all.0);
    all
}

#[test]
fn the_corpus_of_commands_is_judged_rightly() {
    let (destructive, found) = figures("destructive", DESTRUCTIVE, true);
    let (harmless, falsely) = figures("harmless", HARMLESS, false);
    assert!(
        destructive >= 600 && harmless >= 400,
        "{destructive} and {harmless}"
    );
    assert!(
        found * 100 >= destructive * 95,
        "{found} of {destructive} destructive ones are marked"
    );
    assert!(
        falsely * 100 < harmless,
        "{falsely} of {harmless} harmless ones are marked"
    );
}

/// Kinds of which entries may be judged wrongly, as far as the figures of the whole allow.
const LOOSE: [&str; 21] = [
    "deletion",
    "loss",
    "git",
    "containers",
    "kubernetes",
    "cloud",
    "databases",
    "system",
    "download then run",
    "cannot tell",
    "unreadable names",
    "wrappers",
    "interpreters",
    "this product",
    "exfiltration",
    "publishing",
    "looking",
    "text",
    "editing",
    "building",
    "services",
];

#[test]
fn every_command_of_the_kinds_that_somebody_attacked_is_judged_rightly() {
    for (file, wanted) in [(DESTRUCTIVE, true), (HARMLESS, false)] {
        let entries = kinds(file)
            .into_iter()
            .filter(|(kind, _)| !LOOSE.contains(kind));
        for (kind, entries) in entries {
            let wrong: Vec<&str> = entries
                .into_iter()
                .filter(|entry| marked(entry) != wanted)
                .collect();
            assert!(
                wrong.is_empty(),
                "{kind}, marked should be {wanted}: {wrong:#?}"
            );
        }
    }
}

#[test]
fn the_lists_of_another_are_judged_rightly() {
    let (destructive, found) = figures("destructive of another", DESTRUCTIVE_OF_ANOTHER, true);
    let (harmless, falsely) = figures("harmless of another", HARMLESS_OF_ANOTHER, false);
    assert!(
        found * 100 >= destructive * 95,
        "{found} of {destructive} destructive ones are marked"
    );
    assert!(
        falsely * 100 <= harmless,
        "{falsely} of {harmless} harmless ones are marked"
    );
}

#[test]
fn the_corpus_of_tools_is_judged_rightly() {
    for (kind, entries) in kinds(TOOLS) {
        for entry in entries {
            let (tool, input) = entry.split_once(' ').unwrap();
            let input: Value = serde_json::from_str(input).unwrap();
            let found = dangers(tool, &input);
            assert_eq!(found.is_empty(), kind == "harmless", "{entry}: {found:?}");
        }
    }
}
