//! Reading projects on a real file system, hostile ones among them.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::os::unix::fs::symlink;

use rstest::rstest;

use super::*;

struct World {
    root: tempfile::TempDir,
}

impl World {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("home/.claude")).unwrap();
        Self { root }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.root.path().canonicalize().unwrap().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.at(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, directory: &str) -> Project {
        let home = self.at("home").to_string_lossy().into_owned();
        let env = BTreeMap::from([("HOME".to_owned(), home)]);
        read(&self.at(directory), &[], &env).project
    }

    fn paths(&self, directory: &str) -> Vec<String> {
        let files = self.read(directory).files;
        files.into_iter().map(|file| file.path).collect()
    }
}

const HOOK: &str =
    r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "COMMAND"}]}]}}"#;

fn hook(command: &str) -> String {
    HOOK.replace("COMMAND", command)
}

#[test]
fn a_directory_without_settings_brings_nothing() {
    let world = World::new();
    world.write("shop/.git/HEAD", "ref: refs/heads/main\n");
    world.write("shop/CLAUDE.md", "words");
    world.write("shop/.claude/settings.json", r#"{"model": "opus"}"#);
    world.write("shop/.claude/agents/a.md", "---\nname: a\n---\n");
    world.write("home/.claude/settings.json", &hook("mine"));
    assert_eq!(world.read("shop").files, []);
    world.write("home/.git/HEAD", "");
    assert_eq!(world.read("home").files, [], "they are the user's own");
}

#[test]
fn a_log_that_a_hook_keeps_is_no_part_of_what_is_agreed_to() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/.claude/settings.json", &hook("date >> hook.log"));
    world.write("shop/hook.log", "Monday\n");
    assert_eq!(world.paths("shop"), [".claude/settings.json"]);
    let before = world.read("shop").fingerprint();
    world.write("shop/hook.log", "Monday\nTuesday\n");
    assert_eq!(world.read("shop").fingerprint(), before);
}

#[test]
fn what_claude_code_would_take_is_found_with_the_scripts_that_are_named() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write(
        "shop/.claude/settings.json",
        &hook("sh $CLAUDE_PROJECT_DIR/hooks/a.sh && npm test"),
    );
    world.write(
        "shop/sub/.claude/settings.local.json",
        r#"{"permissions": {"allow": ["Bash(./secret.sh)"]}}"#,
    );
    world.write(
        "shop/.mcp.json",
        r#"{"mcpServers": {"db": {"command": "node", "args": ["./server.js"]}}}"#,
    );
    world.write(
        "shop/.claude/agents/deep/a.md",
        "---\nname: a\nhooks:\n  Stop:\n    - command: ./agent.sh\n---\n",
    );
    for script in [
        "hooks/a.sh",
        "server.js",
        "agent.sh",
        "secret.sh",
        "package.json",
    ] {
        world.write(&format!("shop/{script}"), script);
    }
    let expected = [
        ".claude/agents/deep/a.md",
        ".claude/settings.json",
        ".mcp.json",
        "agent.sh",
        "hooks/a.sh",
        "package.json",
        "server.js",
        "sub/.claude/settings.local.json",
    ];
    assert_eq!(world.paths("shop/sub"), expected);
    let before = world.read("shop/sub").fingerprint();
    world.write("shop/hooks/a.sh", "changed");
    assert_ne!(world.read("shop/sub").fingerprint(), before);
    world.write("shop/.claude/agents/harmless.md", "---\nname: b\n---\n");
    world.write("shop/hooks/a.sh", "hooks/a.sh");
    assert_eq!(world.read("shop/sub").fingerprint(), before);
}

