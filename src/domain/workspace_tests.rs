//! What standing permissions cover: tables of paths, links between them, and properties.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn workspace() -> Workspace {
    Workspace {
        directories: vec!["/home/u/shop".into(), "/srv/shared".into()],
        home: Some("/home/u".into()),
        own: vec!["/home/u/.humanlayer".into()],
        led_to: Vec::new(),
        named: Arc::new(BTreeSet::from(
            ["/home/u/shop/hooks/check.sh", "/home/u/shop/tools/hooks"].map(String::from),
        )),
    }
}

/// Follows links of a table; whatever is not in it is a plain file.
fn follow_by(links: &[(&str, &str)], path: &str) -> Option<Place> {
    let links: BTreeMap<&str, &str> = links.iter().copied().collect();
    let mut path = path.to_owned();
    for _ in 0..8 {
        let mut at = String::new();
        let mut next = None;
        let mut parts = path.split('/').filter(|part| !part.is_empty()).peekable();
        while let Some(part) = parts.next() {
            if part == ".." {
                at.truncate(at.rfind('/').unwrap_or(0));
                continue;
            }
            at = format!("{at}/{part}");
            if let Some(target) = links.get(at.as_str()) {
                let rest: Vec<&str> = parts.collect();
                next = Some(format!("{target}/{}", rest.join("/")));
                break;
            }
        }
        match next {
            Some(longer) => path = longer,
            None => {
                let file = if at.ends_with("/hard") {
                    File::Linked
                } else {
                    File::Plain
                };
                return Some(Place { path: at, file });
            }
        }
    }
    None
}

fn with_links(
    workspace: &Workspace,
    links: &[(&str, &str)],
    tool: &str,
    input: &Value,
) -> Result<(), NotCovered> {
    let follow =
        |paths: Vec<String>| Some(paths.iter().map(|path| follow_by(links, path)).collect());
    covers_edit(workspace, tool, input, &follow)
}

fn edit(path: &str) -> Result<(), NotCovered> {
    with_links(&workspace(), &[], "Write", &json!({"file_path": path}))
}

#[test]
fn files_of_the_workspace_are_covered() {
    for path in [
        "/home/u/shop/src/main.rs",
        "/home/u/shop/./src//main.rs",
        "/home/u/shop/src/../README.md",
        "/home/u/shop/données/été.txt",
        "/home/u/shop/文書/メモ.md",
        "/home/u/shop/.github/workflows/ci.yml",
        "/home/u/shop/.gitignore",
        "/home/u/shop/.config/nextest.toml",
        "/home/u/shop/.editorconfig",
        "/home/u/shop/.dockerignore",
        "/home/u/shop/package.json",
        "/home/u/shop/src/arc.rs",
        "/home/u/shop/docs/claude.md.txt",
        "/srv/shared/a",
        "/home/u/shop/.claude/worktrees/fix/src/main.rs",
    ] {
        assert_eq!(edit(path), Ok(()), "{path}");
    }
}

