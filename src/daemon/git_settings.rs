//! What a repository's own settings of git lead to: hooks, included files, programs.
//!
//! Read as a file: no program is asked, and nothing that is not there is named.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use crate::platform::{self, Links};

/// Bytes of a configuration that are read.
const MAX_CONFIG: u64 = 1024 * 1024;

/// What a configuration names that is run or obeyed, as absolute paths of what is there: its hooks, files that it
/// includes, programs. `top` is the top of the worktree, from which git takes most of them.
#[must_use]
pub fn named(config: &Path, top: &Path) -> Vec<PathBuf> {
    const KEYS: [&str; 16] = [
        "askpass",
        "clean",
        "cmd",
        "command",
        "driver",
        "editor",
        "fsmonitor",
        "helper",
        "hookspath",
        "pager",
        "path",
        "process",
        "program",
        "smudge",
        "sshcommand",
        "textconv",
    ];
    let mut text = String::new();
    let read = platform::open_regular(config, Links::Refuse)
        .and_then(|file| file.take(MAX_CONFIG).read_to_string(&mut text));
    if read.is_err() {
        return Vec::new();
    }
    let settings = text.lines().filter_map(|line| line.split_once('='));
    let named = settings.filter(|(key, _)| KEYS.contains(&key.trim().to_lowercase().as_str()));
    let words = named.flat_map(|(_, value)| value.split([' ', '\t', '"', '\'', ';', '!']));
    let bases = [Some(top), config.parent()];
    let paths = words.filter(|word| !word.is_empty()).flat_map(|word| {
        let bases = bases.into_iter().flatten();
        bases.map(move |base| base.join(word))
    });
    let mut found: Vec<PathBuf> = paths
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    found.sort();
    found.dedup();
    found
}
