//! The rules, each as a table and a function that lists where it is broken.

use std::collections::BTreeSet;

use super::graph::Graph;

/// A module of the crate and those that it may use.
pub const LAYERS: [(&str, &[&str]); 19] = [
    ("backoff", &[]),
    ("domain", &[]),
    ("platform", &[]),
    ("json", &[]),
    ("failpoint", &[]),
    ("protocol", &["domain"]),
    ("claude", &["domain", "json", "platform"]),
    ("remote_api", &["backoff", "domain"]),
    ("ipc", &["backoff", "json", "platform"]),
    ("config", &["domain", "platform"]),
    ("logging", &["config"]),
    ("format", &["domain", "platform", "protocol"]),
    ("runner", &["platform"]),
    (
        "client",
        &[
            "backoff", "config", "domain", "ipc", "json", "platform", "protocol",
        ],
    ),
    (
        "doctor",
        &[
            "claude",
            "client",
            "config",
            "ipc",
            "platform",
            "protocol",
            "remote_api",
        ],
    ),
    (
        "mcp",
        &["client", "config", "domain", "json", "platform", "protocol"],
    ),
    (
        "tui",
        &[
            "client",
            "config",
            "doctor",
            "domain",
            "failpoint",
            "format",
            "platform",
            "protocol",
        ],
    ),
    (
        "daemon",
        &[
            "backoff",
            "claude",
            "config",
            "domain",
            "failpoint",
            "ipc",
            "json",
            "platform",
            "protocol",
            "remote_api",
            "runner",
        ],
    ),
    (
        "commands",
        &[
            "backoff",
            "client",
            "config",
            "daemon",
            "doctor",
            "domain",
            "format",
            "ipc",
            "logging",
            "mcp",
            "platform",
            "protocol",
            "remote_api",
            "runner",
            "tui",
        ],
    ),
];

/// From the first no way of imports, however long, leads to the second.
pub const WAYS: [(&str, &str); 17] = [
    ("tui", "daemon"),
    ("tui", "runner"),
    ("tui", "commands"),
    ("mcp", "daemon"),
    ("mcp", "runner"),
    ("mcp", "tui"),
    ("client", "daemon"),
    ("client", "runner"),
    ("doctor", "daemon"),
    ("daemon", "client"),
    ("daemon", "commands"),
    ("daemon", "mcp"),
    ("daemon", "tui"),
    ("claude", "daemon"),
    ("remote_api", "daemon"),
    ("runner", "domain"),
    ("ipc", "protocol"),
];

/// Of the first module only these parts use the third.
pub const DOORS: [(&str, &[&str], &str); 2] = [
    (
        "commands",
        &[
            "commands::in_process",
            "commands::backup",
            "commands::restore",
            "commands::daemon::serve",
        ],
        "daemon",
    ),
    ("tui", &["tui::effects", "tui::daemon_link"], "client"),
];

/// Parts of a module that still import each other in a circle, and which these are. To be empty.
pub const CYCLES: [(&str, &str); 4] = [
    (
        "daemon::session",
        "agent_info, isolation, isolation_git, launch",
    ),
    ("daemon::session", "manager, resume, supervisor"),
    (
        "domain::danger",
        "code, disguise, editors, given, helpers, names, programs, run, sed, value, wrappers",
    ),
    ("tui", "forms, msg, state, update, view"),
];

/// Words that only some files may have.
pub struct Words {
    /// The files whose path begins like one of these, less those whose path contains one of `except`.
    pub below: &'static [&'static str],
    /// See `below`.
    pub except: &'static [&'static str],
    /// The words.
    pub words: &'static [&'static str],
    /// Why.
    pub why: &'static str,
}

/// Who may know what.
pub const WORDS: [Words; 12] = [
    Words {
        below: &["src/"],
        except: &["/daemon/store/"],
        words: &["rusqlite"],
        why: "only the store knows SQL",
    },
    Words {
        below: &["src/"],
        except: &["/daemon/http/"],
        words: &["axum"],
        why: "only src/daemon/http serves HTTP",
    },
    Words {
        below: &["src/"],
        except: &["src/remote_api/client.rs"],
        words: &["reqwest", "rustls"],
        why: "only the client of the remote API makes calls over HTTP",
    },
    Words {
        below: &["src/"],
        except: &["src/platform/"],
        words: &["unsafe {", "unsafe fn", "unsafe_code"],
        why: "unsafe code belongs to src/platform",
    },
    Words {
        below: &["src/daemon/"],
        except: &[],
        words: &["println!", "print!(", "io::stdout", "io::stderr"],
        why: "the daemon logs",
    },
    Words {
        below: &["src/mcp/"],
        except: &[],
        words: &["println!", "print!(", "io::stdout"],
        why: "standard output is the protocol's",
    },
    Words {
        below: &["src/tui/"],
        except: &[
            "/runtime.rs",
            "/daemon_link.rs",
            "/effects/",
            "/input/mod.rs",
            "/signals.rs",
        ],
        words: &[
            "tokio",
            "async fn",
            "async move",
            ".await;",
            ".await?",
            ".await)",
        ],
        why: "what lies between a message and an effect is pure",
    },
    Words {
        below: &["src/tui/"],
        except: &["/runtime.rs", "/terminal.rs"],
        words: &["io::stdout", "io::stdin", "enable_raw_mode"],
        why: "only the terminal module writes to the terminal",
    },
    Words {
        below: &["src/tui/"],
        // Comparing two texts is bounded by the time that it takes.
        except: &[
            "/runtime.rs",
            "/daemon_link.rs",
            "/transcript/render/diff.rs",
            "/input/mod.rs",
            "/terminal.rs",
        ],
        words: &["Timestamp::now", "SystemTime", "Instant::now"],
        why: "time comes with each message",
    },
    Words {
        below: &[
            "src/tui/forms/",
            "src/tui/state/",
            "src/tui/update/",
            "src/tui/view/",
            "src/tui/transcript/",
        ],
        except: &[],
        words: &["std::fs", "std::env", "std::process"],
        why: "files, the environment and the daemon are reached by effects",
    },
    Words {
        below: &["src/runner/"],
        except: &[],
        words: &["tokio", "async fn", ".await;", ".await?", ".await)"],
        why: "the runner is blocking std code",
    },
    Words {
        below: &["src/domain/"],
        except: &[],
        words: &["std::fs", "std::env::var", "Timestamp::now", "Instant::now"],
        why: "the domain knows no files and has no clock",
    },
];

