//! What files of a project bring, by tables, and which changes of settings a person has granted.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn file(role: Role, text: &str) -> File {
    File {
        path: "f".to_owned(),
        role,
        content: Content::Text(text.to_owned()),
    }
}

#[rstest]
#[case("", &[])]
#[case("{}", &[])]
#[case(r#"{"model": "opus", "permissions": {"deny": ["Bash(rm:*)"], "ask": ["Bash"], "defaultMode": "plan"}}"#, &[])]
#[case(r#"{"hooks": {}, "env": {}, "permissions": {"allow": []}}"#, &[])]
#[case(r#"{"permissions": {"allow": ["Bash(npm test)", "Edit"]}}"#, &["allows without asking: Bash(npm test)", "allows without asking: Edit"])]
#[case(r#"{"permissions": {"defaultMode": "acceptEdits"}}"#, &["permission mode acceptEdits"])]
#[case(r#"{"permissions": {"additionalDirectories": ["/etc"]}}"#, &["allows access to /etc"])]
#[case(r#"{"permissions": {"later": true}}"#, &["sets permissions.later"])]
#[case(r#"{"hooks": {"Stop": [{"hooks": [{"type": "command", "command": "./a.sh"}]}]}}"#, &["hook on Stop: ./a.sh"])]
#[case(r#"{"hooks": {"Stop": [{"hooks": [{"type": "http", "url": "http://x"}]}]}}"#, &["hook on Stop: http://x"])]
#[case(r#"{"hooks": {"Stop": "odd"}}"#, &["hook on Stop"])]
#[case(r#"{"env": {"A": "1", "B": "2"}}"#, &["sets the environment: A, B"])]
#[case(r#"{"apiKeyHelper": "./key"}"#, &["sets apiKeyHelper"])]
#[case(r#"{"enableAllProjectMcpServers": true}"#, &["sets enableAllProjectMcpServers"])]
#[case(r#"{"enabledPlugins": {"a@b": true}}"#, &["plugins (enabledPlugins)"])]
#[case(r#"{"whatComesNext": 1}"#, &["sets whatComesNext"])]
#[case(r#"{"disableAllHooks": true}"#, &["sets disableAllHooks"])]
#[case(r#"{"cleanupPeriodDays": 1}"#, &["sets cleanupPeriodDays"])]
#[case("{", &["cannot be read as a JSON object"])]
#[case("[]", &["cannot be read as a JSON object"])]
fn settings_bring_whatever_is_not_known_to_be_harmless(
    #[case] text: &str,
    #[case] expected: &[&str],
) {
    let expected: Vec<String> = expected.iter().map(|what| format!("f: {what}")).collect();
    assert_eq!(file(Role::Settings, text).brings(), expected);
}

#[rstest]
#[case(r#"{"mcpServers": {}}"#, &[])]
#[case(r#"{"mcpServers": {"db": {"command": "npx", "args": ["-y", "db"]}}}"#, &["MCP server db: npx -y db"])]
#[case(r#"{"mcpServers": {"web": {"url": "http://x"}}}"#, &["MCP server web: http://x"])]
#[case(r#"{"mcpServers": "odd"}"#, &["sets mcpServers"])]
fn each_mcp_server_is_named(#[case] text: &str, #[case] expected: &[&str]) {
    let expected: Vec<String> = expected.iter().map(|what| format!("f: {what}")).collect();
    assert_eq!(file(Role::McpServers, text).brings(), expected);
}

#[rstest]
#[case("no head", 0)]
#[case(
    "---\nname: a\ndescription: |\n  hooks: none\ntools: Read\n---\nhooks: x\n",
    0
)]
#[case("---\nname: a\npermissionMode: plan\n---\n", 0)]
#[case("---\nname: a\npermissionMode: bypassPermissions\n---\n", 1)]
#[case("---\nname: a\nhooks:\n  Stop: []\n---\n", 1)]
#[case("---\nname: a\nmcpServers:\n  - x\n---\n", 1)]
#[case("---\n\"h\\x6foks\": {}\n---\n", 1)]
#[case("---\n{name: a, hooks: {}}\n---\n", 1)]
#[case("---\n? hooks\n: {}\n---\n", 1)]
#[case(
    "---\nname: a\npermissionMode: bypassPermissions # : default\n---\n",
    1
)]
#[case(
    "---\nname: a\npermissionMode: \"bypassPermissions\": default\n---\n",
    1
)]
#[case("---\n name: a\n permissionMode: bypassPermissions\n---\n", 1)]
#[case("---\n\n# x\n\thooks:\n\t  Stop: []\n---\n", 1)]
#[case("---\nname: a\rpermissionMode: bypassPermissions\n---\n", 1)]
#[case("---\ndescription: x\r  y\rhooks:\r  Stop: []\n---\n", 1)]
#[case("---\nname: a\u{85}hooks: {}\n---\n", 1)]
#[case("---\nname: a\n---\u{85}\nhooks: {}\n---\n", 2)]
#[case("---\nname: a\n---\u{a0}\nhooks: {}\n---\n", 2)]
#[case("--- \t\nname: a\nhooks: {}\n---\n", 1)]
#[case("\n ---\nname: a\nhooks: {}\n---\n", 1)]
#[case("---\nname: a\nskills: deploy\n---\n", 1)]
#[case("---\nname: a\n<<: {hooks: {}}\n---\n", 1)]
#[case("---\n- hooks: {}\n---\n", 1)]
#[case(
    "---\nname: a\ndescription: Use it: often\ntools:\n- Read\n  # b\n- Edit\npermissionMode:  plan \n---\n",
    0
)]
#[case("\u{feff}---\r\nhooks: {}\r\n---\r\n", 1)]
fn an_agent_brings_something_unless_its_head_is_plain(#[case] text: &str, #[case] count: usize) {
    assert_eq!(file(Role::Agent, text).brings().len(), count, "{text}");
}

