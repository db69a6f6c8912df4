//! Reading what a project brings for Claude Code: bounded, opening nothing but regular files of the
//! repository, executing nothing.
//!
//! Which files Claude Code looks at was observed on 2.0.37, 2.1.133 and 2.1.332: settings of the directory
//! and, in later versions, of those above it up to the top of the repository and of the main worktree;
//! `.mcp.json` and agents of all directories above, and agents of additional directories. As what the top is can be
//! changed while an agent works, and versions find it in different ways, the settings of all directories above count
//! here. Before a model may use a skill or a command that allows or runs something, Claude Code asks; a person who calls
//! one by a name that they know may mean another, so those are looked at, too.
//! To be called where waiting for a disk keeps nobody up.

mod named;
mod repository;
mod written;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use sha2::{Digest as _, Sha256};

use crate::daemon::git_settings;
use crate::domain::project::{self, Content, Project, Role};
use crate::platform::{self, FileKind, Links, follow_links};
use named::Names;
use repository::Repository;

/// Bytes of one text that a person is shown.
const MAX_TEXT: u64 = 128 * 1024;

/// Bytes of all texts.
const MAX_TEXTS: usize = 512 * 1024;

/// Bytes of all other files that are looked through for their fingerprints.
const MAX_BINARY: u64 = 64 * 1024 * 1024;

/// Most files.
const MAX_FILES: usize = 200;

/// Most entries of directories of agents that are looked at, and how deep.
const MAX_ENTRIES: usize = 2_000;
const MAX_DEPTH: usize = 6;

/// Most directories above that are looked at.
const MAX_ABOVE: usize = 256;

/// Files with what the model is told.
const INSTRUCTIONS: [&str; 4] = [
    "CLAUDE.md",
    "CLAUDE.local.md",
    "AGENTS.md",
    ".claude/CLAUDE.md",
];

/// The user's own settings, in the directory that Claude Code keeps for the user.
const USERS: [&str; 2] = ["settings.json", "settings.local.json"];

/// Most files that commands name and that are not there.
const MAX_MISSING: usize = 512;

/// What is run or read of a directory that is named.
const MAIN_FILES: [&str; 5] = [
    "__main__.py",
    "index.js",
    "index.mjs",
    "index.cjs",
    "package.json",
];

/// Directories in which every program can make files.
const ANYBODYS: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

/// What a project brings, and which files that depends on.
#[derive(Clone, Debug, Default)]
pub struct Found {
    /// What it brings.
    pub project: Project,
    /// All files that were looked at or for, as they were before that.
    watched: BTreeMap<PathBuf, Stamp>,
    /// The user's own settings, by path.
    users: BTreeMap<String, Content>,
    /// Files that the commands of it name, there or not, and those themselves.
    named: BTreeSet<PathBuf>,
}

/// What shows that files have changed, for each of them.
pub type Stamps = Vec<Stamp>;

/// What shows that a file has changed.
type Stamp = Option<(u64, u64, u64, i64, i64, i64, i64)>;

impl Found {
    /// How the files were before they were read.
    #[must_use]
    pub fn stamps_when_read(&self) -> Stamps {
        self.watched.values().copied().collect()
    }

    /// The user's own settings, by path.
    #[must_use]
    pub fn users(&self) -> &BTreeMap<String, Content> {
        &self.users
    }

    /// Files that decide what the project's commands do, there or not.
    #[must_use]
    pub fn named(&self) -> &BTreeSet<PathBuf> {
        &self.named
    }

