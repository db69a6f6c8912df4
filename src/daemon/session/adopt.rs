//! Directories in the sessions' place that the database does not know: taken in, or kept and told of, never deleted.
//!
//! They are there after an older database was put back, or none. What is in them an agent can write: it is shown, and
//! permits nothing ([`crate::daemon::store::Adoption`]). No program is started for it. A process counts as the runner
//! of such a directory only if the kernel shows it: it has a runner's command line with that path, which nobody else
//! can change, holds the directory's lock, belongs to this user, and nothing above it is an agent's.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{Context, remains};
use crate::daemon::blocking::blocking;
use crate::daemon::store::{Adoption, StoreError};
use crate::domain::Session;
use crate::platform::{self, Links, ProcessId};
use crate::runner::{self, SessionDir};

/// Most directories that are looked at, and most that are adopted, at once: an agent can make as many as it likes.
const LOOKED_AT: usize = 10_000;
const ADOPTED: usize = 200;

/// Most directories that are named.
const NAMED: usize = 5;

/// How much of a journal is looked through for what its session is about.
const PEEK: u64 = 1024 * 1024;

/// Longest first message that is taken from a journal, in bytes.
const QUERY: usize = 64 * 1024;

/// What the names of directories begin with in which agents are asked about themselves. They are nobody's session.
pub const ASKING: &str = "ask-";

/// A directory, or a process, that belongs to no session and was left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: String,
    /// Why it was not adopted.
    pub why: String,
    /// Whether no process uses it, so that it may be moved.
    pub is_unused: bool,
}

/// Which directories are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// All: nothing is launched meanwhile.
    All,
    /// Those that have been as they are for a while.
    Settled,
}

/// How long a directory is left alone while sessions may be launched.
const SETTLED: Duration = Duration::from_secs(30);

/// What became of the directories that the database does not know.
#[derive(Clone, Debug, Default)]
pub struct Looked {
    /// Sessions that were made of some; each is to be supervised.
    pub adopted: Vec<Session>,
    /// What was left as it is.
    pub kept: Vec<Kept>,
    /// Processes that are over: nothing of them is needed any more.
    pub over: Vec<SessionDir>,
    /// Processes that are over as far as is known, whose runner still lives.
    pub ending: Vec<SessionDir>,
}

/// What is kept, in one line, for people.
#[must_use]
pub fn describe(kept: &[Kept], sessions: &Path) -> Option<String> {
    if kept.is_empty() {
        return None;
    }
    let named: Vec<String> = kept
        .iter()
        .take(NAMED)
        .map(|kept| format!("{} ({})", kept.name, kept.why))
        .collect();
    let more = match kept.len().saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    Some(format!(
        "{} in {} belong to no session that is known and were kept: {}{more}. `humanlayer doctor --repair` moves aside what no process uses",
        kept.len(),
        sessions.display(),
        named.join(", ")
    ))
}

/// Looks at all directories but those of these sessions, and adopts what can be adopted.
///
/// # Errors
/// When the database cannot be read or written.
pub async fn look(
    ctx: &Context,
    known: &[Session],
    which: Which,
    runners: &[RunnerCommand],
) -> Result<Looked, StoreError> {
    let mut looked = Looked::default();
    let place = ctx.sessions_dir.clone();
    for name in blocking(move || names(&place, which)).await {
        let dir = SessionDir::new(ctx.sessions_dir.join(&name));
        if known.iter().any(|session| session.directory == name) {
            continue;
        }
        let is_known = ctx.store.knows_directory(name.clone()).await?;
        let was_put_back = ctx.store.was_put_back();
        let place = dir.clone();
        let found = blocking(move || {
            if is_known || is_nothing(&place, was_put_back) {
                match runner::is_alive(&place) {
                    Ok(false) => Found::Over,
                    Ok(true) | Err(_) => Found::Ending,
                }
            } else {
                examine(&place)
            }
        })
        .await;
        let is_unused = matches!(found, Found::Kept(_));
        let kept = match found {
            Found::Over => {
                looked.over.push(dir);
                continue;
            }
            Found::Ending => {
                looked.ending.push(dir);
                continue;
            }
            Found::Kept(why) => why,
            Found::Adoptable(_) if looked.adopted.len() >= ADOPTED => {
                format!("{ADOPTED} were adopted already; the next start adopts more")
            }
            Found::Adoptable(found) => {
                let adoption = found.adoption(&name);
                let session = ctx.store.adopt(adoption).await?;
                tracing::warn!(session = %session.id, directory = name, live = found.runner.is_some(), "adopted a session that the database did not know");
                if let Some(runner) = found.runner {
                    ctx.callers
                        .runner_started(runner, &session.id, &name, false);
                }
                looked.adopted.push(session);
                continue;
            }
        };
        tracing::error!(
            directory = name,
            why = kept,
            "a directory belongs to no session that is known; it is kept"
        );
        looked.kept.push(Kept {
            name,
            why: kept,
            is_unused,
        });
    }
    let lost = runners_without_directory(ctx, known, runners);
    looked.kept.extend(lost);
    Ok(looked)
}

