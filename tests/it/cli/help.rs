//! Help, versions and completions.

use crate::support::cli::Cli;

/// Everything that can be typed.
const VERBS: &[&[&str]] = &[
    &[],
    &["launch"],
    &["sessions"],
    &["show"],
    &["logs"],
    &["search"],
    &["send"],
    &["unsend"],
    &["continue"],
    &["interrupt"],
    &["end"],
    &["restart"],
    &["archive"],
    &["unarchive"],
    &["delete"],
    &["prune"],
    &["rename"],
    &["export"],
    &["docs"],
    &["respond"],
    &["keys"],
    &["alarms"],
    &["alarms", "list"],
    &["alarms", "ack"],
    &["terminals"],
    &["terminals", "list"],
    &["terminals", "confirm"],
    &["places"],
    &["places", "list"],
    &["places", "add"],
    &["places", "remove"],
    &["keys", "new"],
    &["keys", "list"],
    &["keys", "revoke"],
    &["approvals"],
    &["approve"],
    &["deny"],
    &["answer"],
    &["contact_human"],
    &["mcp"],
    &["mcp", "claude_approvals"],
    &["mcp", "serve"],
    &["watch"],
    &["rpc"],
    &["login"],
    &["ping"],
    &["config"],
    &["config", "show"],
    &["config", "edit"],
    &["config", "list"],
    &["config", "get"],
    &["config", "keys"],
    &["config", "schema"],
    &["daemon"],
    &["daemon", "start"],
    &["daemon", "stop"],
    &["daemon", "restart"],
    &["daemon", "status"],
    &["daemon", "logs"],
    &["doctor"],
    &["service"],
    &["service", "install"],
    &["service", "uninstall"],
    &["service", "status"],
    &["man"],
    &["backup"],
    &["restore"],
    &["demo"],
];

#[test]
fn every_verb_helps_briefly_and_at_length() {
    let cli = Cli::new();
    for verb in VERBS.iter().copied() {
        let brief = cli.ok(&[verb, &["-h"]].concat());
        let full = cli.ok(&[verb, &["--help"]].concat());
        assert!(brief.contains("Usage: humanlayer"), "{verb:?}: {brief}");
        assert!(full.len() >= brief.len(), "{verb:?}");
        for text in [&brief, &full] {
            assert!(!text.contains('\u{1b}'), "{verb:?}");
            // What only this program itself types is nobody's business.
            assert!(!text.contains("detached-child"), "{verb:?}");
            let typed = text.replace("mcp__humanlayer__", "");
            assert!(!typed.contains("__"), "{verb:?}: {text}");
        }
        if verb.len() < 2 {
            assert!(full.contains("Example"), "{verb:?}: {full}");
        }
    }
    assert_eq!(cli.daemon_pid(), None);
}

#[test]
fn every_verb_of_the_help_is_tried_here() {
    let cli = Cli::new();
    let help = cli.ok(&["-h"]);
    let listed = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter_map(|line| line.split_whitespace().next())
        .filter(|verb| !["help", "completions"].contains(verb));
    let mut count = 0;
    for verb in listed {
        assert!(VERBS.contains(&&[verb][..]), "{verb}");
        count += 1;
    }
    assert!(count >= 18, "{help}");
}

#[test]
fn the_version_is_the_packages() {
    let cli = Cli::new();
    let version = concat!("humanlayer ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!(cli.ok(&["--version"]), version);
}
