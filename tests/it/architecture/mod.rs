//! The architecture's promises, checked on the source itself: which module may use which, who may
//! know what, and that the protocol's page says what the types say.

mod contract;
mod graph;
mod rules;
mod rules_tests;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use graph::Graph;

/// The crate as it is.
static CRATE: LazyLock<Graph> =
    LazyLock::new(|| Graph::read(Path::new(env!("CARGO_MANIFEST_DIR")), "src/lib.rs"));

#[track_caller]
fn holds(broken: &[String]) {
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn modules_import_one_way() {
    holds(&rules::layers(&CRATE));
}

#[test]
fn no_way_of_imports_leads_where_it_must_not() {
    holds(&rules::ways(&CRATE));
}

#[test]
fn only_the_modules_that_must_know_the_daemon_or_its_client() {
    holds(&rules::doors(&CRATE));
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    holds(&rules::cycles(&CRATE, &rules::CYCLES));
}

#[test]
fn knowledge_stays_where_it_belongs() {
    holds(&rules::words(&CRATE));
}

#[test]
fn the_mcp_verb_does_not_take_standard_output() {
    let verb =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/mcp.rs"));
    assert!(!verb.unwrap().contains("Output::new"), "that takes it");
}

/// Quotation marks are those that are on the keyboard, or the English ones.
#[test]
fn no_text_of_ours_has_guillemets() {
    const ENDS: [&str; 8] = ["rs", "md", "sql", "toml", "txt", "json", "svg", "py"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dirs: Vec<PathBuf> = [
        "src",
        "tests",
        "benches",
        "assets",
        "docs",
        "tools",
        ".github",
        "fuzz/fuzz_targets",
    ]
    .map(|dir| root.join(dir))
    .to_vec();
    let mut files = ["README.md", "CHANGELOG.md", "Cargo.toml", "fuzz/stream.rs"]
        .map(|file| root.join(file))
        .to_vec();
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            // What agents said is kept as it was.
            if path.is_dir() && name != "fixtures" {
                dirs.push(path);
            } else if ENDS.iter().any(|end| name.ends_with(&format!(".{end}"))) {
                files.push(path);
            }
        }
    }
    assert!(files.len() > 300, "{} files", files.len());
    for path in files {
        let text = fs::read_to_string(&path).unwrap();
        let found = text
            .lines()
            .position(|line| line.contains(['\u{ab}', '\u{bb}']));
        assert_eq!(found, None, "{}, counting lines from 0", path.display());
    }
}

#[test]
fn every_module_says_what_it_owns() {
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    let mut files = 0;
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                let has_essay = text.starts_with("//!");
                assert!(has_essay, "{} has no opening essay", path.display());
                files += 1;
            }
        }
    }
    assert!(files > 300, "{files} files");
}

#[test]
fn the_protocol_page_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/protocol.md");
    let examples = fs::read_to_string(path.with_file_name("protocol_examples.md")).unwrap();
    let made = humanlayer::protocol::doc::with_examples(&examples);
    if std::env::var_os("HUMANLAYER_UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "docs/protocol.md is out of date: run HUMANLAYER_UPDATE=1 cargo test --test it protocol_page"
    );
}
