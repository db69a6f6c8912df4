//! Whatever a command is, it is judged: without a panic, with few reasons, each of a bounded length.

#![no_main]

#[path = "../seeds.rs"]
mod seeds;

use humanlayer::domain::danger::{Verdict, dangers};
use libfuzzer_sys::fuzz_target;

fuzz_target!(init: seeds::put("danger", seeds::commands().into_iter().map(String::into_bytes)), |command: &str| {
    let found = dangers("Bash", &serde_json::json!({ "command": command }));
    assert!(found.len() <= 6);
    assert_eq!(Verdict::of(&found).is_none(), found.is_empty());
    for danger in &found {
        assert!(danger.part.chars().count() <= 121 && !danger.sentence().is_empty());
    }
    drop(dangers(
        "mcp__x__run",
        &serde_json::json!({ "command": command, "args": [command], "sql": command, "path": command }),
    ));
});