/// A runner that lives: its process and command line.
pub type RunnerCommand = (u32, Vec<String>);

/// All runners that live, of this daemon and of others. It reads the command line of each process of the machine.
pub fn living_runners() -> Vec<RunnerCommand> {
    platform::processes_called(&["humanlayer", runner::SUBCOMMAND])
}

/// Runners of this place whose directory is gone, and of which nothing is known. One whose agent was only asked about
/// itself loses its directory a moment before it ends.
fn runners_without_directory(
    ctx: &Context,
    known: &[Session],
    runners: &[RunnerCommand],
) -> Vec<Kept> {
    runners
        .iter()
        .filter_map(|(pid, arguments)| {
            let path = Path::new(arguments.get(2)?);
            let name = path.file_name()?.to_str()?;
            let is_ours = path.parent() == Some(&ctx.sessions_dir);
            let is_known = known.iter().any(|session| session.directory == name);
            let was_asked = name.starts_with(ASKING);
            (is_ours && !is_known && !was_asked && !path.exists()).then(|| Kept {
                name: name.to_owned(),
                why: format!(
                    "it was deleted, and its agent runs below process {pid}: `kill {pid}` ends it"
                ),
                is_unused: false,
            })
        })
        .collect()
}

fn names(place: &Path, which: Which) -> Vec<String> {
    let Ok(entries) = fs::read_dir(place) else {
        return Vec::new();
    };
    let names = entries.flatten().take(LOOKED_AT);
    let mut names: Vec<String> = names
        .filter(|entry| which == Which::All || is_settled(&entry.path()))
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort_unstable();
    names
}

/// Whether nothing has been made in a directory or taken out of it of late: a launch that is under way is not on record
/// yet.
fn is_settled(path: &Path) -> bool {
    let changed = fs::symlink_metadata(path).and_then(|found| found.modified());
    let age = changed.map(|changed| match SystemTime::now().duration_since(changed) {
        Ok(age) => age,
        Err(ahead) => ahead.duration(),
    });
    age.is_ok_and(|age| age >= SETTLED)
}

/// Moves what no process uses out of the sessions' place; says what, and gives what stays.
pub fn move_aside(sessions: &Path, kept: Vec<Kept>) -> (Vec<String>, Vec<Kept>) {
    let aside = sessions.with_file_name("quarantine");
    let (mut moved, mut stays) = (Vec::new(), Vec::new());
    for kept in kept {
        let dir = SessionDir::new(sessions.join(&kept.name));
        let is_used = !kept.is_unused || !matches!(runner_of(&dir), Ok(None));
        if is_used {
            stays.push(kept);
            continue;
        }
        let made = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&aside);
        let target = (0..)
            .map(|count| match count {
                0 => aside.join(&kept.name),
                count => aside.join(format!("{}.{count}", kept.name)),
            })
            .find(|target| fs::symlink_metadata(target).is_err());
        let target = target.unwrap_or_else(|| aside.join(&kept.name));
        match made.and_then(|()| fs::rename(dir.path(), &target)) {
            Ok(()) => moved.push(format!(
                "moved {} to {} ({})",
                dir.path().display(),
                target.display(),
                kept.why
            )),
            Err(error) => stays.push(Kept {
                why: format!("{}; it cannot be moved aside: {error}", kept.why),
                ..kept
            }),
        }
    }
    (moved, stays)
}

/// What a directory is.
enum Found {
    /// Its process is over, and nothing in it is needed.
    Over,
    /// The same, but its runner lives.
    Ending,
    /// It can be adopted.
    Adoptable(Box<Adoptable>),
    /// It cannot; why.
    Kept(String),
}

/// What a directory that can be adopted tells.
struct Adoptable {
    runner: Option<ProcessId>,
    working_dir: String,
    query: String,
    from: u64,
    until: u64,
}

impl Adoptable {
    fn adoption(&self, name: &str) -> Adoption {
        let how = match self.runner {
            Some(_) => "Its agent runs, and what it asks can be decided",
            None => "Its agent has ended",
        };
        Adoption {
            directory: name.to_owned(),
            working_dir: self.working_dir.clone(),
            query: self.query.clone(),
            from: self.from,
            until: self.until,
            detail: format!(
                "This session was not in the database and was adopted from its directory {name}. {how}. What was decided in it before is not known. An agent can write such a directory, so nothing in it permits anything, and the session is not resumed before you have acknowledged this."
            ),
        }
    }
}