#[test]
fn what_sets_something_up_is_protected_wherever_it_is() {
    for path in [
        ".claude/settings.json",
        ".claude/settings.local.json",
        ".claude/hooks/check.sh",
        ".claude/agents/a.md",
        ".claude/skills/a/SKILL.md",
        ".claude/commands/a.md",
        ".claude/new",
        ".Claude/Settings.local.json",
        ".claude/worktrees/fix/.claude/settings.json",
        ".claude/worktrees/fix/.git/config",
        "sub/.claude/settings.json",
        "sub/.mcp.json",
        "CLAUDE.md",
        "sub/CLAUDE.local.md",
        "AGENTS.md",
        "humanlayer.json",
        ".git/hooks/pre-commit",
        ".git/config",
        ".GIT/hooks/post-merge",
        "vendor/lib/.git/info/attributes",
        ".gitmodules",
        ".husky/pre-commit",
        ".pre-commit-config.yaml",
        ".vscode/tasks.json",
        ".vscode/settings.json",
        ".idea/workspace.xml",
        ".devcontainer/devcontainer.json",
        ".envrc",
        ".env",
        ".bashrc",
        "dotfiles/.zshrc",
        "dotfiles/.profile",
        ".config/fish/config.fish",
        ".config/systemd/user/a.service",
        ".config/autostart/a.desktop",
        ".ssh/authorized_keys",
        ".gnupg/gpg.conf",
        ".aws/credentials",
        ".kube/config",
        ".netrc",
        ".npmrc",
        ".cargo/config.toml",
        "Library/LaunchAgents/a.plist",
        "hooks/check.sh",
        "tools/hooks/pre-commit",
        ".claude/worktrees/.mcp.json",
        ".claude/worktrees/.claude/settings.json",
        ".claude/worktrees/CLAUDE.md",
        ".claude/worktrees/.envrc",
        ".gitattributes",
        ".yarnrc.yml",
        ".yarn/releases/yarn.cjs",
        ".pnpmfile.cjs",
        ".eslintrc.js",
        ".Prettierrc.cjs",
        ".pylintrc",
        ".bazelrc",
        ".pythonrc.py",
        "tools/.gdbinit.py",
        "shop.code-workspace",
        "lib/evil.pth",
        "sitecustomize.py",
        ".mvn/jvm.config",
        "gradle/wrapper/gradle-wrapper.properties",
        "rust-toolchain.toml",
        ".tool-versions",
        "flake.nix",
        ".github/copilot-instructions.md",
        ".github/instructions/all.instructions.md",
        "GEMINI.md",
        ".clinerules",
        "opencode.json",
        ".emacs.d/init.el",
        "etc/cron.d/a",
    ] {
        let path = format!("/home/u/shop/{path}");
        let got = edit(&path);
        assert!(
            matches!(got, Err(NotCovered::Protected(_))),
            "{path} {got:?}"
        );
    }
}

#[test]
fn what_is_outside_or_can_mean_something_else_is_not_covered() {
    let cases = [
        ("/home/u/shopping/a", NotCovered::Outside),
        ("/home/u/shop/../.bashrc", NotCovered::Outside),
        (
            "/home/u/shop/src/../../../../etc/passwd",
            NotCovered::Outside,
        ),
        ("/etc/passwd", NotCovered::Outside),
        ("//etc/passwd", NotCovered::Outside),
        ("/home/u", NotCovered::Outside),
        ("/home/u/.bashrc", NotCovered::Outside),
        ("/", NotCovered::Outside),
        ("src/main.rs", NotCovered::Unclear),
        ("~/shop/a", NotCovered::Unclear),
        ("$HOME/shop/a", NotCovered::Unclear),
        ("", NotCovered::Unclear),
        (" /home/u/shop/a", NotCovered::Unclear),
        ("/home/u/shop/.bashrc ", NotCovered::Unclear),
        ("/home/u/shop/.git /config", NotCovered::Unclear),
        ("/home/u/shop/a\u{a0}", NotCovered::Unclear),
        ("/home/u/shop/a\0b", NotCovered::Unclear),
        ("/home/u/shop/.g\u{200d}it/config", NotCovered::Unclear),
        ("/home/u/shop/.\u{17f}sh/config", NotCovered::Unclear),
        ("/home/u/shop/..\\..\\.bashrc", NotCovered::Unclear),
    ];
    for (path, expected) in cases {
        assert_eq!(edit(path), Err(expected), "{path:?}");
    }
    let long = format!("/home/u/shop/{}", "a".repeat(5_000));
    assert_eq!(edit(&long), Err(NotCovered::Unclear));
}