    /// The user's own settings that allow more, or ask less, than they did.
    #[must_use]
    pub fn loosened(&self, before: &BTreeMap<String, Content>) -> Vec<project::File> {
        let text = |content: Option<&Content>| match content {
            None => Some(String::new()),
            Some(Content::Text(text)) => Some(text.clone()),
            Some(Content::Binary { .. } | Content::Unread(_)) => None,
        };
        let paths: BTreeSet<&String> = before.keys().chain(self.users.keys()).collect();
        let is_looser = |path: &&String| {
            let (was, is) = (before.get(*path), self.users.get(*path));
            was != is
                && !matches!((text(was), text(is)), (Some(was), Some(is)) if project::is_no_looser(&was, &is))
        };
        let found = paths.into_iter().filter(is_looser);
        found
            .map(|path| project::File {
                path: path.clone(),
                role: Role::Users,
                content: self
                    .users
                    .get(path)
                    .cloned()
                    .unwrap_or(Content::Text(String::new())),
            })
            .collect()
    }

    /// How they are now.
    #[must_use]
    pub fn stamps(&self) -> Stamps {
        self.watched.keys().map(|path| stamp(path)).collect()
    }
}

fn stamp(path: &Path) -> Stamp {
    let data = fs::metadata(path).ok()?;
    Some((
        data.dev(),
        data.ino(),
        data.size(),
        data.mtime(),
        data.mtime_nsec(),
        data.ctime(),
        data.ctime_nsec(),
    ))
}

/// Reads what a session in a directory gets from the project. `env` is the session's environment.
#[must_use]
pub fn read(directory: &Path, additional: &[String], env: &BTreeMap<String, String>) -> Found {
    let directory = directory
        .canonicalize()
        .unwrap_or_else(|_| directory.to_owned());
    let repository = Repository::of(&directory);
    let mut reader = Reader {
        user: user_directory(env),
        top: repository
            .as_ref()
            .map_or_else(|| directory.clone(), |found| found.top.clone()),
        directory: directory.clone(),
        files: BTreeMap::new(),
        watched: BTreeMap::new(),
        named: BTreeSet::new(),
        missing: 0,
        texts: 0,
        others: 0,
        entries: 0,
    };
    let above: Vec<&Path> = directory.ancestors().take(MAX_ABOVE).collect();
    for dir in &above {
        for name in USERS {
            reader.take(dir, &dir.join(".claude").join(name), Role::Settings);
        }
        let schedule = dir.join(".claude/scheduled_tasks.json");
        reader.take(dir, &schedule, Role::Schedule);
        reader.take(dir, &dir.join(".mcp.json"), Role::McpServers);
        reader.agents(dir);
        if dir.starts_with(&reader.top) {
            reader.commands(dir);
            reader.instructions(dir);
        }
    }
    if directory.ancestors().count() > MAX_ABOVE {
        let why = format!("there are more than {MAX_ABOVE} directories above");
        reader.put(
            "directories above".to_owned(),
            Role::Settings,
            Content::Unread(why),
        );
    }
    let users = reader.users();
    reader.named_by_users(&users);
    if let Some(settings) = repository
        .as_ref()
        .and_then(|found| found.settings.as_ref())
    {
        let named = git_settings::named(settings, &reader.top);
        let named = named
            .into_iter()
            .filter(|path| path.starts_with(&reader.top));
        reader.named.extend(named);
    }
    if let Some(main) = repository.as_ref().and_then(|found| found.main.clone()) {
        reader.main_worktree(&main);
    }
    for path in additional {
        let path = directory.join(path);
        let path = path.canonicalize().unwrap_or(path);
        reader.agents(&path);
        reader.commands(&path);
    }
    let name = repository.map_or_else(
        || directory.to_string_lossy().into_owned(),
        |found| found.name,
    );
    let files = reader.files.into_iter();
    Found {
        project: Project {
            repository: name,
            directory: directory.to_string_lossy().into_owned(),
            files: files
                .map(|(path, (role, content))| project::File {
                    path,
                    role,
                    content,
                })
                .collect(),
        },
        watched: reader.watched,
        named: reader.named,
        users,
    }
}

/// Where the user's own settings of Claude Code are.
fn user_directory(env: &BTreeMap<String, String>) -> Option<PathBuf> {
    let set = env.get("CLAUDE_CONFIG_DIR").filter(|path| !path.is_empty());
    let path = match set {
        Some(path) => PathBuf::from(path),
        None => Path::new(env.get("HOME")?).join(".claude"),
    };
    // It may be made later.
    Some(path.canonicalize().unwrap_or(path))
}

