//! Which repository of git a directory belongs to, by its files alone: no program is asked.

use std::fs;
use std::path::{Path, PathBuf};

use super::{MAX_ABOVE, read_text};

/// A repository of git, by its files alone: no program is asked.
pub(super) struct Repository {
    /// The top of the worktree.
    pub top: PathBuf,
    /// Where its settings are, if there are any.
    pub settings: Option<PathBuf>,
    /// The main worktree, where this is another one.
    pub main: Option<PathBuf>,
    /// Where it came from, else where it is. Who can change that can have git run anything already.
    pub name: String,
}

impl Repository {
    pub fn of(directory: &Path) -> Option<Self> {
        let top = directory
            .ancestors()
            .take(MAX_ABOVE)
            .find(|path| fs::symlink_metadata(path.join(".git")).is_ok())?;
        let dot_git = top.join(".git");
        let named = |path: &Path, prefix: &str| -> Option<PathBuf> {
            let text = read_text(path, 4_096).ok()?;
            let path = text.trim().strip_prefix(prefix)?.trim();
            (!path.is_empty()).then(|| PathBuf::from(path))
        };
        let git_dir = match named(&dot_git, "gitdir:") {
            Some(path) => top.join(path),
            None => dot_git,
        };
        let common = match named(&git_dir.join("commondir"), "") {
            Some(path) => git_dir.join(path),
            None => git_dir,
        };
        let common = common.canonicalize().ok();
        let main = common
            .as_deref()
            .filter(|path| path.ends_with(".git"))
            .and_then(Path::parent)
            .filter(|main| *main != top)
            .map(Path::to_owned);
        let origin = common
            .as_deref()
            .and_then(|common| read_text(&common.join("config"), 256 * 1024).ok())
            .and_then(|config| origin(&config));
        let place = common
            .as_deref()
            .unwrap_or(top)
            .to_string_lossy()
            .into_owned();
        Some(Self {
            top: top.to_owned(),
            settings: common.as_deref().map(|common| common.join("config")),
            main,
            name: origin.unwrap_or(place),
        })
    }
}

/// The address of the remote called origin.
fn origin(config: &str) -> Option<String> {
    let mut within = false;
    for line in config.lines().map(str::trim) {
        if line.starts_with('[') {
            within = line.eq_ignore_ascii_case("[remote \"origin\"]");
        } else if within
            && let Some((name, value)) = line.split_once('=')
            && name.trim().eq_ignore_ascii_case("url")
            && !value.trim().is_empty()
        {
            return Some(value.trim().to_owned());
        }
    }
    None
}