/// What is in a directory before its spec is whole.
const BEFORE_SPEC: [&str; 2] = ["mcp.json", "spec.json.tmp"];

/// Whether a directory holds nothing that was ever begun: an agent was to be asked about itself, or a daemon died
/// before it had recorded a session.
fn is_nothing(dir: &SessionDir, was_put_back: bool) -> bool {
    let is_there = |path: PathBuf| fs::symlink_metadata(path).is_ok();
    if !fs::symlink_metadata(dir.path()).is_ok_and(|found| found.is_dir()) {
        return false;
    }
    if dir
        .path()
        .file_name()
        .is_some_and(|name| name.to_string_lossy().starts_with(ASKING))
    {
        return true;
    }
    let has_begun = [dir.journal(), dir.state(), dir.exit(), dir.lock()]
        .into_iter()
        .any(is_there);
    if has_begun {
        return false;
    }
    match is_there(dir.spec()) {
        true => !was_put_back,
        // A daemon died, or had no descriptor left, before it had written what was to be started.
        false => fs::read_dir(dir.path()).is_ok_and(|entries| {
            entries.into_iter().all(|entry| {
                entry.is_ok_and(|entry| BEFORE_SPEC.iter().any(|name| entry.file_name() == *name))
            })
        }),
    }
}

fn examine(dir: &SessionDir) -> Found {
    let kept = |why: &str| Found::Kept(why.to_owned());
    match fs::symlink_metadata(dir.path()) {
        Ok(found) if !found.is_dir() => return kept("it is not a directory"),
        Ok(found) if found.uid() != platform::user_id() => {
            return kept("it belongs to another user");
        }
        Ok(_) => {}
        Err(error) => return Found::Kept(error.to_string()),
    }
    let has_journal = fs::symlink_metadata(dir.journal()).is_ok_and(|found| found.is_file());
    let runner = match runner_of(dir) {
        Ok(runner) => runner,
        Err(why) => return Found::Kept(why),
    };
    if !has_journal {
        return match runner {
            Some(runner) => Found::Kept(format!(
                "its agent runs below process {} and has no journal",
                runner.pid
            )),
            None => kept("it has no journal"),
        };
    }
    match peek(&dir.journal(), 0) {
        Ok(peeked) => Found::Adoptable(Box::new(Adoptable {
            runner,
            working_dir: peeked.working_dir,
            query: peeked.query,
            from: peeked.from,
            until: peeked.until,
        })),
        Err(error) => Found::Kept(format!("its journal cannot be read: {error}")),
    }
}

/// The runner of a directory, proven by the kernel; none where none lives. Why not, where something else holds it.
fn runner_of(dir: &SessionDir) -> Result<Option<ProcessId>, String> {
    let path = dir.path();
    let called = living_runners();
    let mut called = called
        .into_iter()
        .filter(|(_, arguments)| arguments.get(2).map(Path::new) == Some(path))
        .map(|(pid, _)| pid)
        .filter(|pid| !platform::is_zombie(*pid));
    let (first, second) = (called.next(), called.next());
    let is_locked = runner::is_alive(dir).map_err(|error| error.to_string())?;
    let pid = match (first, second, is_locked) {
        (None, _, false) => return Ok(None),
        (None, _, true) => return Err("a process that is no runner holds its lock".to_owned()),
        (Some(_), Some(_), _) => {
            return Err("more than one process says that it is its runner".to_owned());
        }
        (Some(pid), None, _) => pid,
    };
    let refused = |why: &str| {
        Err(format!(
            "process {pid} says that it is its runner, but {why}"
        ))
    };
    if cfg!(target_os = "linux") && !platform::lock_holders(&dir.lock()).contains(&pid) {
        return refused("does not hold its lock");
    }
    let steps = match platform::walk(pid) {
        Ok(steps) => steps,
        Err(error) => return refused(&error.to_string()),
    };
    let Some((own, above)) = steps.split_first() else {
        return refused("it has ended");
    };
    let user = platform::user_id();
    if own.users != Some((user, user)) {
        return refused("it belongs to another user");
    }
    let is_agents = above
        .iter()
        .any(|step| step.runner_directory().is_some() || step.mark.is_some());
    if is_agents {
        return refused("an agent has started it");
    }
    Ok(Some(own.id()))
}

/// What the beginning of a journal tells.
#[derive(Debug, Default)]
struct Peeked {
    working_dir: String,
    query: String,
    /// The first byte that can be read: what is before it was given back to the disk.
    from: u64,
    /// Its end.
    until: u64,
}

