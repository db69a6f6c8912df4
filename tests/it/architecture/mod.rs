//! The architecture's promises, checked on the source itself: which module may use which, who may
//! know what, and that the protocol's page says what the types say.

use std::fs;
use std::path::{Path, PathBuf};

fn sources(dir: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut dirs = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(dir)];
    while let Some(dir) = dirs.pop() {
        for entry in fs::read_dir(&dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                dirs.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                // What a module's own tests use is not what it is built on.
                let code = text.split("#[cfg(test)]").next().unwrap().to_owned();
                found.push((path, code));
            }
        }
    }
    assert!(!found.is_empty(), "{dir} has sources");
    found
}

/// Fails when a source below `dir` (less those whose path contains one of `except`) says a word.
fn never_says(dir: &str, except: &[&str], words: &[&str], why: &str) {
    for (path, code) in sources(dir) {
        let name = path.display().to_string();
        if except.iter().any(|part| name.contains(part)) {
            continue;
        }
        for (number, line) in code.lines().enumerate() {
            let line = line.trim_start();
            if line.starts_with("//") {
                continue;
            }
            for word in words {
                assert!(
                    !line.contains(word),
                    "{name}:{}: `{word}`: {why}",
                    number + 1
                );
            }
        }
    }
}

#[test]
fn modules_import_one_way() {
    let layers: [(&str, &[&str]); 9] = [
        ("src/domain", &["crate::"]),
        ("src/platform", &["crate::"]),
        (
            "src/protocol",
            &[
                "crate::daemon",
                "crate::ipc",
                "crate::client",
                "crate::runner",
                "crate::commands",
            ],
        ),
        (
            "src/ipc",
            &[
                "crate::daemon",
                "crate::domain",
                "crate::protocol",
                "crate::client",
                "crate::commands",
            ],
        ),
        (
            "src/runner",
            &[
                "crate::daemon",
                "crate::domain",
                "crate::protocol",
                "crate::ipc",
                "crate::client",
            ],
        ),
        (
            "src/client",
            &[
                "crate::daemon",
                "crate::runner",
                "crate::commands",
                "crate::tui",
            ],
        ),
        (
            "src/tui",
            &[
                "crate::daemon",
                "crate::runner",
                "crate::ipc",
                "crate::commands",
                "crate::cli::",
            ],
        ),
        (
            "src/mcp",
            &[
                "crate::daemon",
                "crate::ipc",
                "crate::runner",
                "crate::commands",
                "crate::tui",
            ],
        ),
        (
            "src/daemon",
            &[
                "crate::client",
                "crate::mcp",
                "crate::commands",
                "crate::cli::",
                "crate::tui",
            ],
        ),
    ];
    for (dir, above) in layers {
        let own = format!("crate::{}", dir.trim_start_matches("src/"));
        for (path, code) in sources(dir) {
            for line in code
                .lines()
                .filter(|line| !line.trim_start().starts_with("//"))
            {
                for word in above {
                    let names_it = line.contains(word) && !line.contains(&own);
                    assert!(
                        !names_it,
                        "{}: {dir} must not know {word}: {line}",
                        path.display()
                    );
                }
            }
        }
    }
}

#[test]
fn only_the_store_knows_sql() {
    never_says(
        "src",
        &["/daemon/store/"],
        &["rusqlite"],
        "only the store knows SQL",
    );
}

#[test]
fn only_the_http_module_serves_http() {
    never_says(
        "src",
        &["/daemon/http/"],
        &["axum"],
        "only src/daemon/http serves HTTP",
    );
}

#[test]
fn only_the_client_of_the_remote_api_knows_http() {
    never_says(
        "src",
        &["/remote_api/client.rs"],
        &["reqwest", "rustls"],
        "only the client of the remote API makes calls over HTTP",
    );
}

#[test]
fn only_the_platform_module_is_unsafe() {
    never_says(
        "src",
        &["/platform/"],
        &["unsafe {", "unsafe fn", "unsafe_code"],
        "unsafe code belongs to src/platform",
    );
}

#[test]
fn nothing_in_the_daemon_writes_to_a_terminal() {
    never_says(
        "src/daemon",
        &[],
        &["println!", "print!(", "io::stdout", "io::stderr"],
        "the daemon logs",
    );
}

#[test]
fn an_mcp_server_writes_nothing_but_mcp() {
    never_says(
        "src/mcp",
        &[],
        &["println!", "print!(", "io::stdout", "crate::commands"],
        "standard output is the protocol's",
    );
    let verb =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/commands/mcp.rs"))
            .unwrap();
    assert!(!verb.contains("Output::new"), "that takes standard output");
}

#[test]
fn in_the_dashboard_only_a_few_wait_or_know_the_terminal() {
    never_says(
        "src/tui",
        &[
            "/runtime.rs",
            "/link.rs",
            "/errands.rs",
            "/errands/",
            "/input/mod.rs",
            "/signals.rs",
        ],
        &[
            "tokio",
            "async fn",
            "async move",
            ".await;",
            ".await?",
            ".await)",
        ],
        "what lies between a message and an effect is pure",
    );
    never_says(
        "src/tui",
        &["/runtime.rs", "/terminal.rs"],
        &["io::stdout", "io::stdin", "enable_raw_mode"],
        "only the terminal module writes to the terminal",
    );
    never_says(
        "src/tui",
        // Comparing two texts is bounded by the time that it takes.
        &[
            "/runtime.rs",
            "/link.rs",
            "/transcript/diff.rs",
            "/input/mod.rs",
            "/terminal.rs",
        ],
        &["Timestamp::now", "SystemTime", "Instant::now"],
        "time comes with each message",
    );
}

#[test]
fn the_dashboards_updates_and_views_reach_for_nothing() {
    for dir in [
        "src/tui/forms",
        "src/tui/state",
        "src/tui/update",
        "src/tui/view",
        "src/tui/transcript",
    ] {
        never_says(
            dir,
            &["/tests/"],
            &["std::fs", "std::env", "std::process", "crate::client"],
            "files, the environment and the daemon are reached by effects",
        );
    }
}

#[test]
fn the_runner_has_no_runtime_and_no_database() {
    never_says(
        "src/runner",
        &[],
        &["tokio", "async fn", ".await"],
        "the runner is blocking std code",
    );
}

/// Quotation marks are those that are on the keyboard, or the English ones.
#[test]
fn no_text_of_ours_has_guillemets() {
    const ENDS: [&str; 8] = ["rs", "md", "sql", "toml", "txt", "json", "svg", "py"];
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut dirs: Vec<PathBuf> = ["src", "tests", "benches", "assets", "fuzz/fuzz_targets"]
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
    for (path, code) in sources("src") {
        assert!(
            code.starts_with("//!"),
            "{} has no opening essay",
            path.display()
        );
    }
}

#[test]
fn the_protocol_page_is_what_the_types_say() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/protocol.md");
    let examples = fs::read_to_string(path.with_file_name("protocol_examples.md")).unwrap();
    let made = humanlayer::protocol::doc::with_examples(&examples);
    if std::env::var_os("HUMANLAYER_UPDATE").is_some() {
        fs::write(&path, &made).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        kept == made,
        "assets/protocol.md is out of date: run HUMANLAYER_UPDATE=1 cargo test --test it protocol_page"
    );
}
