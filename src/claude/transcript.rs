//! Claude Code's own record of a conversation: which messages of the user are in it.
//!
//! A process that is killed takes its queue with it. What its stream had not told yet shows only here,
//! and here alone shows what the next process will know: each version writes a message down some
//! 50 to 100 ms after it took it (2.0.37 only with the first words of its answer). The file is the
//! agent's: it is read, at its end only, and nothing of it is ever shown or run. For a session that goes on
//! in another directory it is copied; what the agent wrote is never written to.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::domain::isolation::project_name;
use crate::json::{self, Members};
use crate::platform::{self, Links};

/// Bytes at the end of a record that are looked at: what was written last stands there.
const TAIL: u64 = 32 * 1024 * 1024;

/// Most older copies of a record that are kept beside the newest.
const MAX_ASIDE: usize = 100;

/// Most project folders that are looked through.
const MAX_PROJECTS: usize = 20_000;

/// Where Claude Code keeps its records, by the environment that it runs in.
#[must_use]
pub fn config_dir(mut variable: impl FnMut(&str) -> Option<String>) -> Option<PathBuf> {
    let set = variable("CLAUDE_CONFIG_DIR").filter(|dir| !dir.is_empty());
    match set {
        Some(dir) => Some(PathBuf::from(dir)),
        None => variable("HOME").map(|home| Path::new(&home).join(".claude")),
    }
}