#[rstest]
#[case("Look at $ARGUMENTS.", 0)]
#[case(
    "---\ndescription: a\nargument-hint: [x]\nmodel: opus\n---\nLook.\n",
    0
)]
#[case("---\nallowed-tools: Bash(git status:*)\n---\nLook.\n", 1)]
#[case("Status: !`git status`", 1)]
#[case("---\n allowed-tools: Bash\n---\n```!\ngit status\n```\n", 2)]
#[case("---\nhooks:\n  Stop: []\n---\n", 1)]
fn a_command_or_skill_brings_something_where_it_allows_or_runs(
    #[case] text: &str,
    #[case] count: usize,
) {
    assert_eq!(file(Role::Command, text).brings().len(), count, "{text}");
}

#[rstest]
#[case("", 0)]
#[case(r#"{"tasks": []}"#, 0)]
#[case(r#"{"tasks": [{"cron": "* * * * *", "prompt": "x"}]}"#, 1)]
#[case("[{}]", 1)]
#[case("odd", 1)]
fn prompts_for_later_are_asked_about(#[case] text: &str, #[case] count: usize) {
    assert_eq!(file(Role::Schedule, text).brings().len(), count, "{text}");
}

#[rstest]
#[case("", r#"{"theme": "dark", "permissions": {"allow": ["Bash"]}}"#, false)]
#[case("{}", r#"{"model": "opus"}"#, true)]
#[case(r#"{"hooks": {"PreToolUse": [{}]}}"#, "{}", false)]
#[case(r#"{"permissions": {"allow": ["Bash"]}}"#, "{}", true)]
#[case(r#"{"permissions": {"deny": ["Bash"]}}"#, "{}", false)]
#[case("{}", "odd", false)]
fn the_users_settings_may_become_stricter_by_themselves(
    #[case] before: &str,
    #[case] after: &str,
    #[case] expected: bool,
) {
    assert_eq!(is_no_looser(before, after), expected, "{after}");
}

#[test]
fn the_fingerprint_is_of_paths_and_contents_and_not_of_the_place() {
    let project = |directory: &str, files: Vec<File>| Project {
        repository: "r".into(),
        directory: directory.into(),
        files,
    };
    let one = project("/a", vec![file(Role::Settings, "x")]);
    assert_eq!(
        one.fingerprint(),
        project("/b", vec![file(Role::Settings, "x")]).fingerprint()
    );
    let others = [
        project("/a", vec![file(Role::Settings, "y")]),
        project("/a", vec![]),
        project(
            "/a",
            vec![file(Role::Settings, "x"), file(Role::Named, "s")],
        ),
        project(
            "/a",
            vec![File {
                path: "g".into(),
                ..file(Role::Settings, "x")
            }],
        ),
    ];
    for other in others {
        assert_ne!(one.fingerprint(), other.fingerprint(), "{other:?}");
    }
    let more = project(
        "/a",
        vec![file(Role::Settings, "x"), file(Role::Named, "s")],
    );
    assert_ne!(more.rest_fingerprint(), one.rest_fingerprint());
}

