//! Completing paths as they are typed.
//!
//! A path is completed within the one directory that it names. The name of a file (`@`) is also looked
//! for in the whole tree, with letters left out. What is read and what is given back are bounded, so
//! that a directory of a million files costs no more than a large one.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};

use crate::domain::text::is_deceptive;
use crate::tui::state::fuzzy::Fuzzy;

/// Entries of a tree that are looked at, and how deep.
const TREE: usize = 20_000;
const DEEPEST: usize = 12;

/// Entries of a directory that are looked at.
const LOOKED_AT: usize = 20_000;
/// Candidates that are given back.
const GIVEN: usize = 50;
/// Directories whose files nobody means unless they type their names.
const NOISE: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

/// What a path is completed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CompletionQuery<'a> {
    pub typed: &'a str,
    /// Where relative paths begin.
    pub base: &'a str,
    /// What `~` stands for.
    pub home: Option<&'a str>,
    /// Only directories.
    pub directories: bool,
}

/// The paths that what was typed can become, as it was typed: relative ones stay so. Directories end
/// with a slash and come in their place among the others by name; hidden ones only where their dot
/// was typed.
pub(super) fn complete(query: CompletionQuery<'_>) -> Vec<String> {
    let (parent, start) = match query.typed.rfind('/') {
        Some(slash) => query.typed.split_at(slash + 1),
        None if query.typed == "~" => return vec!["~/".to_owned()],
        None => ("", query.typed),
    };
    let Some(directory) = place(parent, query) else {
        return Vec::new();
    };
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let lower = start.to_lowercase();
    let mut found: Vec<(bool, String)> = Vec::new();
    for entry in entries.take(LOOKED_AT).flatten() {
        // A name that is not UTF-8 cannot be typed, nor sent.
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        let hidden = name.starts_with('.') && !start.starts_with('.');
        let noise = start.is_empty() && NOISE.contains(&name.as_str());
        if hidden || noise || !name.to_lowercase().starts_with(&lower) {
            continue;
        }
        if name.chars().any(is_deceptive) {
            continue;
        }
        let is_directory = entry.path().is_dir();
        if query.directories && !is_directory {
            continue;
        }
        let slash = if is_directory { "/" } else { "" };
        // What has the very letters that were typed comes first.
        let exact = name.starts_with(start);
        found.push((!exact, format!("{parent}{name}{slash}")));
    }
    found.sort_unstable();
    found.truncate(GIVEN);
    found.into_iter().map(|(_, path)| path).collect()
}

/// The files and directories of a tree whose paths match what was typed, the best first, behind those
/// that the typed path names itself.
pub(super) fn files(query: CompletionQuery<'_>) -> Vec<String> {
    // Literal ones first, then by their score, then the shortest.
    type Match = (Reverse<(bool, u32)>, usize, String);

    let mut found = complete(query);
    let names_a_place = query.typed.starts_with(['/', '~', '.']);
    if query.typed.is_empty() || names_a_place {
        return found;
    }
    let mut fuzzy = Fuzzy::new(query.typed);
    let mut matches: Vec<Match> = Vec::new();
    let mut looked = 0;
    let mut left: VecDeque<(String, usize)> = VecDeque::from([(String::new(), 0)]);
    'tree: while let Some((parent, depth)) = left.pop_front() {
        let Ok(entries) = std::fs::read_dir(Path::new(query.base).join(&parent)) else {
            continue;
        };
        for entry in entries.flatten() {
            looked += 1;
            if looked > TREE {
                break 'tree;
            }
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if name.starts_with('.')
                || NOISE.contains(&name.as_str())
                || name.chars().any(is_deceptive)
            {
                continue;
            }
            // A link to a directory is not followed: it may lead round in a circle.
            let is_directory = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let mut path = format!("{parent}{name}");
            if is_directory {
                path.push('/');
            }
            if let Some(fit) = fuzzy.fit(&[&name, &path]) {
                matches.push((Reverse((fit.literal, fit.score)), path.len(), path.clone()));
            }
            if is_directory && depth < DEEPEST {
                left.push_back((path, depth + 1));
            }
        }
    }
    matches.sort_unstable();
    for (_, _, path) in matches {
        if found.len() >= GIVEN {
            break;
        }
        if !found.contains(&path) {
            found.push(path);
        }
    }
    found
}

