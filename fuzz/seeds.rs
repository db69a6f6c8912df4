//! What each target starts from: the recordings and lists of commands in `tests/fixtures`.
//!
//! Put into the corpus when a target starts, before libFuzzer reads it, so that the documented command
//! needs no step of its own.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};

/// Bytes of one seed that are kept: longer ones only make each run slower.
const MOST: usize = 16 * 1024;

/// The crate above.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Writes seeds into a target's corpus; what is there already stays.
pub fn put(target: &str, seeds: impl IntoIterator<Item = Vec<u8>>) {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target);
    fs::create_dir_all(&corpus).expect("a corpus");
    let mut count = 0;
    for mut seed in seeds {
        seed.truncate(MOST);
        let mut hasher = DefaultHasher::new();
        seed.hash(&mut hasher);
        let path = corpus.join(format!("seed-{:016x}", hasher.finish()));
        if !path.exists() {
            fs::write(path, seed).expect("a seed");
        }
        count += 1;
    }
    assert!(count > 0, "no fixtures were found for {target}");
    eprintln!(
        "{target}: {count} seeds of the fixtures in {}",
        corpus.display()
    );
}

/// Every line of every recording, as it was recorded: of both sides.
pub fn recorded_lines() -> Vec<String> {
    let mut lines = Vec::new();
    for file in files(&root().join("tests/fixtures")) {
        if file.extension().is_some_and(|kind| kind == "jsonl") {
            let text = fs::read_to_string(&file).expect("a recording");
            lines.extend(text.lines().map(written).filter(|line| !line.is_empty()));
        }
    }
    lines
}

/// A recorded line without what says whose it is.
fn written(recorded: &str) -> String {
    if let Some(line) = recorded
        .strip_prefix("< ")
        .or_else(|| recorded.strip_prefix("> "))
    {
        return line.to_owned();
    }
    match serde_json::from_str::<serde_json::Value>(recorded) {
        Ok(serde_json::Value::Object(one)) if one.contains_key("<") => one["<"].to_string(),
        Ok(_) | Err(_) => recorded.to_owned(),
    }
}

/// The commands of the lists by which the detector is measured.
pub fn commands() -> Vec<String> {
    let mut commands = Vec::new();
    for file in files(&root().join("tests/fixtures/danger")) {
        let text = fs::read_to_string(&file).expect("a list of commands");
        let entries = text.lines().filter(|line| !line.starts_with('#'));
        commands.extend(entries.map(|line| line.replace('⏎', "\n")));
    }
    commands
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("the fixtures") {
        let path = entry.expect("a fixture").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