#[test]
fn links_are_followed_to_what_they_lead_to() {
    let links = [
        ("/home/u/shop/out", "/etc"),
        ("/home/u/shop/rc", "/home/u/.bashrc"),
        ("/home/u/shop/hooks", "/home/u/shop/.git/hooks"),
        ("/home/u/shop/same", "/home/u/shop/src"),
        ("/home/u/shop/deep", "/srv/shared/deep"),
        ("/home/u/shop/loop", "/home/u/shop/loop"),
        ("/home/u/shop/up", "/home/u/other/place"),
    ];
    let at = |path: &str| with_links(&workspace(), &links, "Edit", &json!({"file_path": path}));
    let protected = |got: Result<(), NotCovered>| matches!(got, Err(NotCovered::Protected(_)));
    assert_eq!(at("/home/u/shop/out/passwd"), Err(NotCovered::Outside));
    assert_eq!(at("/home/u/shop/rc"), Err(NotCovered::Outside));
    assert!(protected(at("/home/u/shop/hooks/pre-commit")));
    assert_eq!(at("/home/u/shop/same/a"), Ok(()));
    assert_eq!(at("/home/u/shop/deep/a"), Ok(()));
    assert_eq!(at("/home/u/shop/loop/a"), Err(NotCovered::NotFollowed));
    // Programs that follow the link first are elsewhere then.
    assert_eq!(at("/home/u/shop/up/../a"), Err(NotCovered::Outside));
    assert_eq!(at("/home/u/shop/hard"), Err(NotCovered::Unclear));
    let nobody_knows = |_: Vec<String>| None;
    let input = json!({"file_path": "/home/u/shop/a"});
    let got = covers_edit(&workspace(), "Edit", &input, &nobody_knows);
    assert_eq!(got, Err(NotCovered::NotFollowed));
}

#[test]
fn a_workspace_that_is_a_link_is_the_same_by_both_names() {
    let workspace = Workspace {
        directories: vec!["/tmp/shop".into()],
        led_to: vec!["/private/tmp/shop".into()],
        ..Workspace::default()
    };
    let links = [("/tmp", "/private/tmp")];
    for path in ["/tmp/shop/a", "/private/tmp/shop/a"] {
        let got = with_links(&workspace, &links, "Write", &json!({"file_path": path}));
        assert_eq!(got, Ok(()), "{path}");
    }
}

/// One approved command is enough for that.
#[test]
fn a_workspace_that_has_become_a_link_is_not_what_it_leads_to() {
    let links = [("/home/u/shop", "/home/u")];
    for path in ["/home/u/shop/bin/git", "/home/u/other/x.c"] {
        let input = json!({"file_path": path});
        let got = with_links(&workspace(), &links, "Write", &input);
        assert_eq!(got, Err(NotCovered::Outside), "{path}");
    }
}

#[test]
fn a_home_or_a_state_directory_as_workspace_keeps_what_is_hidden_in_it() {
    let home = Workspace {
        directories: vec!["/home/u".into()],
        ..workspace()
    };
    let at = |workspace: &Workspace, path: &str| {
        with_links(workspace, &[], "Write", &json!({"file_path": path}))
    };
    assert_eq!(at(&home, "/home/u/notes.txt"), Ok(()));
    for path in [
        "/home/u/.anything",
        "/home/u/.local/bin/ls",
        "/home/u/.humanlayer/daemon.db",
    ] {
        assert!(
            matches!(at(&home, path), Err(NotCovered::Protected(_))),
            "{path}"
        );
    }
    let worktree = Workspace {
        directories: vec!["/home/u/.humanlayer/worktrees/a".into()],
        ..workspace()
    };
    assert_eq!(
        at(&worktree, "/home/u/.humanlayer/worktrees/a/src/x"),
        Ok(())
    );
    let got = at(&worktree, "/home/u/.humanlayer/worktrees/a/.git/config");
    assert!(matches!(got, Err(NotCovered::Protected(_))));
    let units = Workspace {
        directories: vec!["/home/u/.config/systemd/user".into()],
        ..workspace()
    };
    let got = at(&units, "/home/u/.config/systemd/user/a.service");
    assert!(matches!(got, Err(NotCovered::Protected(_))));
}

