//! Files that are worth a second look when they are written or read.

/// Why touching a file with secrets is dangerous.
pub(super) const SECRETS: &str = "touches keys or passwords";

/// Why writing to this path is dangerous.
pub(super) fn written(path: &str) -> Option<&'static str> {
    let path = clean(path);
    if is_secret(path) {
        return Some(SECRETS);
    }
    let name = path.rsplit('/').next().unwrap_or(path);
    const PROFILES: [&str; 11] = [
        ".bashrc",
        ".bash_profile",
        ".bash_login",
        ".profile",
        ".zshrc",
        ".zshenv",
        ".zprofile",
        ".zlogin",
        "config.fish",
        ".inputrc",
        ".xinitrc",
    ];
    if PROFILES.contains(&name) {
        return Some("changes what every new shell runs");
    }
    let has = |part: &str| path.contains(part) || path.starts_with(&part[1..]);
    if has("/.git/hooks/") || has("/.git/config") {
        return Some("changes what git itself runs");
    }
    if has("/.claude/settings") || name == ".mcp.json" || has("/.humanlayer/") {
        return Some("changes what agents may do");
    }
    if has("/systemd/") || has("/cron.") || has("/LaunchAgents/") || has("/autostart/") {
        return Some("makes something run by itself later");
    }
    if is_system(path) {
        return Some("changes the system's own files");
    }
    None
}

/// Whether the file holds what lets somebody in.
pub(super) fn is_secret(path: &str) -> bool {
    let path = clean(path);
    let name = path.rsplit('/').next().unwrap_or(path);
    let within = |directory: &str| path.split('/').rev().skip(1).any(|part| part == directory);
    if within(".ssh") || within(".gnupg") || path.ends_with("/.ssh") || path.ends_with("/.gnupg") {
        return true;
    }
    if within(".aws") && (name == "credentials" || name == "config") {
        return true;
    }
    if name == ".env" || (name.starts_with(".env.") && !is_template(name)) {
        return true;
    }
    const NAMES: [&str; 13] = [
        ".netrc",
        ".npmrc",
        ".pypirc",
        ".pgpass",
        ".git-credentials",
        ".credentials.json",
        "credentials.json",
        "application_default_credentials.json",
        "id_rsa",
        "id_ed25519",
        "id_ecdsa",
        "shadow",
        "kubeconfig",
    ];
    NAMES.contains(&name) && (name != "shadow" || path == "/etc/shadow")
}

fn is_template(name: &str) -> bool {
    ["example", "sample", "template", "dist", "defaults"]
        .iter()
        .any(|word| name.contains(word))
}

/// Whether it belongs to the system and not to a user.
fn is_system(path: &str) -> bool {
    const OWN: [&str; 10] = [
        "/etc", "/usr", "/bin", "/sbin", "/boot", "/lib", "/lib64", "/sys", "/System", "/Library",
    ];
    if path.starts_with("/usr/local/src/") || path.starts_with("/dev/null") {
        return false;
    }
    if let Some(device) = path.strip_prefix("/dev/") {
        return is_disk(device);
    }
    OWN.iter().any(|own| {
        path.strip_prefix(own)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}

/// Whether a device is a disk.
pub(super) fn is_disk(device: &str) -> bool {
    [
        "sd", "hd", "nvme", "vd", "xvd", "disk", "rdisk", "mmcblk", "mapper/", "md",
    ]
    .iter()
    .any(|kind| device.starts_with(kind))
}

/// Without what only obscures: a doubled slash, `/./`.
fn clean(path: &str) -> &str {
    path.trim().trim_end_matches('/')
}