/// Collects files.
struct Reader {
    user: Option<PathBuf>,
    top: PathBuf,
    directory: PathBuf,
    files: BTreeMap<String, (Role, Content)>,
    watched: BTreeMap<PathBuf, Stamp>,
    named: BTreeSet<PathBuf>,
    missing: usize,
    texts: usize,
    /// Bytes of other files.
    others: u64,
    entries: usize,
}

impl Reader {
    /// Notes a file before it is looked at: what changes it meanwhile is seen later.
    fn watch(&mut self, path: &Path) {
        if !self.watched.contains_key(path) {
            self.watched.insert(path.to_owned(), stamp(path));
        }
    }

    /// Takes a file if it brings something, and what it names. `base` is the directory that it belongs to.
    fn take(&mut self, base: &Path, path: &Path, role: Role) {
        let name = self.name_of(path);
        self.take_as(name, base, path, role);
    }

    fn take_as(&mut self, name: String, base: &Path, path: &Path, role: Role) {
        if self.files.contains_key(&name) || self.is_users(path) {
            return;
        }
        self.watch(path);
        let root = if path.starts_with(&self.top) {
            self.top.clone()
        } else {
            base.to_owned()
        };
        let Some(content) = self.content(&root, path) else {
            return;
        };
        let file = project::File {
            path: name.clone(),
            role,
            content,
        };
        let alone = Project {
            files: vec![file.clone()],
            ..Project::default()
        };
        if alone.brings().is_empty() {
            return;
        }
        let names = match &file.content {
            Content::Text(text) => Names::of(role, text),
            Content::Binary { .. } | Content::Unread(_) => Names::default(),
        };
        self.put(name.clone(), role, file.content);
        if names.is_cut {
            let why = "it names more files than are looked at".to_owned();
            self.put(format!("{name}: more files"), role, Content::Unread(why));
        }
        let bases = self.bases(base, &names.directories);
        for word in &names.words {
            for place in &bases {
                self.named(place, word, names.is_of_commands);
            }
            // An agent names its skills, and not where they are.
            let word = word.trim_matches(['[', ']']);
            if role == Role::Agent && is_name(word) {
                for place in &bases {
                    self.named(place, &format!(".claude/skills/{word}/SKILL.md"), false);
                    self.named(place, &format!(".claude/commands/{word}.md"), false);
                }
            }
        }
    }

    /// The directories from which a file may name others: those that its commands change to are taken from each.
    fn bases(&self, base: &Path, directories: &[String]) -> Vec<PathBuf> {
        let mut bases = vec![self.directory.clone(), base.to_owned(), self.top.clone()];
        bases.dedup();
        let inner: Vec<PathBuf> = directories
            .iter()
            .flat_map(|directory| bases.iter().map(move |base| base.join(directory)))
            .map(|path| without_dots(&path))
            .filter(|path| path.starts_with(&self.top))
            .collect();
        bases.extend(inner);
        let mut known = BTreeSet::new();
        bases.retain(|path| known.insert(path.clone()));
        bases
    }

    fn put(&mut self, name: String, role: Role, content: Content) {
        let content = match content {
            Content::Text(text) if self.texts + text.len() > MAX_TEXTS => Content::Unread(format!(
                "with it there would be more than {MAX_TEXTS} bytes to read"
            )),
            content => content,
        };
        if let Content::Text(text) = &content {
            self.texts += text.len();
        }
        if self.files.len() >= MAX_FILES {
            let more = "more files".to_owned();
            let why = format!("there are more than {MAX_FILES} files");
            self.files.insert(more, (role, Content::Unread(why)));
            return;
        }
        self.files.insert(name, (role, content));
    }

    /// Whether a file is of the user's own settings, and not of the project's.
    fn is_users(&self, path: &Path) -> bool {
        let directory = path.parent().and_then(|parent| parent.canonicalize().ok());
        match (&self.user, directory) {
            (Some(user), Some(directory)) => directory.starts_with(user),
            _ => false,
        }
    }

