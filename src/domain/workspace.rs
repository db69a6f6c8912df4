//! Which files a standing permission covers: those of a session's workspace that set nothing up.
//!
//! A person who has edits accepted without asking, or who allows a whole tool, thinks of the files that
//! the agent works on, not of those that decide what runs or what is asked. So a file is covered if it
//! lies in the session's directories, as it is named and where links lead, and is not protected:
//!
//! | protected | because |
//! | --- | --- |
//! | `.claude` (but not the worktrees in it), `.mcp.json`, `CLAUDE.md` and the like, other agents' and editors' directories | they say what agents run, may do and are told |
//! | `.git`, `.gitmodules`, `.husky` and the like | git runs what they name |
//! | start files of shells and of other programs, `.envrc`, units, jobs, login items | they run by themselves later |
//! | keys and passwords, the system's own files, all that is hidden in the home directory | they are no part of a project |
//! | what commands of the project's settings of Claude Code name: hooks, MCP servers | they run unasked |
//! | `humanlayer.json`, and what the daemon itself keeps | they say what is asked |
//!
//! `CLAUDE.md` runs nothing, but every later agent obeys it, also one that does not ask.
//!
//! Pure: where links lead is found out elsewhere and told ([`Place`]). Between that and the agent's own
//! access somebody can still replace a directory by a link; so can they after a person's yes.

mod protected;

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;

use super::tool::Tool;
use protected::protected;

/// Most paths of one call that are looked at.
const MAX_PATHS: usize = 64;

/// Levels of an input that are looked into, and values of it.
const MAX_DEPTH: usize = 6;
const MAX_VALUES: usize = 512;

/// The longest path that a system opens.
const MAX_PATH: usize = 4_096;

/// Where a session works and what is not its business.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Workspace {
    /// Its working directory and the additional ones.
    pub directories: Vec<String>,
    /// Where these led when the session was launched: where they lead now, an agent may have decided.
    pub led_to: Vec<String>,
    /// The home directory of the user.
    pub home: Option<String>,
    /// Directories of the daemon's own.
    pub own: Vec<String>,
    /// Files that decide what commands of the project's settings do, as they are named and where links lead.
    pub named: Arc<BTreeSet<String>>,
}

/// Where the links of a path lead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The path without a link in it.
    pub path: String,
    /// What is there.
    pub file: File,
}

/// What is at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// Nothing yet.
    Missing,
    /// A file with this one name.
    Plain,
    /// A directory.
    Directory,
    /// A file that has other names too.
    Linked,
    /// A device, a pipe or a socket.
    Special,
}

/// Why a standing permission does not cover a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotCovered {
    /// A protected file.
    #[error("the file is protected: it {0}")]
    Protected(&'static str),
    /// A file elsewhere.
    #[error("the path is outside the workspace")]
    Outside,
    /// A path that can mean several.
    #[error("the path can mean several files")]
    Unclear,
    /// Nobody has looked yet at what the project runs.
    #[error("it is not known yet what the project's settings run")]
    NotLooked,
    /// Nobody could find out where it leads.
    #[error("it could not be found out where the path leads")]
    NotFollowed,
}

/// Whether accepting edits stands for a tool.
#[must_use]
pub fn is_edit_tool(tool: &str) -> bool {
    Tool::of(tool).is_some_and(Tool::changes_files)
}

/// Follows the links of absolute paths, in their order; none when that takes too long.
pub type Follow<'a> = dyn Fn(Vec<String>) -> Option<Vec<Option<Place>>> + 'a;

/// Whether a standing permission for edits covers a call.
///
/// # Errors
/// Why not.
pub fn covers_edit(
    workspace: &Workspace,
    tool: &str,
    input: &Value,
    follow: &Follow<'_>,
) -> Result<(), NotCovered> {
    let paths = paths(tool, input)?;
    // An edit of no file is none that is understood.
    if paths.is_empty() || !is_edit_tool(tool) || !is_usual_edit(input) {
        return Err(NotCovered::Unclear);
    }
    judge(workspace, &paths, follow)
}

/// Whether an input has the fields of edits and no other: the answer hands it back whole, and what else is in
/// it could mean something to another tool.
fn is_usual_edit(input: &Value) -> bool {
    const FIELDS: [&str; 11] = [
        "file_path",
        "content",
        "old_string",
        "new_string",
        "replace_all",
        "edits",
        "notebook_path",
        "cell_id",
        "cell_type",
        "edit_mode",
        "new_source",
    ];
    input
        .as_object()
        .is_some_and(|fields| fields.keys().all(|name| FIELDS.contains(&name.as_str())))
}