#[test]
fn every_path_of_a_call_counts_whatever_the_tool_calls_it() {
    let follow = |paths: Vec<String>| Some(paths.iter().map(|path| follow_by(&[], path)).collect());
    let tool = |tool: &str, input: Value| covers_tool(&workspace(), tool, &input, &follow).is_ok();
    let good = "/home/u/shop/a";
    let bad = "/home/u/shop/.git/config";
    let nested = "mcp__files__move";
    for field in [
        "path",
        "file_path",
        "filePath",
        "notebook_path",
        "destination",
        "dest_path",
        "fileName",
        "target_file",
        "outputDir",
        "uri",
        "cwd",
    ] {
        assert!(tool(nested, json!({field: good})), "{field}");
        assert!(!tool(nested, json!({field: bad})), "{field}");
        assert!(
            !tool(nested, json!({"options": [{field: bad}], "path": good})),
            "{field}"
        );
    }
    assert!(!tool(nested, json!({"paths": [good, bad]})));
    assert!(!tool(
        nested,
        json!({"uri": "file:///home/u/shop/%2egit/config"})
    ));
    assert!(tool(nested, json!({"uri": "file:///home/u/shop/a"})));
    assert!(tool(
        nested,
        json!({"path": good, "file_text": "x", "content": bad})
    ));
    assert!(tool("mcp__db__query", json!({"sql": "select 1"})));
    assert!(!tool("Read", json!({"file_path": "/home/u/.ssh/id_rsa"})));
    assert!(tool("Glob", json!({"pattern": "**/*.rs"})));
    assert!(!tool("Glob", json!({"pattern": "../**"})));
    assert!(!tool("Glob", json!({"pattern": "/etc/*"})));
    let many: Vec<String> = (0..100)
        .map(|number| format!("/home/u/shop/{number}"))
        .collect();
    assert!(
        !tool(nested, json!({ "paths": many })),
        "too many to be looked at"
    );
    let notebook = json!({"notebook_path": bad});
    assert!(covers_edit(&workspace(), "NotebookEdit", &notebook, &follow).is_err());
    let several = json!({"file_path": good, "edits": [{"file_path": bad}]});
    assert!(covers_edit(&workspace(), "MultiEdit", &several, &follow).is_err());
    assert!(covers_edit(&workspace(), "Write", &json!({}), &follow).is_err());
    assert!(covers_edit(&workspace(), "Bash", &json!({"path": good}), &follow).is_err());
}

proptest! {
    /// However a path is written, what it comes to is what counts.
    #[test]
    fn detours_change_nothing(
        parts in prop::collection::vec("[a-z.]{1,8}", 1..6),
        detour in prop::sample::select(vec!["/./", "//", "/x/../", "/./x/.././"]),
        at in 0usize..6,
    ) {
        let parts: Vec<String> = parts
            .into_iter()
            .filter(|part| part != "." && part != "..")
            .collect();
        let at = at.min(parts.len());
        let (before, behind) = parts.split_at(at);
        let plain = format!("/home/u/shop/{}", parts.join("/"));
        let longer = format!("/home/u/shop/{}{detour}{}", before.join("/"), behind.join("/"));
        prop_assert_eq!(edit(&plain), edit(&longer), "{} {}", plain, longer);
    }

    /// Nothing is covered that leads out of the directories.
    #[test]
    fn what_leads_out_is_never_covered(target in "/[a-z]{1,6}(/[a-z.]{1,6}){0,3}", name in "[a-z]{1,6}") {
        prop_assume!(!target.starts_with("/home/u/shop") && !target.starts_with("/srv/shared"));
        let link = format!("/home/u/shop/{name}");
        let links = [(link.as_str(), target.as_str())];
        let input = json!({"file_path": format!("{link}/file")});
        prop_assert!(with_links(&workspace(), &links, "Write", &input).is_err());
    }
}

#[test]
fn an_edit_with_what_another_tool_would_run_is_not_covered() {
    let covers = |input: serde_json::Value| {
        let follow = |paths: Vec<String>| {
            let places = paths.iter().map(|path| follow_by(&[], path));
            Some(places.collect())
        };
        covers_edit(&workspace(), "Write", &input, &follow)
    };
    let usual = json!({"file_path": "/home/u/shop/a", "content": "x"});
    assert_eq!(covers(usual), Ok(()));
    let more = json!({"file_path": "/home/u/shop/a", "content": "x", "command": "touch it"});
    assert_eq!(covers(more), Err(NotCovered::Unclear));
}
