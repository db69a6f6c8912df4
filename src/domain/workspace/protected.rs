//! The names of files that set something up: what agents, git, editors, shells and tools run or obey by themselves.
//!
//! Known by name alone, wherever in a workspace they are. A list has gaps, so that kinds are recognised where they have
//! something in common. Ordinary code of a project, its build files and its jobs elsewhere (`Makefile`, `package.json`,
//! `.github/workflows`) are not here: running or pushing them is a command of its own. Pure.

use crate::domain::danger;

/// Why a normal path in a directory of the workspace is protected.
pub(super) fn protected(path: &str, root: &str) -> Option<&'static str> {
    let path = without_worktree(path);
    let root = without_worktree(&format!("{root}/"));
    // Some file systems make no difference.
    let lower = path.to_lowercase();
    let parts: Vec<&str> = lower.split('/').filter(|part| !part.is_empty()).collect();
    if let Some((_, reason)) = parts
        .iter()
        .find_map(|part| PARTS.iter().find(|(name, _)| name == part))
    {
        return Some(reason);
    }
    let name = parts.last().copied().unwrap_or_default();
    let is_start_file =
        |(begin, end): &(&str, &str)| name.starts_with(begin) && name.ends_with(end);
    if START_FILES.iter().any(is_start_file) {
        return Some("runs by itself later");
    }
    if is_settings_of_a_tool(name) {
        return Some(TOOLS);
    }
    let within = |one: &str, other: &str| {
        parts
            .windows(2)
            .any(|pair| pair.first() == Some(&one) && pair.get(1) == Some(&other))
    };
    if within(".cargo", "config") || within(".cargo", "config.toml") || within(".bundle", "config")
    {
        return Some(TOOLS);
    }
    if within(".github", "instructions") || within(".github", "prompts") {
        return Some(AGENTS);
    }
    // A workspace among such files is a person's choice where those are many and ordinary.
    let usual = danger::written_path(&root).filter(|reason| danger::is_about_a_place(reason));
    [path.as_str(), lower.as_str()]
        .into_iter()
        .find_map(|path| danger::written_path(path).filter(|reason| usual != Some(*reason)))
}

/// Whether a file, by its name in small letters, is one of those that tools look for by themselves and may run: what is
/// hidden and called after a start (`.toolrc`, `.toolrc.yml`) or holds a program.
fn is_settings_of_a_tool(name: &str) -> bool {
    const ENDS: [&str; 5] = [
        ".code-workspace",
        ".sublime-project",
        ".pth",
        ".desktop",
        ".el",
    ];
    const CODE: [&str; 14] = [
        "bash", "cjs", "cts", "fish", "js", "lua", "mjs", "mts", "pl", "py", "rb", "sh", "ts",
        "zsh",
    ];
    if ENDS.iter().any(|end| name.ends_with(end)) {
        return true;
    }
    let Some(hidden) = name.strip_prefix('.') else {
        return false;
    };
    let stem = hidden.split('.').next().unwrap_or_default();
    let end = hidden.rsplit_once('.').map_or("", |(_, end)| end);
    stem.len() > 2 && stem.ends_with("rc") || CODE.contains(&end)
}

/// A path of a worktree that Claude Code has made, as if the worktree were its repository. What lies beside the worktrees
/// is not in one, and neither is what has a hidden name there.
fn without_worktree(path: &str) -> String {
    const WORKTREES: &str = "/.claude/worktrees/";
    let mut path = path.to_owned();
    while let Some((repository, (name, rest))) = path
        .split_once(WORKTREES)
        .and_then(|(repository, rest)| Some((repository, rest.split_once('/')?)))
        && !name.starts_with('.')
    {
        path = format!("{repository}/{rest}");
    }
    path
}

const AGENTS: &str = "says what agents run, may do or are told";
const GIT: &str = "names programs that git runs";
const EDITORS: &str = "names programs that an editor runs";
const TOOLS: &str = "names programs that a tool runs";
const START: &str = "runs by itself later";
const KEYS: &str = "holds keys or passwords";