#[test]
fn the_question_holds_every_file_in_full() {
    let project = Project {
        repository: "r".into(),
        directory: "/home/u/shop".into(),
        files: vec![
            File {
                path: ".claude/settings.json".into(),
                ..file(Role::Settings, r#"{"env": {"A": "1"}}"#)
            },
            File {
                path: "bin/tool".into(),
                role: Role::Named,
                content: Content::Binary {
                    bytes: 9,
                    sha256: "ab".into(),
                },
            },
        ],
    };
    let question = project.question();
    assert_eq!(question["directory"], "/home/u/shop");
    assert_eq!(
        question["brings"],
        ".claude/settings.json: sets the environment: A"
    );
    assert_eq!(
        question[".claude/settings.json"],
        "{\"env\": {\"A\": \"1\"}}\n"
    );
    assert!(question["bin/tool"].as_str().unwrap().contains("9 bytes"));
    assert!(project.is_whole());
}

#[test]
fn no_file_takes_the_place_of_what_the_question_says() {
    let paths = [
        "brings",
        "directory",
        "directory: /home/u/trusted",
        "brings:\n/x",
        "a/b",
    ];
    let named = |path: &&str| File {
        path: (*path).to_owned(),
        ..file(Role::Named, "of the file")
    };
    let project = Project {
        repository: "r".into(),
        directory: "/home/u/evil".into(),
        files: paths.iter().map(named).collect(),
    };
    let question = project.question();
    assert_eq!(question["directory"], "/home/u/evil");
    assert_eq!(question["brings"], "");
    let fields = question.as_object().unwrap();
    assert_eq!(fields.len(), 2 + paths.len());
    for name in fields.keys().skip(2) {
        assert!(name.starts_with("./") || name == "a/b", "{name}");
    }
}

#[test]
fn only_exactly_what_a_person_granted_may_be_added() {
    let local = |rule: Value| json!({"type": "addRules", "behavior": "allow", "rules": [rule], "destination": "localSettings"});
    let granted = [
        local(json!({"toolName": "Bash", "ruleContent": "npm test:*"})),
        local(json!({"toolName": "Bash", "ruleContent": "echo (a)"})),
        json!({"type": "addDirectories", "directories": ["/srv"], "destination": "projectSettings"}),
        json!({"type": "addRules", "behavior": "allow", "rules": [{"toolName": "WebFetch"}], "destination": "session"}),
    ];
    let hooks = r#""hooks": {"Stop": [{"hooks": [{"type": "command", "command": "x"}]}]}"#;
    let cases = [
        ("", r#"{"permissions": {"allow": ["Bash(npm test:*)"]}}"#.to_owned(), true),
        ("", r#"{"permissions": {"allow": ["Bash(echo \\(a\\))"]}}"#.to_owned(), true),
        ("", r#"{"permissions": {"allow": ["Bash(npm test:*)"], "deny": [], "ask": []}}"#.to_owned(), true),
        ("", r#"{"model": "x", "permissions": {"allow": ["Bash(npm test:*)"]}}"#.to_owned(), true),
        ("", r#"{"permissions": {"additionalDirectories": ["/srv"]}}"#.to_owned(), true),
        ("", r#"{"permissions": {"additionalDirectories": ["/etc"]}}"#.to_owned(), false),
        ("", r#"{"permissions": {"allow": ["Bash(npm test:*)", "Bash"]}}"#.to_owned(), false),
        ("", r#"{"permissions": {"allow": ["WebFetch"]}}"#.to_owned(), false),
        ("", r#"{"permissions": {"allow": ["Bash(npm test:*)"]}, "env": {"A": "1"}}"#.to_owned(), false),
        ("", r#"{"permissions": {"allow": ["Bash(npm test:*)"], "defaultMode": "bypassPermissions"}}"#.to_owned(), false),
        ("", format!("{{{hooks}}}"), false),
        ("", "not JSON".to_owned(), false),
        ("not JSON", String::new(), false),
    ];
    for (before, after, expected) in cases {
        assert_eq!(is_granted(before, &after, &granted), expected, "{after}");
    }
    let before =
        format!("{{{hooks}, \"permissions\": {{\"allow\": [\"Edit\"], \"deny\": [\"Read(x)\"]}}}}");
    let with = |allow: &str, deny: &str| {
        format!("{{{hooks}, \"permissions\": {{\"allow\": [{allow}], \"deny\": [{deny}]}}}}")
    };
    let rule = "\"Edit\", \"Bash(npm test:*)\"";
    assert!(is_granted(&before, &with(rule, "\"Read(x)\""), &granted));
    assert!(
        is_granted(&before, &with("", "\"Read(x)\", \"Read(y)\""), &granted),
        "less is allowed"
    );
    assert!(
        !is_granted(&before, &with(rule, ""), &granted),
        "less is denied"
    );
    assert!(!is_granted(
        &before,
        &with("\"Edit\", \"Bash\"", "\"Read(x)\""),
        &granted
    ));
}

proptest! {
    /// Without a grant, nothing that allows more passes.
    #[test]
    fn nothing_is_granted_by_itself(rule in "[A-Za-z]{1,8}", key in "[a-z]{3,9}") {
        prop_assume!(!HARMLESS_SETTINGS.contains(&key.as_str()));
        let allows = json!({"permissions": {"allow": [rule]}}).to_string();
        prop_assert!(!is_granted("", &allows, &[]));
        let sets = json!({key: "x"}).to_string();
        prop_assert!(!is_granted("", &sets, &[]));
    }
}