    /// The path of a file from the top of the repository.
    fn name_of(&self, path: &Path) -> String {
        let inside = path.strip_prefix(&self.top).unwrap_or(path);
        inside.to_string_lossy().into_owned()
    }

    /// What is in a file; none where there is none.
    fn content(&mut self, root: &Path, path: &Path) -> Option<Content> {
        let (real, kind) = match follow_links(path) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotADirectory => return None,
            Err(error) => return Some(Content::Unread(error.to_string())),
        };
        match kind {
            FileKind::Missing => None,
            FileKind::Directory | FileKind::Special => {
                Some(Content::Unread("it is not a regular file".to_owned()))
            }
            FileKind::File { .. } if !real.starts_with(root) => {
                let why = format!(
                    "it is a link that leads out of the repository, to {}",
                    real.display()
                );
                Some(Content::Unread(why))
            }
            FileKind::File { .. } => {
                let left = MAX_BINARY.saturating_sub(self.others);
                let content = read_file(&real, left);
                let content = content.unwrap_or_else(|error| Content::Unread(error.to_string()));
                match &content {
                    Content::Binary { bytes, .. } => self.others += bytes,
                    // It may be one that was looked through as far as there was room.
                    Content::Unread(_) => {
                        self.others += fs::metadata(&real).map_or(0, |data| data.len()).min(left)
                    }
                    Content::Text(_) => {}
                }
                Some(content)
            }
        }
    }

    /// Definitions of agents in a directory.
    fn agents(&mut self, base: &Path) {
        let agents = base.join(".claude/agents");
        for path in self.below(&agents, 0) {
            self.take(base, &path, Role::Agent);
        }
    }

    /// Commands and skills of a directory.
    fn commands(&mut self, base: &Path) {
        for path in self.below(&base.join(".claude/commands"), 0) {
            self.take(base, &path, Role::Command);
        }
        for path in self.below(&base.join(".claude/skills"), 0) {
            let name = path
                .file_name()
                .map(|name| name.to_string_lossy().to_lowercase());
            if name.is_some_and(|name| name == "skill.md") {
                self.take(base, &path, Role::Command);
            }
        }
    }

    /// What the model is told, where that is a link out of the repository: it is sent away unasked.
    fn instructions(&mut self, base: &Path) {
        let rules = self.below(&base.join(".claude/rules"), 0);
        let files = INSTRUCTIONS.map(|name| base.join(name));
        for path in files.into_iter().chain(rules) {
            let Ok((real, FileKind::File { .. })) = follow_links(&path) else {
                continue;
            };
            if !real.starts_with(&self.top) && !self.is_users(&path) {
                self.take(base, &path, Role::Instructions);
            }
        }
    }

    /// The user's own settings.
    fn users(&mut self) -> BTreeMap<String, Content> {
        let Some(user) = self.user.clone() else {
            return BTreeMap::new();
        };
        let mut found = BTreeMap::new();
        for path in USERS.map(|name| user.join(name)) {
            self.watch(&path);
            // They may be kept elsewhere, and linked to.
            let content = match follow_links(&path) {
                Ok((real, FileKind::File { .. })) => read_file(&real, MAX_BINARY)
                    .unwrap_or_else(|error| Content::Unread(error.to_string())),
                Ok((_, FileKind::Missing)) => continue,
                Ok(_) => Content::Unread("it is not a regular file".to_owned()),
                Err(error) => Content::Unread(error.to_string()),
            };
            found.insert(path.to_string_lossy().into_owned(), content);
        }
        found
    }

    /// Notes the files of the project that the user's own settings run. They are no part of what the project brings.
    fn named_by_users(&mut self, users: &BTreeMap<String, Content>) {
        for content in users.values() {
            let Content::Text(text) = content else {
                continue;
            };
            let names = Names::of(Role::Settings, text);
            for place in self.bases(&self.top.clone(), &names.directories) {
                for word in &names.words {
                    let path = without_dots(&place.join(word));
                    if !path.starts_with(&self.top) || path.components().count() > 128 {
                        continue;
                    }
                    if let Ok((real, FileKind::File { .. } | FileKind::Missing)) =
                        follow_links(&path)
                    {
                        self.named.extend([path, real]);
                    }
                }
            }
        }
    }

    /// Markdown files below a directory; links to directories are followed by nobody here, but said.
    fn below(&mut self, directory: &Path, depth: usize) -> Vec<PathBuf> {
        self.watch(directory);
        let Ok(entries) = fs::read_dir(directory) else {
            return Vec::new();
        };
        let mut found = Vec::new();
        for entry in entries.flatten() {
            self.entries += 1;
            if self.entries > MAX_ENTRIES || depth > MAX_DEPTH {
                let why = "there are too many files to be looked at".to_owned();
                self.put(self.name_of(directory), Role::Agent, Content::Unread(why));
                break;
            }
            let path = entry.path();
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => found.extend(self.below(&path, depth + 1)),
                Ok(kind) if kind.is_symlink() && path.is_dir() => {
                    let why = "it is a link to a directory".to_owned();
                    self.put(self.name_of(&path), Role::Agent, Content::Unread(why));
                }
                Ok(_) if path.extension().is_some_and(|end| end == "md") => found.push(path),
                Ok(_) | Err(_) => {}
            }
        }
        found.sort();
        found
    }

    /// What later versions take from the main worktree where a further one has no file of that name.
    fn main_worktree(&mut self, main: &Path) {
        let (top, relative) = (self.top.clone(), |path: &Path| {
            path.strip_prefix(main)
                .map(Path::to_owned)
                .unwrap_or_default()
        });
        let local = main.join(".claude/settings.local.json");
        let agents = self.below(&main.join(".claude/agents"), 0);
        // As if it were in this one, so that the answer is the same in each.
        self.top = main.to_owned();
        for (path, role) in std::iter::once((local, Role::Settings))
            .chain(agents.into_iter().map(|path| (path, Role::Agent)))
        {
            let inside = relative(&path);
            let name = inside.to_string_lossy().into_owned();
            let own = top.join(&inside);
            if own.exists() && role == Role::Settings {
                self.take_as(format!("main worktree: {name}"), main, &path, role);
            } else if !own.exists() {
                self.take_as(name, main, &path, role);
            }
        }
        self.top = top;
    }

    /// Takes a file that another one names. `is_run` says that a command names it: then it counts before it is there, too.
    fn named(&mut self, place: &Path, word: &str, is_run: bool) {
        if let Some(directory) = named::directory_of_pattern(word) {
            self.named_directory(place, directory, is_run);
        }
        let path = place.join(word);
        if path.components().count() > 128 {
            return;
        }
        let path = without_dots(&path);
        if !path.starts_with(&self.top) {
            if is_run && word.starts_with('/') {
                self.named_elsewhere(&path);
            }
            return;
        }
        let Ok((real, kind)) = follow_links(&path) else {
            return;
        };
        match kind {
            FileKind::File { .. } => {
                self.named.insert(real);
                self.named_file(&path);
            }
            FileKind::Directory if real != self.top && real.starts_with(&self.top) => {
                for main in MAIN_FILES {
                    let inside = path.join(main);
                    if inside.is_file() && path != *place {
                        self.named_file(&inside);
                    }
                }
            }
            FileKind::Missing if is_run && self.missing < MAX_MISSING => {
                self.missing += 1;
                self.watch(&path);
                self.named.insert(real);
                self.named.insert(path.clone());
                self.with_an_end(&path);
            }
            FileKind::Missing | FileKind::Directory | FileKind::Special => {}
        }
    }

    /// Takes the file that a program finds by its name without the end.
    fn with_an_end(&mut self, path: &Path) {
        let Some(name) = path.file_name().filter(|_| path.extension().is_none()) else {
            return;
        };
        for end in ["js", "mjs", "cjs", "ts", "py"] {
            let path = path.with_file_name(format!("{}.{end}", name.to_string_lossy()));
            if path.is_file() {
                self.named_file(&path);
            }
        }
    }

    /// Takes the files of a directory of which a pattern stands for some.
    fn named_directory(&mut self, place: &Path, directory: &str, is_run: bool) {
        let directory = without_dots(&place.join(directory));
        if !is_run || !directory.starts_with(&self.top) || directory == self.top {
            return;
        }
        self.watch(&directory);
        let Ok(entries) = fs::read_dir(&directory) else {
            return;
        };
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        for path in paths {
            self.entries += 1;
            if self.entries > MAX_ENTRIES {
                let why = "there are too many files to be looked at".to_owned();
                self.put(self.name_of(&directory), Role::Named, Content::Unread(why));
                return;
            }
            if path.is_file() {
                self.named_file(&path);
            }
        }
    }

    /// Says of a file outside of the repository that every program may write it: what runs there can change at any time.
    fn named_elsewhere(&mut self, path: &Path) {
        let name = path.to_string_lossy().into_owned();
        let is_anybodys = ANYBODYS.iter().any(|place| path.starts_with(place));
        if is_anybodys && !path.is_dir() && !self.files.contains_key(&name) {
            let what = "not looked at: every program can change what is in this directory\n";
            self.put(name, Role::Named, Content::Text(what.to_owned()));
        }
    }

    fn named_file(&mut self, path: &Path) {
        let name = self.name_of(path);
        self.named.insert(path.to_owned());
        self.watch(path);
        let root = self.top.clone();
        if !self.files.contains_key(&name)
            && let Some(content) = self.content(&root, path)
        {
            self.put(name, Role::Named, content);
        }
    }
}