/// Names of files and directories, in small letters, and why they and all in them are protected.
const PARTS: [(&str, &str); 155] = [
    (".claude", AGENTS),
    (".claude.json", AGENTS),
    (".mcp.json", AGENTS),
    ("managed-settings.json", AGENTS),
    ("claude.md", AGENTS),
    ("claude.local.md", AGENTS),
    ("agents.md", AGENTS),
    ("agents.override.md", AGENTS),
    (".claude-plugin", AGENTS),
    (".agents", AGENTS),
    (".codex", AGENTS),
    (".gemini", AGENTS),
    (".cursor", AGENTS),
    (".cursorrules", AGENTS),
    (".windsurf", AGENTS),
    (".windsurfrules", AGENTS),
    (".aider.conf.yml", AGENTS),
    (".amazonq", AGENTS),
    (".augment", AGENTS),
    (".augment-guidelines", AGENTS),
    (".cline", AGENTS),
    (".clinerules", AGENTS),
    (".continue", AGENTS),
    (".crush", AGENTS),
    (".factory", AGENTS),
    (".goosehints", AGENTS),
    (".junie", AGENTS),
    (".kiro", AGENTS),
    (".openhands", AGENTS),
    (".opencode", AGENTS),
    (".qwen", AGENTS),
    (".roo", AGENTS),
    (".roomodes", AGENTS),
    (".rules", AGENTS),
    (".trae", AGENTS),
    ("agent.md", AGENTS),
    ("copilot-instructions.md", AGENTS),
    ("crush.json", AGENTS),
    ("crush.md", AGENTS),
    ("gemini.md", AGENTS),
    ("mcp.json", AGENTS),
    ("mcp_settings.json", AGENTS),
    ("opencode.json", AGENTS),
    ("opencode.jsonc", AGENTS),
    ("qwen.md", AGENTS),
    ("warp.md", AGENTS),
    ("humanlayer.json", AGENTS),
    (".humanlayer.json", AGENTS),
    (".git", GIT),
    (".gitmodules", GIT),
    (".gitconfig", GIT),
    (".githooks", GIT),
    (".husky", GIT),
    (".huskyrc", GIT),
    (".gitattributes", GIT),
    (".overcommit.yml", GIT),
    (".pre-commit-config.yaml", GIT),
    (".pre-commit-hooks.yaml", GIT),
    (".simple-git-hooks.json", GIT),
    ("simple-git-hooks.json", GIT),
    ("lefthook-local.yml", GIT),
    (".lefthook-local.yml", GIT),
    ("lefthook.toml", GIT),
    ("lefthook.json", GIT),
    (".svn", GIT),
    (".bzr", GIT),
    ("lefthook.yml", GIT),
    ("lefthook.yaml", GIT),
    (".lefthook.yml", GIT),
    (".lefthook", GIT),
    (".hg", GIT),
    (".jj", GIT),
    (".vscode", EDITORS),
    (".idea", EDITORS),
    (".zed", EDITORS),
    (".fleet", EDITORS),
    (".nvim", EDITORS),
    (".devcontainer", EDITORS),
    (".devcontainer.json", EDITORS),
    (".bloop", EDITORS),
    (".ccls", EDITORS),
    (".clangd", EDITORS),
    (".emacs", EDITORS),
    (".emacs.d", EDITORS),
    (".gitpod.yml", EDITORS),
    (".helix", EDITORS),
    (".lapce", EDITORS),
    (".metals", EDITORS),
    (".nova", EDITORS),
    (".project", EDITORS),
    (".replit", EDITORS),
    (".settings", EDITORS),
    (".theia", EDITORS),
    (".vim", EDITORS),
    (".vs", EDITORS),
    ("devbox.json", EDITORS),
    ("devfile.yaml", EDITORS),
    (".vimrc", EDITORS),
    (".exrc", EDITORS),
    (".nvimrc", EDITORS),
    (".nvim.lua", EDITORS),
    (".dir-locals.el", EDITORS),
    (".envrc", START),
    (".direnv", START),
    (".devenv", START),
    ("devenv.nix", START),
    ("flake.nix", START),
    ("shell.nix", START),
    (".mise", START),
    (".mise.local.toml", START),
    ("mise.local.toml", START),
    (".rtx.toml", START),
    (".tool-versions", START),
    (".tmuxinator", START),
    (".tmuxinator.yml", START),
    (".xresources", START),
    (".ghci", TOOLS),
    (".gradle", TOOLS),
    (".jvmopts", TOOLS),
    (".lesskey", TOOLS),
    (".mailcap", TOOLS),
    (".mvn", TOOLS),
    (".ocamlinit", TOOLS),
    (".python-version", TOOLS),
    (".renviron", TOOLS),
    (".rspec", TOOLS),
    (".ruby-version", TOOLS),
    (".sbtopts", TOOLS),
    (".yarn", TOOLS),
    ("bunfig.toml", TOOLS),
    ("gradle-wrapper.jar", TOOLS),
    ("gradle-wrapper.properties", TOOLS),
    ("pyvenv.cfg", TOOLS),
    ("rust-toolchain", TOOLS),
    ("rust-toolchain.toml", TOOLS),
    ("sitecustomize.py", TOOLS),
    ("usercustomize.py", TOOLS),
    (".mise.toml", START),
    ("mise.toml", START),
    (".autoenv", START),
    (".pam_environment", START),
    (".login_conf", START),
    (".gdbinit", START),
    (".lldbinit", START),
    (".tmux.conf", START),
    (".screenrc", START),
    (".rprofile", START),
    (".irbrc", START),
    (".ssh", KEYS),
    (".gnupg", KEYS),
    (".aws", KEYS),
    (".kube", KEYS),
    (".docker", KEYS),
    (".azure", KEYS),
    (".netrc", KEYS),
];

/// How the names of start files of shells begin and end, in small letters.
const START_FILES: [(&str, &str); 12] = [
    (".bash", ""),
    (".profile", ""),
    (".zsh", ""),
    (".zprofile", ""),
    (".zlog", ""),
    (".ksh", ""),
    (".csh", ""),
    (".tcsh", ""),
    (".xinitrc", ""),
    (".xsession", ""),
    (".xprofile", ""),
    ("config", ".fish"),
];