/// Which of the messages that were sent, each with its UUID and its line, in order, are in the record of a
/// conversation. None when there is no record.
///
/// # Errors
/// When a record is there and cannot be read.
pub fn recorded(
    config_dir: &Path,
    conversation: &str,
    sent: &[(String, String)],
) -> io::Result<Option<Vec<String>>> {
    if !is_name(conversation) {
        return Ok(None);
    }
    let projects = match fs::read_dir(config_dir.join("projects")) {
        Ok(projects) => projects,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let name = OsString::from(format!("{conversation}.jsonl"));
    let mut found = None;
    for project in projects.take(MAX_PROJECTS) {
        let path = project?.path().join(&name);
        if let Some(messages) = in_file(&path, sent)? {
            found.get_or_insert_with(Vec::new).extend(messages);
        }
    }
    Ok(found)
}

/// Copies the newest record of a conversation to where Claude Code looks for it in another directory, and
/// gives the copy; none where there is nothing to be copied. An older one that is there is moved aside.
///
/// # Errors
/// When there is a record and it cannot be copied.
pub fn carry_over(
    config_dir: &Path,
    conversation: &str,
    directory: &Path,
) -> io::Result<Option<PathBuf>> {
    // By its real path, as the agent knows it.
    let Some(project) = project_name(&directory.canonicalize()?) else {
        return Ok(None);
    };
    if !is_name(conversation) {
        return Ok(None);
    }
    let projects = config_dir.join("projects");
    let place = projects.join(project);
    let name = format!("{conversation}.jsonl");
    let mut newest: Option<(SystemTime, PathBuf, File)> = None;
    let found = match fs::read_dir(&projects) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    for project in found.take(MAX_PROJECTS) {
        let path = project?.path().join(&name);
        let Ok(file) = platform::open_regular(&path, Links::Refuse) else {
            continue;
        };
        let written = file.metadata()?.modified()?;
        if newest.as_ref().is_none_or(|(at, ..)| written > *at) {
            newest = Some((written, path, file));
        }
    }
    let copy = place.join(&name);
    let Some((_, _, mut record)) = newest.filter(|(_, path, _)| *path != copy) else {
        return Ok(None);
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&place)?;
    // A link could lead anywhere.
    if !fs::symlink_metadata(&place)?.is_dir() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let mut new = tempfile::NamedTempFile::new_in(&place)?;
    io::copy(&mut record, &mut new)?;
    new.as_file().sync_all()?;
    for number in 1..=MAX_ASIDE {
        match new.persist_noclobber(&copy) {
            Ok(_) => return Ok(Some(copy)),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => new = error.file,
            Err(error) => return Err(error.error),
        }
        let aside = place.join(format!("{name}.older-{number}"));
        if !aside.exists() {
            fs::rename(&copy, aside)?;
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

/// Whether it can be the name of a conversation.
fn is_name(conversation: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    !conversation.is_empty() && conversation.chars().all(plain)
}

/// None for what is no file.
fn in_file(path: &Path, sent: &[(String, String)]) -> io::Result<Option<Vec<String>>> {
    let mut file = match platform::open_regular(path, Links::Refuse) {
        Ok(file) => file,
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound
                    | io::ErrorKind::NotADirectory
                    | io::ErrorKind::InvalidInput
            ) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(error),
    };
    if sent.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let from = file.metadata()?.len().saturating_sub(TAIL);
    file.seek(SeekFrom::Start(from))?;
    let mut reader = BufReader::new(file.take(TAIL));
    let (mut line, mut found) = (Vec::new(), Vec::new());
    while reader.read_until(b'\n', &mut line)? > 0 {
        let text = String::from_utf8_lossy(&line);
        if sent.iter().any(|(uuid, _)| text.contains(uuid.as_str())) {
            found.extend(in_line(text.trim_end(), sent));
        }
        line.clear();
    }
    Ok(Some(found))
}

/// The messages that a line of the record holds: one that the agent began a turn with, together with those
/// that it joined to it, or one that it took up in the middle of a turn.
fn in_line(line: &str, sent: &[(String, String)]) -> Vec<String> {
    let members = Members::of(line);
    match members.string("type").as_deref() {
        Some("attachment") => {
            let uuid = members.object("attachment").text("source_uuid");
            uuid.into_iter().collect()
        }
        Some("user") => {
            let uuid = members.text("uuid").unwrap_or_default();
            let Some(last) = sent.iter().position(|(sent, _)| *sent == uuid) else {
                return Vec::new();
            };
            let content = members.object("message").get("content").map(words);
            let mut first = last;
            if let Some(content) = content {
                let mut joined = sent_words(sent, last);
                let mut from = last;
                while from > 0 && joined.len() < content.len() {
                    from -= 1;
                    joined = format!("{}\n{joined}", sent_words(sent, from));
                    if joined == content {
                        first = from;
                    }
                }
            }
            sent[first..=last]
                .iter()
                .map(|(uuid, _)| uuid.clone())
                .collect()
        }
        Some(_) | None => Vec::new(),
    }
}

/// Whether a line that was sent is a command of Claude Code's own, such as `/clear`.
#[must_use]
pub fn is_command(line: &str) -> bool {
    words_of(line).starts_with('/')
}

fn sent_words(sent: &[(String, String)], at: usize) -> String {
    sent.get(at)
        .map(|(_, line)| words_of(line))
        .unwrap_or_default()
}

fn words_of(line: &str) -> String {
    let members = Members::of(line);
    members
        .object("message")
        .get("content")
        .map(words)
        .unwrap_or_default()
}

/// The words of a message's content, which is a string or blocks.
fn words(content: &str) -> String {
    match json::elements(content) {
        Some(blocks) => {
            let texts = blocks
                .into_iter()
                .filter_map(|block| Members::of(block).text("text"));
            texts.collect::<Vec<_>>().join("\n")
        }
        None => json::text(content),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::claude::control;
    use crate::domain::OutgoingLine;
    use serde_json::json;

    fn sent(texts: &[&str]) -> Vec<(String, String)> {
        let lines = texts.iter().map(|text| control::user_message(text));
        lines
            .map(|line| {
                let uuid = OutgoingLine::message_uuid(&line.frame_id)
                    .unwrap()
                    .to_owned();
                (uuid, line.line)
            })
            .collect()
    }

    #[test]
    fn the_newest_record_is_carried_over_and_what_was_there_is_kept() {
        let home = tempfile::tempdir().unwrap();
        let places = ["one", "two"].map(|name| home.path().join(name));
        let record = |place: &Path| {
            let project = project_name(&place.canonicalize().unwrap()).unwrap();
            home.path().join("projects").join(project).join("abc.jsonl")
        };
        for place in &places {
            fs::create_dir(place).unwrap();
        }
        let carry = |to: usize| carry_over(home.path(), "abc", &places[to]).unwrap();
        assert_eq!(carry(1), None);
        let [first, second] = [record(&places[0]), record(&places[1])];
        fs::create_dir_all(first.parent().unwrap()).unwrap();
        let write = |path: &Path, text: &str, age: u64| {
            fs::write(path, text).unwrap();
            let at = SystemTime::now() - std::time::Duration::from_secs(age);
            File::options()
                .write(true)
                .open(path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        write(&first, "one", 60);
        assert_eq!(carry(0), None);
        assert_eq!(carry(1).as_deref(), Some(second.as_path()));
        assert_eq!(fs::read_to_string(&second).unwrap(), "one");
        // It went on there, and goes back.
        write(&second, "one two", 30);
        assert_eq!(carry(0).as_deref(), Some(first.as_path()));
        assert_eq!(fs::read_to_string(&first).unwrap(), "one two");
        let older = first.with_file_name("abc.jsonl.older-1");
        assert_eq!(fs::read_to_string(older).unwrap(), "one");
        assert_eq!(fs::read_to_string(&second).unwrap(), "one two");
        // A link is neither followed nor written through.
        let target = home.path().join("target");
        fs::create_dir(&target).unwrap();
        fs::remove_dir_all(second.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(&target, second.parent().unwrap()).unwrap();
        assert!(carry_over(home.path(), "abc", &places[1]).is_err());
        assert_eq!(fs::read_dir(&target).unwrap().count(), 0);
    }

    /// Which of the messages are found in a record of these lines, by their places.
    fn found(sent: &[(String, String)], lines: &[serde_json::Value]) -> Option<Vec<usize>> {
        let home = tempfile::tempdir().unwrap();
        let project = home.path().join("projects/-home-ada-work");
        fs::create_dir_all(&project).unwrap();
        fs::create_dir_all(home.path().join("projects/another")).unwrap();
        let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
        fs::write(project.join("abc.jsonl"), text).unwrap();
        let found = recorded(home.path(), "abc", sent).unwrap()?;
        Some(
            found
                .iter()
                .map(|uuid| sent.iter().position(|(sent, _)| sent == uuid).unwrap())
                .collect(),
        )
    }

    #[test]
    fn a_record_holds_what_began_a_turn_what_was_joined_to_it_and_what_was_taken_up_within() {
        let sent = sent(&["one", "two", "three \"x\"\n", "four"]);
        let user = |at: usize, content: serde_json::Value| json!({"type": "user", "uuid": sent[at].0, "message": {"role": "user", "content": content}});
        // In the words of 2.1.133 and 2.1.332.
        let queued = json!({"type": "attachment", "uuid": "x", "attachment": {"type": "queued_command", "prompt": "four", "source_uuid": sent[3].0}});
        let enqueued =
            json!({"type": "queue-operation", "operation": "enqueue", "content": "four"});
        let cases = [
            (vec![], vec![]),
            (vec![enqueued], vec![]),
            (vec![user(0, json!("one"))], vec![0]),
            (vec![user(2, json!("two\nthree \"x\"\n"))], vec![1, 2]),
            (
                vec![user(
                    2,
                    json!([{"type": "text", "text": "one"}, {"type": "text", "text": "two"}, {"type": "text", "text": "three \"x\"\n"}]),
                )],
                vec![0, 1, 2],
            ),
            // Words that are like another message's are not that message.
            (vec![user(2, json!("one two three"))], vec![2]),
            (vec![user(0, json!("one")), queued], vec![0, 3]),
        ];
        for (lines, expected) in cases {
            assert_eq!(found(&sent, &lines), Some(expected), "{lines:?}");
        }
    }

    #[test]
    fn without_a_record_nothing_is_known() {
        let home = tempfile::tempdir().unwrap();
        let sent = sent(&["one"]);
        assert_eq!(recorded(home.path(), "abc", &sent).unwrap(), None);
        fs::create_dir_all(home.path().join("projects/p/abc.jsonl")).unwrap();
        assert_eq!(recorded(home.path(), "abc", &sent).unwrap(), None);
        assert_eq!(recorded(home.path(), "../p/abc", &sent).unwrap(), None);
        // Neither what is elsewhere nor what would keep a reader waiting is read.
        fs::create_dir_all(home.path().join("projects/q")).unwrap();
        std::os::unix::fs::symlink("/dev/zero", home.path().join("projects/q/def.jsonl")).unwrap();
        assert!(recorded(home.path(), "def", &sent).is_err());
    }

    #[test]
    fn records_are_where_the_environment_says() {
        let dir = |set: &[(&str, &str)]| {
            config_dir(|name| {
                let found = set.iter().find(|(set, _)| *set == name);
                found.map(|(_, value)| (*value).to_owned())
            })
        };
        assert_eq!(dir(&[("HOME", "/h")]), Some(PathBuf::from("/h/.claude")));
        let both = [("HOME", "/h"), ("CLAUDE_CONFIG_DIR", "/c")];
        assert_eq!(dir(&both), Some(PathBuf::from("/c")));
        assert_eq!(dir(&[]), None);
    }
}
