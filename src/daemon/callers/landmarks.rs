//! Processes on a way up that mean something: Claude Code, runners, logins, terminals.
//!
//! Owns the names. A name proves little by itself; what it is worth is [`super::judge`]'s to say.

use crate::platform::Step;

/// What a process above a caller stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Landmark {
    /// A program that lets people in, if it is root's.
    Login,
    /// A terminal emulator, an editor's terminal, or a tmux or screen server.
    Terminal,
}

/// Programs that let people in. A process's own name has 15 bytes at most.
const LOGINS: [&str; 12] = [
    "sshd",
    "sshd-session",
    "login",
    "dropbear",
    "gdm-session-worker",
    "gdm-session-wor",
    "lightdm",
    "sddm-helper",
    "greetd",
    "lxdm-session",
    "xdm",
    "telnetd",
];

/// Terminal emulators, multiplexers, and editors with a terminal in them.
const TERMINALS: [&str; 60] = [
    "tmux",
    "screen",
    "zellij",
    "dtach",
    "abduco",
    "mosh-server",
    "etterminal",
    "gnome-terminal-server",
    "gnome-terminal-",
    "kgx",
    "gnome-console",
    "ptyxis",
    "ptyxis-agent",
    "konsole",
    "yakuake",
    "xterm",
    "uxterm",
    "urxvt",
    "urxvtd",
    "rxvt",
    "st",
    "kitty",
    "alacritty",
    "foot",
    "footserver",
    "wezterm-gui",
    "wezterm-mux-server",
    "wezterm-mux-ser",
    "ghostty",
    "xfce4-terminal",
    "mate-terminal",
    "lxterminal",
    "qterminal",
    "tilix",
    "terminator",
    "guake",
    "terminology",
    "tilda",
    "sakura",
    "cool-retro-term",
    "contour",
    "rio",
    "warp",
    "warp-terminal",
    "tabby",
    "hyper",
    "deepin-terminal",
    "blackbox",
    "code",
    "code-insiders",
    "codium",
    "cursor",
    "windsurf",
    "positron",
    "zed",
    "zed-editor",
    "emacs",
    "Terminal",
    "iTerm2",
    "iTermServer",
];

/// Words of the command lines of editors that run in another program.
const EDITORS: [&str; 6] = [
    "/.vscode-server/",
    "/.cursor-server/",
    "/.windsurf-server/",
    "/code-server/",
    "--type=ptyHost",
    "com.intellij.idea.Main",
];

/// What a process stands for.
#[must_use]
pub fn of(step: &Step) -> Option<Landmark> {
    if LOGINS.contains(&step.name.as_str()) {
        return Some(Landmark::Login);
    }
    let program = step.program_name();
    let name = program.trim_start_matches('.');
    let is_terminal = TERMINALS.contains(&name)
        || name.starts_with("screen-")
        || (step.program.is_none() && TERMINALS.contains(&step.name.as_str()))
        || is_editor(step, name);
    is_terminal.then_some(Landmark::Terminal)
}

fn is_editor(step: &Step, program: &str) -> bool {
    let jetbrains = [
        "idea",
        "pycharm",
        "webstorm",
        "goland",
        "clion",
        "rustrover",
        "phpstorm",
        "rider",
    ];
    jetbrains.contains(&program)
        || (["node", "java", "electron"].contains(&program)
            && step
                .arguments
                .iter()
                .any(|word| EDITORS.iter().any(|editor| word.contains(editor))))
}

/// Whether a process is Claude Code: its native program, or its script under node. Node's version takes
/// the name `claude`, and with it the command line is gone.
#[must_use]
pub fn is_claude_code(step: &Step) -> bool {
    let is_named = |name: &str| matches!(name, "claude" | "claude.exe");
    if is_named(&step.name) || is_named(&step.program_name()) {
        return true;
    }
    if let Some(program) = &step.program {
        let path = program.to_string_lossy();
        if path.contains("/@anthropic-ai/claude-code") || path.contains("/claude/versions/") {
            return true;
        }
    }
    step.arguments.first().is_some_and(|word| {
        let file = word.rsplit('/').next().unwrap_or_default();
        is_named(file)
    }) || step.arguments.iter().take(4).any(|word| {
        word.contains("/@anthropic-ai/claude-code")
            || (word.contains("/claude-code") && word.ends_with("/cli.js"))
    })
}

/// Whether a process is an MCP server: who started it is who asks.
#[must_use]
pub fn is_mcp_server(step: &Step) -> bool {
    step.arguments.iter().take(6).any(|word| word == "mcp")
}

/// Whether a process only takes orphans in: it is nobody's program.
#[must_use]
pub fn takes_orphans(step: &Step) -> bool {
    step.pid == 1 || step.parent == 0 || is_user_manager(step)
}

/// Whether a process is a user's systemd.
#[must_use]
pub fn is_user_manager(step: &Step) -> bool {
    step.name == "systemd" && step.parent == 1
}
