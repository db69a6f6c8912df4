//! What an isolated agent sees of the machine: which places it can write to, which it can only read, and
//! which are hidden from it.
//!
//! A pure value, worked out from what is where ([`Surroundings`]). The rule is an allow-list: everything is
//! read-only but what is named here. Who makes it so is `platform::isolation`.

use std::path::{Path, PathBuf};

/// Where an isolated agent works, and what is around that. All paths are absolute and without symbolic
/// links.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Surroundings {
    /// The user's number.
    pub user: u32,
    /// The agent's home, and the user's, where that is another one.
    pub homes: Vec<PathBuf>,
    /// Where it works: the working directory first, then additional ones.
    pub workspace: Vec<PathBuf>,
    /// The directories of git repositories to which these belong.
    pub repositories: Vec<PathBuf>,
    /// Files and directories in these that git commands outside obey: what is in them is run, or says where that is.
    pub obeyed: Vec<PathBuf>,
    /// Claude Code's directory.
    pub claude: PathBuf,
    /// What is in it: the names, and where that is, which is elsewhere for a symbolic link.
    pub claude_entries: Vec<(String, PathBuf)>,
    /// Claude Code's file of settings that it writes itself, where there is one.
    pub claude_state: Option<PathBuf>,
    /// The name of the directory in which it keeps the conversations of the workspace.
    pub project: String,
    /// Where the session's own lists, plans and file versions are kept.
    pub kept: PathBuf,
    /// The daemon's directory.
    pub state: PathBuf,
    /// The directory with nothing in it but the socket for agents.
    pub socket_directory: PathBuf,
    /// The directories of our configuration.
    pub configuration: Vec<PathBuf>,
    /// The file with the session's MCP servers, where it has some.
    pub mcp_config: Option<PathBuf>,
    /// The file that names the servers of the system's names, if it is one below `/run`.
    pub resolver: Option<PathBuf>,
}

/// One place, and what an isolated agent finds there. In this order: what comes later lies within or
/// beside what came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Where it is.
    pub at: PathBuf,
    /// What it finds.
    pub view: View,
}

/// What an isolated agent finds at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum View {
    /// The thing itself.
    Writable,
    /// The thing itself, which cannot be changed.
    ReadOnly,
    /// Another thing, to be changed or not.
    Other(PathBuf, bool),
    /// The directory without its sockets, which cannot be changed.
    Still,
    /// The directory, changes to which are gone with the process.
    Passing,
    /// An empty directory, what is written to which is gone with the process.
    Scratch(u32),
    /// An empty directory that cannot be changed.
    Hidden,
    /// A file with this text, which cannot be changed.
    Text(&'static str),
    /// A copy of another file, changes to which are gone with the process.
    Copy(PathBuf),
}

/// Why an agent cannot be isolated where it is to work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// A directory to be written to contains what must not be.
    #[error(
        "{} cannot be written to by an isolated agent, because it contains {}: name a directory below it",
        directory.display(), inside.display()
    )]
    Contains {
        /// The directory.
        directory: PathBuf,
        /// What is in it.
        inside: PathBuf,
    },
    /// A directory to be written to lies in what must not be.
    #[error(
        "{} cannot be written to by an isolated agent, because it is in {}, which other programs trust",
        directory.display(), around.display()
    )]
    Within {
        /// The directory.
        directory: PathBuf,
        /// What it is in.
        around: PathBuf,
    },
}

/// Directories in a home that no agent may work in while it is isolated: what is in them is run, or
/// believed, by the user's other programs.
const TRUSTED: [&str; 4] = [".config", ".local", ".ssh", ".gnupg"];

/// Directories in a home that are hidden: what an agent of keys or a signing program would do is not to be
/// had by reading the keys either.
pub const KEYS: [&str; 2] = [".ssh", ".gnupg"];

/// Directories in a home into which build tools write. What they write is gone with the process, so that
/// nothing in them is changed for others.
const CACHES: [&str; 14] = [
    ".bun",
    ".bundle",
    ".cache",
    ".cargo",
    ".deno",
    ".gradle",
    ".m2",
    ".npm",
    ".nuget",
    ".pnpm-store",
    ".rustup",
    ".yarn",
    "go",
    ".gem",
];

/// Directories of the system that hold sockets by which members of a group become root.
const POWERS: [&str; 3] = ["/var/snap/lxd/common/lxd", "/var/lib/lxd", "/var/lib/incus"];

/// What Claude Code writes for itself into its directory, and is each process's own here. Everything else
/// in there is the user's, and read-only.
const CLAUDE_DATA: [&str; 28] = [
    ".claude.json",
    ".last-cleanup",
    "__store.db",
    "backups",
    "cache",
    "daemon",
    "debug",
    "downloads",
    "file-history",
    "history.jsonl",
    "ide",
    "image-cache",
    "jobs",
    "logs",
    "mcp-needs-auth-cache.json",
    "paste-cache",
    "plans",
    "projects",
    "session-env",
    "sessions",
    "shell-snapshots",
    "stats-cache.json",
    "statsig",
    "tasks",
    "teams",
    "telemetry",
    "todos",
    "usage-data",
];

