//! Files that are worth a second look when they are written or read.

/// Why touching a file with secrets is dangerous.
pub(super) const SECRETS: &str = "reads or changes keys or passwords";
/// Why touching our own files is dangerous.
pub(super) const OWN_RECORDS: &str = "reads or changes humanlayer's own files";
const AGENTS: &str = "changes what agents may do";
const SHELLS: &str = "changes what every new shell runs";
const GIT: &str = "changes what git itself runs";
/// Why writing a unit, a job or a login item is dangerous.
pub(super) const LATER: &str = "makes something run by itself later";
/// Why writing a file of the system is dangerous.
pub(super) const SYSTEM: &str = "changes the system's own files";

/// Bytes of a path that are looked at, as many as a system takes.
const MAX_PATH: usize = 4_096;

/// A path without what only obscures it, from the root or from the home directory (`~`) on where that
/// is known: `/home/u/../../etc/passwd` is `/etc/passwd`, and `$HOME/x` is `~/x`.
pub(super) fn normal(path: &str, directory: Option<&str>) -> String {
    // Of a longer one only the beginning is looked at: the system opens none.
    let path = &path[..path.floor_char_boundary(MAX_PATH)];
    let path = path.trim();
    let path = path.strip_prefix("file://").unwrap_or(path);
    let home = ["${HOME}", "$HOME", "%USERPROFILE%"]
        .iter()
        .find_map(|home| path.strip_prefix(home));
    let named = path
        .strip_prefix('~')
        .map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_alphanumeric()));
    let (start, rest) = match (home.or(named), directory) {
        (Some(rest), _) if rest.is_empty() || rest.starts_with('/') => ("~", rest),
        _ if path.starts_with('/') => ("", path),
        (_, Some(directory)) => (directory, path),
        (_, None) => (".", path),
    };
    let (root, begun) = match start {
        "" => ("/", ""),
        start if start.starts_with('~') => ("~", start.trim_start_matches('~')),
        start if start.starts_with('/') => ("/", start),
        start => ("", start),
    };
    let mut parts: Vec<&str> = Vec::new();
    let mut root = root;
    for part in begun.split('/').chain(rest.split('/')) {
        match part {
            "" | "." => {}
            // Above a home directory are the homes, and then the root.
            ".." if root == "~" && parts.is_empty() => {
                root = "/";
                parts.push("home");
            }
            ".." if root.is_empty() && parts.last().is_none_or(|last| *last == "..") => {
                parts.push("..")
            }
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    if root == "/" {
        let home = match parts.as_slice() {
            ["home" | "Users", _, ..] => 2,
            ["root", ..] => 1,
            ["proc", _, "cwd" | "root", ..] => 3,
            _ => 0,
        };
        if home == 3 {
            return format!("/{}", parts.get(3..).unwrap_or_default().join("/"));
        }
        if home > 0 {
            root = "~";
            parts.drain(..home);
        }
    }
    match (root, parts.join("/")) {
        ("~", rest) if rest.is_empty() => "~".to_owned(),
        ("~", rest) => format!("~/{rest}"),
        ("", rest) if rest.is_empty() => ".".to_owned(),
        (root, rest) => format!("{root}{rest}"),
    }
}

/// Whether a path names a connection to another machine.
pub(super) fn is_remote(path: &str) -> bool {
    path.starts_with("/dev/tcp/") || path.starts_with("/dev/udp/")
}

fn name_of(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

/// Whether a directory of this name, or these, is on the way to a file.
fn within(path: &str, directory: &str) -> bool {
    path.match_indices(directory).any(|(at, _)| {
        let (before, behind) = (&path[..at], &path[at + directory.len()..]);
        (before.is_empty() || before.ends_with('/'))
            && (behind.is_empty() || behind.starts_with('/'))
    })
}

/// Why writing to this path is dangerous. The path is a normal one.
pub(super) fn written(path: &str) -> Option<&'static str> {
    let name = name_of(path);
    if within(path, ".humanlayer") || within(path, "humanlayer") && within(path, ".config") {
        return Some(OWN_RECORDS);
    }
    let settings = within(path, ".claude")
        && (name.starts_with("settings")
            || within(path, "hooks")
            || within(path, "agents")
            || name == ".claude");
    if settings
        || matches!(
            name,
            ".mcp.json" | ".claude.json" | "humanlayer.json" | "managed-settings.json"
        )
        || within(path, "claude-code") && path.starts_with("/etc")
    {
        return Some(AGENTS);
    }
    if is_secret(path) || within(path, ".ssh") && name != "known_hosts" {
        return Some(SECRETS);
    }
    const PROFILES: [&str; 18] = [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".bash_logout",
        ".bash_aliases",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".zlogin",
        ".zlogout",
        "config.fish",
        ".inputrc",
        ".xinitrc",
        ".xsession",
        ".xprofile",
        ".vimrc",
        ".envrc",
    ];
    if PROFILES.contains(&name) && (name != ".envrc" || path.starts_with('~'))
        || within(path, "conf.d") && within(path, "fish")
    {
        return Some(SHELLS);
    }
    let in_git = within(path, ".git");
    if in_git && (within(path, "hooks") || name == "config")
        || matches!(name, ".gitconfig")
        || within(path, ".config/git")
    {
        return Some(GIT);
    }
    if within(path, ".husky") && path.starts_with('~') {
        return Some(GIT);
    }
    const JOBS: [&str; 11] = [
        "systemd",
        "cron.d",
        "cron.daily",
        "cron.hourly",
        "cron.weekly",
        "LaunchAgents",
        "LaunchDaemons",
        "autostart",
        "init.d",
        "crontabs",
        "rc.d",
    ];
    if JOBS.iter().any(|job| within(path, job)) || matches!(path, "/etc/crontab" | "/etc/rc.local")
    {
        return Some(LATER);
    }
    is_system(path).then_some(SYSTEM)
}

/// Whether the file holds what lets somebody in. The path is a normal one.
pub(super) fn is_secret(path: &str) -> bool {
    let name = name_of(path);
    let lower = name.to_ascii_lowercase();
    if within(path, ".ssh") {
        let is_public = lower.ends_with(".pub") || matches!(name, "known_hosts" | "config");
        return !is_public;
    }
    const DIRECTORIES: [&str; 13] = [
        ".gnupg",
        ".password-store",
        ".config/gcloud",
        ".azure",
        "run/secrets",
        "Keychains",
        "keyrings",
        ".config/op",
        ".config/gh",
        ".mozilla",
        "google-chrome",
        ".config/chromium",
        "Bitwarden",
    ];
    if DIRECTORIES.iter().any(|directory| within(path, directory)) {
        return true;
    }
    if within(path, ".aws") {
        return matches!(name, "credentials" | "config")
            || within(path, "sso")
            || within(path, "cache");
    }
    if within(path, ".docker") && name == "config.json"
        || within(path, ".kube") && lower.starts_with("config")
    {
        return true;
    }
    if path.starts_with("/proc/") && matches!(name, "environ" | "mem" | "maps") && name != "maps" {
        return true;
    }
    if path.starts_with("/dev/mem") || path.starts_with("/dev/kmem") {
        return true;
    }
    if name == ".env"
        || (name.starts_with(".env.") && !is_template(name))
        || lower.ends_with(".env") && !is_template(name) && name.len() > 4
    {
        return true;
    }
    const NAMES: [&str; 40] = [
        ".netrc",
        "_netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        ".my.cnf",
        ".git-credentials",
        ".credentials.json",
        "credentials.json",
        "application_default_credentials.json",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "id_dsa",
        "kubeconfig",
        ".htpasswd",
        "wallet.dat",
        ".vault-token",
        "credentials.tfrc.json",
        "credentials.toml",
        ".s3cfg",
        ".boto",
        "master.key",
        "secring.gpg",
        ".bash_history",
        ".zsh_history",
        ".psql_history",
        ".mysql_history",
        ".python_history",
        "key4.db",
        "logins.json",
        "cookies.sqlite",
        "login data",
        "cookies",
        "terraform.tfstate",
        "secrets.yml",
        "secrets.yaml",
        "secrets.json",
        "service-account.json",
        "serviceaccount.json",
    ];
    if NAMES.contains(&lower.as_str()) {
        return lower != "cookies" || within(path, "Default");
    }
    if matches!(
        path,
        "/etc/shadow" | "/etc/gshadow" | "/etc/sudoers" | "/etc/krb5.keytab" | "/etc/master.passwd"
    ) || within(path, "ssl/private")
        || path.starts_with("/etc/shadow")
        || path.starts_with("/etc/sudoers.d")
        || path.starts_with("/etc/ssh/ssh_host")
        || path.starts_with("/etc/kubernetes") && name.ends_with(".conf")
    {
        return true;
    }
    let extension = lower
        .rsplit_once('.')
        .map_or("", |(_, extension)| extension);
    let is_public = [
        "cert", "ca.", "ca-", "chain", "public", "pub", "bundle", "root",
    ]
    .iter()
    .any(|word| lower.contains(word));
    matches!(
        extension,
        "p12" | "pfx" | "jks" | "kdbx" | "keystore" | "ovpn" | "ppk"
    ) || matches!(extension, "pem" | "key") && !is_public
}

/// Whether the file only shows what another one looks like.
pub(super) fn is_template(name: &str) -> bool {
    ["example", "sample", "template", "dist", "defaults"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether it belongs to the system and not to a user.
pub(super) fn is_system(path: &str) -> bool {
    const OWN: [&str; 16] = [
        "/etc",
        "/usr",
        "/bin",
        "/sbin",
        "/boot",
        "/lib",
        "/lib64",
        "/sys",
        "/System",
        "/Library",
        "/efi",
        "/var/lib",
        "/var/log",
        "/var/spool",
        "/var/run",
        "/Applications",
    ];
    if path.starts_with("/usr/local/src/") {
        return false;
    }
    if let Some(device) = path.strip_prefix("/dev/") {
        return is_disk(device) || matches!(device, "mem" | "kmem" | "port");
    }
    if path.starts_with("/proc/sys") {
        return true;
    }
    OWN.iter().any(|own| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether a device is a disk.
pub(super) fn is_disk(device: &str) -> bool {
    [
        "sd", "hd", "nvme", "vd", "xvd", "disk", "rdisk", "mmcblk", "mapper/", "md", "dm-", "loop",
    ]
    .iter()
    .any(|kind| device.starts_with(kind))
}

/// Whether a path stands for all that there is: a home, the root, everything here or above.
pub(super) fn is_everything(path: &str) -> bool {
    let path = path.trim_end_matches('/');
    let bare = path
        .strip_suffix("/*")
        .or_else(|| path.strip_suffix("/.*"))
        .unwrap_or(path);
    matches!(
        bare,
        "" | "~" | "*" | "." | ".." | "/" | ".*" | "/home" | "/Users" | "/root" | "../.."
    ) || is_system(bare)
}

/// Whether emptying the file loses something: not what is made anew by itself, nor what is passing.
pub(super) fn is_kept(path: &str) -> bool {
    let name = name_of(path);
    let is_passing = path.starts_with("/tmp/")
        || path.starts_with("/var/tmp/")
        || path.starts_with("/dev/")
        || path.starts_with('$');
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_made = matches!(
        extension,
        "log" | "tmp" | "out" | "lock" | "pid" | "err" | "gitkeep" | "keep" | "stamp"
    ) || name.starts_with("__init__");
    !is_passing && (!is_made || path.starts_with("/var/"))
}

/// What stands for the name that `mktemp` gives.
pub(super) const MADE_BY_MKTEMP: &str = "/tmp/new";

/// Whether a path, as it is written, is below the directory in which a command runs and among what tools make anew by
/// themselves: their caches, and packages that are installed.
pub(super) fn is_made_again(path: &str) -> bool {
    const MADE: [&str; 12] = [
        ".eslintcache",
        ".mypy_cache",
        ".next",
        ".nyc_output",
        ".parcel-cache",
        ".pytest_cache",
        ".ruff_cache",
        ".svelte-kit",
        ".tox",
        ".turbo",
        "__pycache__",
        "node_modules",
    ];
    if path == MADE_BY_MKTEMP {
        return true;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-/@".contains(c);
    let mut parts = path.split('/');
    !path.starts_with(['/', '-'])
        && path.chars().all(is_plain)
        && !parts.clone().any(|part| part == "..")
        && parts.any(|part| MADE.contains(&part))
}

/// Whether a file is a database, a backup or an archive.
pub(super) fn is_data(path: &str) -> bool {
    let name = name_of(path).to_ascii_lowercase();
    [
        "db", "sqlite", "sqlite3", "sql", "dump", "bak", "rdb", "mdb", "ibd", "kdbx", "duckdb",
        "parquet",
    ]
    .iter()
    .any(|extension| name.ends_with(&format!(".{extension}")))
}
