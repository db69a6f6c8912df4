//! Completing paths as they are typed.
//!
//! Reads one directory, the one that the typed path names: never a tree. What is read and what is
//! given back are bounded, so that a directory of a million files costs no more than a large one.

use std::path::{Path, PathBuf};

/// Entries of a directory that are looked at.
const LOOKED_AT: usize = 20_000;
/// Candidates that are given back.
const GIVEN: usize = 50;
/// Directories whose files nobody means unless they type their names.
const NOISE: [&str; 4] = [".git", "target", "node_modules", "__pycache__"];

/// What a path is completed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Wanted<'a> {
    /// What was typed.
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
pub(super) fn complete(wanted: Wanted<'_>) -> Vec<String> {
    let (parent, start) = match wanted.typed.rfind('/') {
        Some(slash) => wanted.typed.split_at(slash + 1),
        None if wanted.typed == "~" => return vec!["~/".to_owned()],
        None => ("", wanted.typed),
    };
    let Some(directory) = place(parent, wanted) else {
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
        if name.chars().any(crate::domain::text::is_deceptive) {
            continue;
        }
        let is_directory = entry.path().is_dir();
        if wanted.directories && !is_directory {
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

/// The directory that a path's beginning names.
fn place(parent: &str, wanted: Wanted<'_>) -> Option<PathBuf> {
    if let Some(rest) = parent.strip_prefix("~/") {
        return Some(Path::new(wanted.home?).join(rest));
    }
    Some(Path::new(wanted.base).join(parent))
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
            let wanted = Wanted {
                typed,
                base,
                home: Some(base),
                directories,
            };
            assert_eq!(complete(wanted), found, "{typed:?}");
        }
        let typed = format!("{base}/sr");
        let wanted = Wanted {
            typed: &typed,
            base: "/",
            home: None,
            directories: true,
        };
        assert_eq!(complete(wanted), [format!("{base}/src/")]);
    }

    #[test]
    fn what_is_given_back_is_bounded() {
        let here = tempfile::tempdir().unwrap();
        for n in 0..200 {
            std::fs::write(here.path().join(format!("f{n:03}")), "").unwrap();
        }
        let wanted = Wanted {
            typed: "f",
            base: here.path().to_str().unwrap(),
            home: None,
            directories: false,
        };
        let found = complete(wanted);
        assert_eq!((found.len(), found[0].as_str()), (GIVEN, "f000"));
    }
}