/// Of that, what the session's next process finds again.
pub const CLAUDE_KEPT: [&str; 4] = ["file-history", "plans", "tasks", "todos"];

/// Where Claude Code keeps what it has learned about a project, in the directory of its conversations.
pub const MEMORY: &str = "memory";

/// Claude Code's settings of the user: an agent that could write them would answer its own questions. They
/// are there, empty, where the user has none.
const CLAUDE_SETTINGS: [&str; 2] = ["settings.json", "settings.local.json"];

/// Where it keeps who is logged in.
const CLAUDE_LOGIN: &str = ".credentials.json";

/// Where an isolated agent finds the file with its MCP servers.
pub const MCP_CONFIG: &str = "/run/humanlayer/mcp.json";

/// Variables that lead to programs outside, or to what is not there inside.
const DROPPED: [&str; 31] = [
    "DBUS_SESSION_BUS_ADDRESS",
    "DBUS_SYSTEM_BUS_ADDRESS",
    "DBUS_STARTER_ADDRESS",
    "DISPLAY",
    "DOCKER_HOST",
    "GIT_ASKPASS",
    "GNOME_KEYRING_CONTROL",
    "GPG_AGENT_INFO",
    "GPG_TTY",
    "HYPRLAND_INSTANCE_SIGNATURE",
    "I3SOCK",
    "KITTY_LISTEN_ON",
    "NVIM",
    "NVIM_LISTEN_ADDRESS",
    "SESSION_MANAGER",
    "SSH_AGENT_PID",
    "SSH_ASKPASS",
    "SSH_AUTH_SOCK",
    "SSH_TTY",
    "STY",
    "SUDO_ASKPASS",
    "SWAYSOCK",
    "TMUX",
    "TMUX_PANE",
    "TMUX_TMPDIR",
    "WAYLAND_DISPLAY",
    "WAYLAND_SOCKET",
    "WEZTERM_UNIX_SOCKET",
    "WINDOW",
    "XAUTHORITY",
    "ZELLIJ",
];

/// How other such variables begin.
const DROPPED_PREFIXES: [&str; 3] = ["VSCODE_", "ZELLIJ_", "SYSTEMD_"];

/// The agent's environment inside: less what leads outside, and with directories that are there.
#[must_use]
pub fn environment(
    env: Vec<(String, String)>,
    user: u32,
    claude: &Path,
    socket: &Path,
) -> Vec<(String, String)> {
    let set = [
        ("TMPDIR", "/tmp".to_owned()),
        ("TMP", "/tmp".to_owned()),
        ("TEMP", "/tmp".to_owned()),
        ("XDG_RUNTIME_DIR", format!("/run/user/{user}")),
        ("CLAUDE_CONFIG_DIR", claude.to_string_lossy().into_owned()),
        (
            "HUMANLAYER_DAEMON_SOCKET",
            socket.to_string_lossy().into_owned(),
        ),
    ];
    let dropped = |name: &str| {
        DROPPED.contains(&name)
            || DROPPED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
            || set.iter().any(|(other, _)| *other == name)
    };
    let mut inside: Vec<_> = env.into_iter().filter(|(name, _)| !dropped(name)).collect();
    inside.extend(
        set.iter()
            .map(|(name, value)| ((*name).to_owned(), value.clone())),
    );
    inside
}

/// The name of the directory in which Claude Code keeps the conversations of a directory; none for one
/// that it names in another way.
#[must_use]
pub fn project_name(directory: &Path) -> Option<String> {
    const LONGEST: usize = 200;
    let text = directory.to_str()?;
    let name: String = text
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii_alphanumeric() => char::from(byte),
            _ => '-',
        })
        .collect();
    (name.len() <= LONGEST).then_some(name)
}