/// Whether a rule that allows a whole tool covers a call, as far as that is about files.
///
/// # Errors
/// Why not.
pub fn covers_tool(
    workspace: &Workspace,
    tool: &str,
    input: &Value,
    follow: &Follow<'_>,
) -> Result<(), NotCovered> {
    let paths = paths(tool, input)?;
    if paths.is_empty() {
        return Ok(());
    }
    judge(workspace, &paths, follow)
}

fn judge(workspace: &Workspace, paths: &[String], follow: &Follow<'_>) -> Result<(), NotCovered> {
    let mut named = Vec::with_capacity(paths.len());
    for path in paths {
        named.push(normal(path)?);
    }
    // Both as they are written and with `..` taken out first: programs do either.
    let known = [&workspace.directories, &workspace.own];
    let known = known.into_iter().flatten().chain(&workspace.home);
    let mut asked: Vec<String> = known.cloned().collect();
    let own = asked.len();
    asked.extend(paths.iter().chain(&named).cloned());
    let wanted = asked.len();
    let mut places = follow(asked)
        .filter(|places| places.len() == wanted)
        .ok_or(NotCovered::NotFollowed)?
        .into_iter();
    let known: Vec<Option<String>> = places
        .by_ref()
        .take(own)
        .map(|place| place.map(|place| place.path))
        .collect();
    let both = workspace.as_named_and(&known);
    for path in &named {
        both.check(path)?;
    }
    for place in places {
        let place = place.ok_or(NotCovered::NotFollowed)?;
        match place.file {
            File::Missing | File::Plain | File::Directory => {}
            File::Linked | File::Special => return Err(NotCovered::Unclear),
        }
        both.check(&place.path)?;
    }
    Ok(())
}

impl Workspace {
    /// It as it is named, and as where that leads.
    fn as_named_and(&self, places: &[Option<String>]) -> Known {
        let split = self.directories.len();
        let homes = split + self.own.len();
        let of = |names: &[String], range: std::ops::Range<usize>| -> Vec<String> {
            let places = places.get(range).unwrap_or_default().iter().flatten();
            let all = names.iter().chain(places);
            all.filter_map(|path| normal(path).ok()).collect()
        };
        let led_to: Vec<String> = self
            .led_to
            .iter()
            .filter_map(|path| normal(path).ok())
            .collect();
        let named = of(&self.directories, 0..0);
        let mut directories = of(&self.directories, 0..split);
        directories.retain(|directory| named.contains(directory) || led_to.contains(directory));
        Known {
            directories,
            own: of(&self.own, split..homes),
            homes: of(self.home.as_slice(), homes..places.len()),
            named: Arc::clone(&self.named),
        }
    }
}

/// A workspace in normal paths.
struct Known {
    directories: Vec<String>,
    own: Vec<String>,
    homes: Vec<String>,
    named: Arc<BTreeSet<String>>,
}

impl Known {
    /// Checks a normal path.
    fn check(&self, path: &str) -> Result<(), NotCovered> {
        let holds_it = self.directories.iter().filter(|root| is_within(path, root));
        let root = holds_it
            .max_by_key(|root| root.len())
            .ok_or(NotCovered::Outside)?;
        // Who works in a part of it was put there by a person.
        let is_own =
            |own: &&String| is_within(path, own) && !(is_within(root, own) && root != *own);
        if self.own.iter().any(|own| is_own(&own)) {
            return Err(NotCovered::Protected("belongs to humanlayer"));
        }
        let is_hidden_at_home = |home: &&String| {
            is_within(home, root)
                && path
                    .strip_prefix(home.trim_end_matches('/'))
                    .is_some_and(|rest| rest.starts_with("/."))
        };
        if self.homes.iter().any(|home| is_hidden_at_home(&home)) {
            return Err(NotCovered::Protected("sets up the user's programs"));
        }
        let is_named = |path: &Path| path.to_str().is_some_and(|path| self.named.contains(path));
        // A directory of hooks is named as a whole; one that holds the workspace is not meant.
        let within = Path::new(path).ancestors();
        if within
            .take_while(|path| path.as_os_str() != root.as_str())
            .any(is_named)
        {
            return Err(NotCovered::Protected(
                "is named by a command of the project's settings",
            ));
        }
        protected(path, root).map_or(Ok(()), |reason| Err(NotCovered::Protected(reason)))
    }
}

/// Whether a normal path is a normal directory or lies in it.
fn is_within(path: &str, directory: &str) -> bool {
    Path::new(path).starts_with(directory)
}