/// The directory that a path's beginning names.
fn place(parent: &str, query: CompletionQuery<'_>) -> Option<PathBuf> {
    if let Some(rest) = parent.strip_prefix("~/") {
        return Some(Path::new(query.home?).join(rest));
    }
    Some(Path::new(query.base).join(parent))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    fn tree() -> tempfile::TempDir {
        let here = tempfile::tempdir().unwrap();
        for directory in ["src/tui", "target", ".git", "Docs", ".config"] {
            std::fs::create_dir_all(here.path().join(directory)).unwrap();
        }
        for file in [
            "src/main.rs",
            "src/mod.rs",
            "src/tui/a.rs",
            "setup.py",
            "evil\u{202e}",
        ] {
            std::fs::write(here.path().join(file), "").unwrap();
        }
        here
    }

    #[test]
    fn paths_become_what_is_there() {
        let here = tree();
        let base = here.path().to_str().unwrap();
        for (typed, directories, found) in [
            ("", false, vec!["Docs/", "setup.py", "src/"]),
            ("", true, vec!["Docs/", "src/"]),
            ("s", false, vec!["setup.py", "src/"]),
            ("do", false, vec!["Docs/"]),
            ("t", false, vec!["target/"]),
            (".", false, vec![".config/", ".git/"]),
            ("src/m", false, vec!["src/main.rs", "src/mod.rs"]),
            ("src/", false, vec!["src/main.rs", "src/mod.rs", "src/tui/"]),
            ("src/tui/", false, vec!["src/tui/a.rs"]),
            ("~/sr", false, vec!["~/src/"]),
            ("~", false, vec!["~/"]),
            ("nowhere/", false, vec![]),
        ] {
            let query = CompletionQuery {
                typed,
                base,
                home: Some(base),
                directories,
            };
            assert_eq!(complete(query), found, "{typed:?}");
        }
        let typed = format!("{base}/sr");
        let query = CompletionQuery {
            typed: &typed,
            base: "/",
            home: None,
            directories: true,
        };
        assert_eq!(complete(query), [format!("{base}/src/")]);
    }

    #[test]
    fn a_file_is_found_anywhere_in_the_tree_with_letters_left_out() {
        let here = tree();
        let base = here.path().to_str().unwrap();
        std::fs::create_dir_all(here.path().join("node_modules/main")).unwrap();
        for (typed, first) in [
            ("main", Some("src/main.rs")),
            ("a.rs", Some("src/tui/a.rs")),
            ("tui/a", Some("src/tui/a.rs")),
            ("mn.rs", Some("src/main.rs")),
            // What the path itself names comes first.
            ("src/m", Some("src/main.rs")),
            ("s", Some("setup.py")),
            ("zzz", None),
            ("./src/ma", Some("./src/main.rs")),
        ] {
            let query = CompletionQuery {
                typed,
                base,
                home: Some(base),
                directories: false,
            };
            let found = files(query);
            assert_eq!(
                found.first().map(String::as_str),
                first,
                "{typed:?}: {found:?}"
            );
            assert!(!found.iter().any(|path| path.contains("node_modules")));
        }
    }

    #[test]
    fn what_is_given_back_is_bounded() {
        let here = tempfile::tempdir().unwrap();
        for n in 0..200 {
            std::fs::write(here.path().join(format!("f{n:03}")), "").unwrap();
        }
        let query = CompletionQuery {
            typed: "f",
            base: here.path().to_str().unwrap(),
            home: None,
            directories: false,
        };
        let found = complete(query);
        assert_eq!((found.len(), found[0].as_str()), (GIVEN, "f000"));
    }
}