/// What an isolated agent sees; `exists` says whether something is at a path. What is not named is as it
/// is, read-only.
///
/// # Errors
/// When it is to work where that would undo the isolation.
pub fn view(around: &Surroundings, exists: impl Fn(&Path) -> bool) -> Result<Vec<Place>, Unfit> {
    fit(around)?;
    let mut places = Vec::new();
    let mut add = |at: PathBuf, view: View| places.push(Place { at, view });
    for directory in ["/tmp", "/var/tmp"].map(Path::new) {
        if exists(directory) {
            add(directory.to_owned(), View::Scratch(0o1777));
        }
    }
    let run = Path::new("/run");
    if exists(run) {
        add(run.to_owned(), View::Hidden);
        let own = run.join("user").join(around.user.to_string());
        add(own, View::Scratch(0o700));
        for name in ["current-system", "opengl-driver"].map(|name| run.join(name)) {
            if exists(&name) {
                add(name, View::ReadOnly);
            }
        }
        if let Some(resolver) = &around.resolver {
            add(resolver.clone(), View::ReadOnly);
        }
    }
    for power in POWERS.map(Path::new) {
        if exists(power) {
            add(power.to_owned(), View::Hidden);
        }
    }
    for home in &around.homes {
        add(home.clone(), View::Still);
        for cache in CACHES.map(|name| home.join(name)) {
            if exists(&cache) {
                add(cache, View::Passing);
            } else if cache.ends_with(".cache") || cache.ends_with(".npm") {
                add(cache, View::Scratch(0o755));
            }
        }
        for keys in KEYS.map(|name| home.join(name)) {
            if exists(&keys) {
                add(keys, View::Hidden);
            }
        }
    }
    claude(around, &mut add);
    // One within another one comes after it, so that it is a place of its own, which cannot be moved away.
    let mut written: Vec<PathBuf> = around
        .workspace
        .iter()
        .chain(&around.repositories)
        .cloned()
        .collect();
    let ways = written.iter().chain(&around.obeyed);
    let ways: Vec<PathBuf> = ways
        .flat_map(|to| way(&around.workspace, &around.repositories, to))
        .collect();
    written.extend(ways);
    written.sort();
    written.dedup();
    for directory in written {
        add(directory, View::Writable);
    }
    for path in &around.obeyed {
        add(path.clone(), View::ReadOnly);
    }
    // Last: nothing may be mounted over these.
    for directory in &around.configuration {
        if exists(directory) {
            add(directory.clone(), View::Hidden);
        }
    }
    let socket = View::Other(around.socket_directory.clone(), false);
    add(around.state.clone(), socket);
    if let Some(file) = &around.mcp_config {
        add(MCP_CONFIG.into(), View::Other(file.clone(), false));
    }
    Ok(places)
}

/// The directories on the way to something within one that can be written to. Each is a place of its own: else the agent
/// moves it away with what is protected in it, and puts another one there.
fn way<'a>(
    workspace: &'a [PathBuf],
    repositories: &'a [PathBuf],
    to: &'a Path,
) -> impl Iterator<Item = PathBuf> + 'a {
    let is_written = move |directory: &Path| {
        let mut roots = workspace.iter().chain(repositories);
        roots.any(|root| directory.starts_with(root) && directory != root)
    };
    let above = to.ancestors().skip(1);
    above
        .take_while(move |directory| is_written(directory))
        .map(Path::to_owned)
}

/// Claude Code's directory: the user's settings, read-only; the conversations of the workspace and the
/// login, as they are; what the session keeps; and room for the rest.
fn claude(around: &Surroundings, add: &mut impl FnMut(PathBuf, View)) {
    let at = &around.claude;
    add(at.clone(), View::Scratch(0o700));
    for (name, source) in &around.claude_entries {
        // A token that was renewed inside must not be lost: the old one is void then.
        let is_login = name == CLAUDE_LOGIN;
        if !CLAUDE_DATA.contains(&name.as_str()) {
            add(at.join(name), View::Other(source.clone(), is_login));
        }
    }
    for name in CLAUDE_SETTINGS {
        if !around.claude_entries.iter().any(|(entry, _)| entry == name) {
            add(at.join(name), View::Text("{}"));
        }
    }
    let project = at.join("projects").join(&around.project);
    add(project.clone(), View::Writable);
    // Every later agent there is given what is in it, isolated or not.
    add(project.join(MEMORY), View::ReadOnly);
    for name in CLAUDE_KEPT {
        add(at.join(name), View::Other(around.kept.join(name), true));
    }
    if let Some(file) = &around.claude_state {
        add(at.join(".claude.json"), View::Copy(file.clone()));
    }
}

/// Whether the directories that are to be written to are such that everything else can be kept.
fn fit(around: &Surroundings) -> Result<(), Unfit> {
    let system = ["/proc", "/sys", "/dev", "/run", "/etc", "/usr", "/boot"].map(PathBuf::from);
    let trusted = around
        .homes
        .iter()
        .flat_map(|home| TRUSTED.map(|name| home.join(name)));
    let kept: Vec<PathBuf> = [&around.state, &around.claude, &around.socket_directory]
        .into_iter()
        .chain(&around.configuration)
        .cloned()
        .chain(trusted)
        .chain(system)
        .collect();
    for directory in around.workspace.iter().chain(&around.repositories) {
        let contains = kept
            .iter()
            .chain(&around.homes)
            .find(|kept| kept.starts_with(directory));
        if let Some(inside) = contains {
            return Err(Unfit::Contains {
                directory: directory.clone(),
                inside: inside.clone(),
            });
        }
        if let Some(outside) = kept.iter().find(|kept| directory.starts_with(kept)) {
            return Err(Unfit::Within {
                directory: directory.clone(),
                around: outside.clone(),
            });
        }
    }
    // What is hidden is hidden as a whole.
    for home in &around.homes {
        for own in std::iter::once(&around.state).chain(&around.configuration) {
            if home.starts_with(own) {
                return Err(Unfit::Contains {
                    directory: own.clone(),
                    inside: home.clone(),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
#[path = "isolation_tests.rs"]
mod tests;