/// A path without `.`, `..` and empty parts.
///
/// # Errors
/// [`NotCovered::Unclear`] for one that programs take in different ways: relative to a directory that
/// may have changed, with blanks at an end, or with characters that are not what they seem.
fn normal(path: &str) -> Result<String, NotCovered> {
    let is_odd = |part: &str| {
        let is_hidden_in_another_script = part.starts_with('.') && !part.is_ascii();
        part.trim() != part || part.contains(is_odd_character) || is_hidden_in_another_script
    };
    if !path.starts_with('/') || path.len() > MAX_PATH || path.split('/').any(is_odd) {
        return Err(NotCovered::Unclear);
    }
    let mut normal = PathBuf::from("/");
    for part in Path::new(path).components() {
        match part {
            Component::Normal(part) => normal.push(part),
            Component::ParentDir => drop(normal.pop()),
            Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
        }
    }
    normal
        .into_os_string()
        .into_string()
        .map_err(|_| NotCovered::Unclear)
}

/// Characters that some file systems or programs drop, compose or take for others.
fn is_odd_character(c: char) -> bool {
    let combines =
        matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{20d0}'..='\u{20ff}');
    c == '\\' || c.is_control() || combines || super::text::is_deceptive(c)
}

/// The paths that a call names.
///
/// # Errors
/// [`NotCovered::Unclear`] when there are more than are looked at.
fn paths(tool: &str, input: &Value) -> Result<Vec<String>, NotCovered> {
    let mut found = Found {
        paths: Vec::new(),
        values: MAX_VALUES,
        is_too_much: false,
    };
    match Tool::of(tool) {
        Some(Tool::Bash) => {}
        Some(Tool::Glob) => {
            found.look("path", input.get("path"), 0);
            let pattern = input.get("pattern").and_then(Value::as_str);
            // Where a pattern leads to is not worked out.
            if pattern.is_some_and(leads_elsewhere) {
                return Err(NotCovered::Unclear);
            }
        }
        _ => found.fields(input, 0),
    }
    if found.is_too_much {
        return Err(NotCovered::Unclear);
    }
    Ok(found.paths)
}

fn leads_elsewhere(pattern: &str) -> bool {
    pattern.starts_with(['/', '~']) || pattern.contains("..") || pattern.contains(['{', '\\'])
}

struct Found {
    paths: Vec<String>,
    values: usize,
    is_too_much: bool,
}

impl Found {
    fn fields(&mut self, value: &Value, depth: usize) {
        let Value::Object(fields) = value else { return };
        for (name, value) in fields {
            self.look(name, Some(value), depth);
        }
    }

    fn look(&mut self, name: &str, value: Option<&Value>, depth: usize) {
        if self.values == 0 || depth > MAX_DEPTH || self.paths.len() >= MAX_PATHS {
            self.is_too_much = true;
            return;
        }
        self.values -= 1;
        match value {
            // An address of another kind is no path in the workspace.
            Some(Value::String(text)) if names_a_file(name) => {
                let path = text.strip_prefix("file://").unwrap_or(text);
                let is_address = path.len() < text.len();
                self.is_too_much |= is_address && path.contains(['%', '?', '#']);
                self.paths.push(path.to_owned());
            }
            Some(Value::Array(values)) => {
                for value in values {
                    match value {
                        Value::String(_) => self.look(name, Some(value), depth + 1),
                        value => self.fields(value, depth + 1),
                    }
                }
            }
            Some(value) => self.fields(value, depth + 1),
            None => {}
        }
    }
}

/// Whether a field of an input names a file, by its last word: `file_path`, `destinationPath`, `paths`,
/// `fileName`.
fn names_a_file(field: &str) -> bool {
    const WORDS: [&str; 19] = [
        "path",
        "paths",
        "pathname",
        "file",
        "files",
        "filename",
        "filenames",
        "filepath",
        "filepaths",
        "directory",
        "directories",
        "dir",
        "folder",
        "destination",
        "dest",
        "source",
        "uri",
        "uris",
        "cwd",
    ];
    let mut words: [String; 2] = Default::default();
    let [before, last] = &mut words;
    let mut previous = '_';
    for c in field.chars() {
        let begins = !previous.is_alphanumeric() || (c.is_uppercase() && previous.is_lowercase());
        if c.is_alphanumeric() {
            if begins && !last.is_empty() {
                std::mem::swap(before, last);
                last.clear();
            }
            last.extend(c.to_lowercase());
        }
        previous = c;
    }
    let is_name = matches!(last.as_str(), "name" | "names");
    let word = if is_name { before } else { last };
    WORDS.contains(&word.as_str())
}

#[cfg(test)]
#[path = "workspace_tests.rs"]
mod tests;