fn peek(path: &Path, from: u64) -> io::Result<Peeked> {
    let file = platform::open_regular(path, Links::Refuse)?;
    let until = file.metadata()?.len();
    let from = first_byte(&file, from, until)?;
    let mut peeked = Peeked {
        from,
        until,
        ..Peeked::default()
    };
    let mut reader = BufReader::new(file);
    io::Seek::seek(&mut reader, io::SeekFrom::Start(from))?;
    let mut lines = reader.take(PEEK);
    let mut line = Vec::new();
    while (peeked.working_dir.is_empty() || peeked.query.is_empty())
        && lines.read_until(b'\n', &mut line)? > 0
    {
        if let Ok(value) = serde_json::from_slice::<Value>(&line) {
            peeked.take(&value);
        }
        line.clear();
    }
    Ok(peeked)
}

impl Peeked {
    fn take(&mut self, line: &Value) {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        match line["type"].as_str() {
            Some("system") if self.working_dir.is_empty() => {
                self.working_dir = text(&line["cwd"]).unwrap_or_default();
            }
            Some("user") if self.query.is_empty() && line["isReplay"] == true => {
                let content = &line["message"]["content"];
                let mut words = text(content)
                    .or_else(|| text(&content[0]["text"]))
                    .unwrap_or_default();
                words.truncate(words.floor_char_boundary(QUERY));
                self.query = words;
            }
            Some(_) | None => {}
        }
    }
}

/// The first byte from an offset on that holds something. Blocks that were given back read as zeros, of which a line of
/// an agent has none, and end where a line begins.
fn first_byte(file: &File, mut from: u64, until: u64) -> io::Result<u64> {
    let mut bytes = [0; 64 * 1024];
    while from < until {
        from = platform::next_data(file, from).min(until);
        let read = file.read_at(&mut bytes, from)?;
        let found = bytes.get(..read).unwrap_or_default();
        if found.is_empty() {
            break;
        }
        match found.iter().position(|byte| *byte != 0) {
            Some(at) => return Ok(from + at as u64),
            None => from += found.len() as u64,
        }
    }
    Ok(from)
}

/// After an older database was put back: notes that the journals of its sessions were read before.
///
/// # Errors
/// When the database cannot be written.
pub async fn note_read_before(ctx: &Context, session: &Session) -> Result<Session, StoreError> {
    let (dir, base) = (ctx.session_dir(session), session.journal_base);
    let at = session.journal_offset.saturating_sub(base);
    let peeked = blocking(move || peek(&dir.journal(), at)).await;
    match peeked {
        Ok(peeked) => {
            let (from, until) = (base + peeked.from, base + peeked.until);
            ctx.store.read_before(session.key, from, until).await
        }
        // It is gone, or will be told of when it is read.
        Err(_) => Ok(session.clone()),
    }
}

/// Removes what is over.
pub async fn remove(dir: &SessionDir) {
    tracing::info!(dir = %dir.path().display(), "removing the directory of a process that is over");
    remains::remove(dir).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_journal_whose_beginning_was_given_back_is_read_from_its_first_whole_line() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("journal.jsonl");
        let first = format!(
            "{{\"type\":\"system\",\"cwd\":\"/a\",\"x\":\"{}\"}}\n",
            "x".repeat(200_000)
        );
        let second = "{\"type\":\"system\",\"cwd\":\"/b\"}\n{\"type\":\"user\",\"isReplay\":true,\"message\":{\"content\":[{\"type\":\"text\",\"text\":\"hello\"}]}}\n";
        fs::write(&path, format!("{first}{second}")).unwrap();
        let whole = peek(&path, 0).unwrap();
        assert_eq!((whole.from, whole.working_dir.as_str()), (0, "/a"));
        let file = File::options().read(true).write(true).open(&path).unwrap();
        let given_back = first.len() as u64;
        if platform::punch_hole(&file, given_back).is_err() {
            return;
        }
        for at in [0, 4096, given_back] {
            let rest = peek(&path, at).unwrap();
            assert_eq!(
                (rest.from, rest.until),
                (given_back, given_back + second.len() as u64)
            );
            assert_eq!(
                (rest.working_dir.as_str(), rest.query.as_str()),
                ("/b", "hello")
            );
        }
    }

    #[test]
    fn what_is_kept_is_named_and_no_more_than_a_few() {
        assert_eq!(describe(&[], Path::new("/s")), None);
        let kept: Vec<Kept> = (0..7)
            .map(|number| Kept {
                name: number.to_string(),
                why: "it has no journal".to_owned(),
                is_unused: true,
            })
            .collect();
        let told = describe(&kept, Path::new("/s")).unwrap();
        assert!(
            told.starts_with("7 in /s belong") && told.contains("and 2 more"),
            "{told}"
        );
    }
}