#[rstest]
#[case::as_the_manual_writes_it(r#"\"$CLAUDE_PROJECT_DIR\"/hooks/a.sh"#, "hooks/a.sh")]
#[case::after_a_change_of_directory("cd hooks && ./a.sh", "hooks/a.sh")]
#[case::from_the_top("$(git rev-parse --show-toplevel)/hooks/a.sh", "hooks/a.sh")]
#[case::by_a_pattern("for h in ./hooks/*; do sh $h; done", "hooks/a.sh")]
#[case::with_a_blank("sh 'my hooks/a.sh'", "my hooks/a.sh")]
#[case::as_a_module("python3 -m hooks.check", "hooks/check.py")]
#[case::without_its_end("node ./hooks/check", "hooks/check.js")]
fn a_script_that_a_hook_names_is_part_of_the_question_however_it_is_named(
    #[case] command: &str,
    #[case] script: &str,
) {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/.claude/settings.json", &hook(command));
    world.write(&format!("shop/{script}"), "before");
    let found = world.paths("shop");
    assert!(found.iter().any(|path| path == script), "{found:?}");
    let before = world.read("shop").fingerprint();
    world.write(&format!("shop/{script}"), "after");
    assert_ne!(world.read("shop").fingerprint(), before);
}

#[test]
fn what_a_command_names_is_known_before_it_is_there() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    let command = "test -x ./late.sh && ./late.sh; sh /tmp/anybodys-hook.sh";
    world.write("shop/.claude/settings.json", &hook(command));
    let read = || {
        let home = world.at("home").to_string_lossy().into_owned();
        let env = BTreeMap::from([("HOME".to_owned(), home)]);
        super::read(&world.at("shop"), &[], &env)
    };
    let found = read();
    assert!(found.named().contains(&world.at("shop/late.sh")));
    let elsewhere = found.project.files.iter();
    assert!(
        elsewhere
            .map(|file| &file.path)
            .any(|path| path == "/tmp/anybodys-hook.sh")
    );
    let stamps = found.stamps_when_read();
    assert_eq!(found.stamps(), stamps);
    world.write("shop/late.sh", "touch made");
    assert_ne!(found.stamps(), stamps, "it is watched");
    assert_ne!(read().project.fingerprint(), found.project.fingerprint());
}

#[test]
fn what_the_users_own_hooks_run_in_the_project_is_known_and_not_asked_about() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/scripts/format.sh", "true");
    world.write(
        "home/.claude/settings.json",
        &hook("sh ./scripts/format.sh"),
    );
    let home = world.at("home").to_string_lossy().into_owned();
    let found = super::read(
        &world.at("shop"),
        &[],
        &BTreeMap::from([("HOME".to_owned(), home)]),
    );
    assert_eq!(found.project.files, []);
    assert!(found.named().contains(&world.at("shop/scripts/format.sh")));
}

#[test]
fn the_directory_of_hooks_that_gits_settings_name_is_known() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/.git/config", "[core]\n\thooksPath = tools/hooks\n");
    world.write("shop/tools/hooks/pre-commit", "true");
    let found = super::read(&world.at("shop"), &[], &BTreeMap::new());
    assert_eq!(found.project.files, []);
    assert!(found.named().contains(&world.at("shop/tools/hooks")));
}

#[test]
fn skills_and_commands_of_additional_directories_are_part_of_the_question() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write(
        "more/.claude/commands/review.md",
        "---\nallowed-tools: Bash\n---\n!`touch made`",
    );
    let more = world.at("more").to_string_lossy().into_owned();
    let found = super::read(&world.at("shop"), &[more], &BTreeMap::new());
    assert_eq!(found.project.files.len(), 1, "{found:?}");
}

#[test]
fn only_so_much_is_looked_through_of_all_files_together() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    for number in 0..3 {
        let name = format!("shop/.claude/agents/{number}.md");
        world.write(&name, "\0");
        let file = File::options().write(true).open(world.at(&name)).unwrap();
        file.set_len(40 * 1024 * 1024).unwrap();
    }
    let files = world.read("shop").files;
    let unread = |file: &&project::File| matches!(file.content, Content::Unread(_));
    assert_eq!(files.iter().filter(unread).count(), 2, "{files:?}");
}

#[test]
fn a_file_that_names_more_than_is_looked_at_can_only_be_left_out() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    let many: Vec<String> = (0..5_000).map(|number| format!("w{number}")).collect();
    let command = format!("{} ./a.sh", many.join(" "));
    world.write("shop/.claude/settings.json", &hook(&command));
    assert!(!world.read("shop").is_whole());
}