/// Each module uses only what its layer may, has a layer, and each layer has its module.
pub fn layers(graph: &Graph) -> Vec<String> {
    let there: BTreeSet<String> = graph.top_level().into_iter().collect();
    let named: BTreeSet<String> = LAYERS.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut broken: Vec<String> = there
        .symmetric_difference(&named)
        .map(|name| format!("src/{name}: say in LAYERS what it may use, or take it out"))
        .collect();
    for (from, to) in graph.uses() {
        let (user, used) = (top(&from), top(&to));
        let may = LAYERS.iter().find(|(name, _)| *name == user);
        if user != used && !user.is_empty() && may.is_some_and(|(_, may)| !may.contains(&used)) {
            broken.push(format!("{from} uses {to}: {user} must not know {used:?}"));
        }
    }
    broken
}

/// No way leads from the first to the second of a pair.
pub fn ways(graph: &Graph) -> Vec<String> {
    WAYS.iter()
        .filter_map(|(from, to)| graph.way(from, to))
        .map(|way| format!("this must not be: {}", way.join(" -> ")))
        .collect()
}

/// Only the door leads out.
pub fn doors(graph: &Graph) -> Vec<String> {
    let uses = graph.uses();
    DOORS
        .iter()
        .flat_map(|(within, doors, out)| {
            uses.iter()
                .filter(move |(from, to)| {
                    let is_door = doors.iter().any(|door| is_within(from, door));
                    top(from) == *within && !is_door && top(to) == *out
                })
                .map(move |(from, to)| format!("{from} uses {to}: only {doors:?} do that"))
        })
        .collect()
}

/// There are no cycles but the excepted ones, of these very members, and each exception is needed.
pub fn cycles(graph: &Graph, except: &[(&str, &str)]) -> Vec<String> {
    let cycles: Vec<(String, String, String)> = graph
        .cycles()
        .into_iter()
        .map(|cycle| {
            let uses = cycle.because.iter();
            let uses = uses.map(|(from, to)| format!("\n    {from} -> {to}"));
            (cycle.within, cycle.members.join(", "), uses.collect())
        })
        .collect();
    let is_excepted = |within: &str, members: &str| except.contains(&(within, members));
    let stale = except.iter().filter(|(within, members)| {
        !cycles
            .iter()
            .any(|(a, b, _)| (a.as_str(), b.as_str()) == (*within, *members))
    });
    cycles
        .iter()
        .filter(|(within, members, _)| !is_excepted(within, members))
        .map(|(within, members, uses)| format!("a cycle in {within:?} of {members}:{uses}"))
        .chain(stale.map(|(within, members)| {
            format!("no cycle in {within} of {members}: take it out of CYCLES")
        }))
        .collect()
}

/// Files have only the words that they may have.
pub fn words(graph: &Graph) -> Vec<String> {
    let mut broken = Vec::new();
    for rule in &WORDS {
        let mut missing: BTreeSet<&str> = rule.below.iter().copied().collect();
        for file in &graph.files {
            let path = file.path.to_string_lossy();
            let Some(below) = rule.below.iter().find(|below| path.starts_with(**below)) else {
                continue;
            };
            if rule.except.iter().any(|part| path.contains(part)) {
                continue;
            }
            missing.remove(below);
            for word in rule.words {
                if file.code.contains(&word.replace(' ', "")) {
                    broken.push(format!("{path}: `{word}`: {}", rule.why));
                }
            }
        }
        let nothing = missing.iter();
        broken.extend(nothing.map(|below| format!("nothing is below {below}: {}", rule.why)));
    }
    broken
}

fn top(path: &str) -> &str {
    path.split("::").next().unwrap_or_default()
}

fn is_within(module: &str, outer: &str) -> bool {
    module == outer
        || module
            .strip_prefix(outer)
            .is_some_and(|rest| rest.starts_with("::"))
}