fn is_name(word: &str) -> bool {
    !word.is_empty() && !word.contains('/') && word.len() <= 200
}

fn without_dots(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

fn read_text(path: &Path, limit: u64) -> io::Result<String> {
    let mut text = String::new();
    platform::open_regular(path, Links::Refuse)?
        .take(limit)
        .read_to_string(&mut text)?;
    Ok(text)
}

/// What is in a file, of which at most so many bytes are looked through where it is no text.
fn read_file(path: &Path, most: u64) -> io::Result<Content> {
    let mut file = platform::open_regular(path, Links::Refuse)?;
    let mut bytes = Vec::new();
    file.by_ref().take(MAX_TEXT + 1).read_to_end(&mut bytes)?;
    let is_long = bytes.len() as u64 > MAX_TEXT;
    let too_long = || Content::Unread(format!("it is a text of more than {MAX_TEXT} bytes"));
    match String::from_utf8(bytes) {
        Ok(text) if text.contains('\0') => binary(text.into_bytes(), file, most),
        Ok(_) if is_long => Ok(too_long()),
        Ok(text) => Ok(Content::Text(text)),
        // A long text may be cut in the middle of a character.
        Err(error) if is_long && error.utf8_error().error_len().is_none() => Ok(too_long()),
        Err(error) => binary(error.into_bytes(), file, most),
    }
}

fn binary(begin: Vec<u8>, rest: File, most: u64) -> io::Result<Content> {
    let mut hash = Sha256::new();
    hash.update(&begin);
    let mut rest = rest.take(most);
    let mut buffer = vec![0; 64 * 1024];
    let mut bytes = begin.len() as u64;
    loop {
        let count = rest.read(&mut buffer)?;
        if count == 0 {
            break;
        }
        hash.update(buffer.get(..count).unwrap_or_default());
        bytes += count as u64;
    }
    if bytes >= most {
        return Ok(Content::Unread(format!(
            "with it there would be more than {MAX_BINARY} bytes to look through"
        )));
    }
    Ok(Content::Binary {
        bytes,
        sha256: hex::encode(hash.finalize()),
    })
}

#[cfg(test)]
#[path = "project_tests.rs"]
mod tests;