#[test]
fn the_skills_that_an_agent_has_are_part_of_what_is_asked_about() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write(
        "shop/.claude/skills/deploy/SKILL.md",
        "---\nname: deploy\nallowed-tools: Bash\n---\nrun !`touch made`\n",
    );
    let skill = [".claude/skills/deploy/SKILL.md"];
    assert_eq!(world.paths("shop"), skill, "a person may call it");
    world.write(
        "shop/.claude/agents/evil.md",
        "---\nname: evil\nskills: [deploy, other]\n---\n",
    );
    let expected = [".claude/agents/evil.md", ".claude/skills/deploy/SKILL.md"];
    assert_eq!(world.paths("shop"), expected);
}

#[test]
fn files_above_the_repository_are_found_as_its_top_may_be_another_one_for_claude_code() {
    let world = World::new();
    world.write("a/.mcp.json", r#"{"mcpServers": {"db": {"command": "x"}}}"#);
    world.write("a/.claude/settings.json", &hook("x"));
    world.write("a/shop/.git/HEAD", "");
    let above = |name: &str| world.at(name).to_string_lossy().into_owned();
    let expected = [above("a/.claude/settings.json"), above("a/.mcp.json")];
    assert_eq!(world.paths("a/shop"), expected);
}

#[rstest]
#[case::an_empty_directory(|path: &Path| fs::create_dir(path).unwrap())]
#[case::a_link_that_leads_nowhere(|path: &Path| symlink("nowhere", path).unwrap())]
fn what_is_put_between_a_directory_and_its_repository_hides_no_settings(#[case] put: fn(&Path)) {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/sub/x", "");
    put(&world.at("shop/sub/.git"));
    world.write("shop/.claude/settings.local.json", &hook("true"));
    let found = world.paths("shop/sub");
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].ends_with(".claude/settings.local.json"));
}

#[test]
fn settings_far_above_are_found_and_what_is_too_deep_is_asked_about() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/.claude/settings.local.json", &hook("true"));
    let deep = |depth: usize| format!("shop/{}x", "d/".repeat(depth));
    world.write(&deep(90), "");
    let found = world.paths(&deep(90).replace("/x", ""));
    assert_eq!(found.len(), 1, "{found:?}");
    world.write(&deep(300), "");
    assert!(!world.read(&deep(300).replace("/x", "")).is_whole());
}

#[test]
fn instructions_that_are_a_link_out_of_the_repository_are_asked_about() {
    let world = World::new();
    world.write("secret", "secret words");
    world.write("shop/.git/HEAD", "");
    world.write("shop/docs/CLAUDE.md", "Be brief.");
    world.write("shop/.claude/rules/a.md", "Be brief.");
    symlink("docs/CLAUDE.md", world.at("shop/CLAUDE.md")).unwrap();
    assert_eq!(world.paths("shop"), [""; 0]);
    symlink("../secret", world.at("shop/AGENTS.md")).unwrap();
    symlink("../../../secret", world.at("shop/.claude/rules/b.md")).unwrap();
    assert_eq!(world.paths("shop"), [".claude/rules/b.md", "AGENTS.md"]);
    assert!(!world.read("shop").is_whole());
}

#[test]
fn a_command_of_the_repositorys_that_runs_something_is_asked_about() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    world.write("shop/.claude/commands/look.md", "Look.");
    world.write(
        "shop/.claude/commands/compact.md",
        "---\nallowed-tools: Bash\n---\n!`touch made`",
    );
    world.write(
        "shop/.claude/scheduled_tasks.json",
        r#"{"tasks": [{"cron": "* * * * *", "prompt": "TOOL"}]}"#,
    );
    let expected = [
        ".claude/commands/compact.md",
        ".claude/scheduled_tasks.json",
    ];
    assert_eq!(world.paths("shop"), expected);
}

#[test]
fn what_loosens_the_users_own_settings_is_told_and_what_tightens_them_is_not() {
    let world = World::new();
    world.write("home/.claude/settings.json", r#"{"model": "sonnet"}"#);
    world.write("shop/x", "");
    let read = || {
        let env = [("HOME".to_owned(), world.at("home").display().to_string())];
        read(&world.at("shop"), &[], &BTreeMap::from(env))
    };
    let before = read().users().clone();
    assert_eq!(read().loosened(&before), []);
    world.write("home/.claude/settings.json", r#"{"model": "opus"}"#);
    assert_eq!(read().loosened(&before), []);
    world.write(
        "home/.claude/settings.local.json",
        r#"{"permissions": {"allow": ["Bash"]}}"#,
    );
    let loosened = read().loosened(&before);
    assert_eq!(loosened.len(), 1);
    assert!(
        loosened[0]
            .path
            .ends_with("home/.claude/settings.local.json")
    );
    let whole = read().project.with(loosened);
    assert_eq!(whole.brings().len(), 1, "{whole:?}");
}

#[test]
fn another_worktree_or_clone_of_a_repository_is_the_same_and_another_repository_is_not() {
    let world = World::new();
    for name in ["one", "other", "clone"] {
        world.write(&format!("{name}/.git/HEAD"), "");
        world.write(&format!("{name}/.claude/settings.json"), &hook("x"));
        world.write(&format!("{name}/.claude/settings.local.json"), &hook("y"));
    }
    let config = "[core]\n\tbare = false\n[remote \"origin\"]\n\turl = git@example.com:shop\n";
    world.write("one/.git/config", config);
    world.write("clone/.git/config", config);
    world.write("one/.git/worktrees/w/commondir", "../..\n");
    world.write(
        "wt/.git",
        &format!("gitdir: {}\n", world.at("one/.git/worktrees/w").display()),
    );
    world.write("wt/.claude/settings.json", &hook("x"));
    let one = world.read("one");
    assert_eq!(one.repository, "git@example.com:shop");
    for same in ["wt", "clone"] {
        let same = world.read(same);
        assert_eq!(
            (&same.repository, same.fingerprint()),
            (&one.repository, one.fingerprint())
        );
    }
    let other = world.read("other");
    assert_eq!(other.fingerprint(), one.fingerprint());
    assert_ne!(other.repository, one.repository);
    // Its own local settings beside those of the main worktree.
    world.write("wt/.claude/settings.local.json", &hook("z"));
    assert_eq!(
        world.paths("wt"),
        [
            ".claude/settings.json",
            ".claude/settings.local.json",
            "main worktree: .claude/settings.local.json"
        ]
    );
}

#[test]
fn what_is_no_regular_file_of_the_repository_is_said_and_not_opened() {
    let world = World::new();
    world.write("outside", "secret words");
    world.write("shop/.git/HEAD", "");
    world.write(
        "shop/.claude/settings.json",
        &hook("./out ./pipe ./long ./binary ./missing .. /etc/passwd"),
    );
    symlink(world.at("outside"), world.at("shop/out")).unwrap();
    symlink(world.at("outside"), world.at("shop/.mcp.json")).unwrap();
    let pipe = std::process::Command::new("mkfifo")
        .arg(world.at("shop/pipe"))
        .status()
        .unwrap();
    assert!(pipe.success());
    let link = std::process::Command::new("mkfifo")
        .arg(world.at("shop/.claude/settings.local.json"))
        .status()
        .unwrap();
    assert!(link.success());
    world.write("shop/long", &"x".repeat(200 * 1024));
    fs::write(world.at("shop/binary"), b"\x7fELF\0\xff").unwrap();
    let project = world.read("shop");
    let of = |name: &str| {
        let found = project.files.iter().find(|file| file.path == name);
        found.map(|file| file.content.clone())
    };
    let unread = |name: &str| matches!(of(name), Some(Content::Unread(_)));
    assert!(
        unread("out") && unread(".mcp.json") && unread("long"),
        "{project:?}"
    );
    assert!(unread(".claude/settings.local.json"));
    assert_eq!(of("pipe"), None);
    assert!(matches!(
        of("binary"),
        Some(Content::Binary { bytes: 6, .. })
    ));
    assert!(!project.is_whole());
    assert!(!project.question().to_string().contains("secret words"));
}

#[test]
fn however_much_there_is_only_so_much_is_read() {
    let world = World::new();
    world.write("shop/.git/HEAD", "");
    for number in 0..300 {
        world.write(
            &format!("shop/.claude/agents/{number}.md"),
            &format!("---\nhooks: {}\n---\n", "x".repeat(4 * 1024)),
        );
    }
    let project = world.read("shop");
    assert!(!project.is_whole());
    assert!(project.question().to_string().len() < 1024 * 1024);
    assert!(
        project.files.len() <= MAX_FILES + 2,
        "{}",
        project.files.len()
    );
}
