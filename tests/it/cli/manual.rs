//! The manual pages.

use std::collections::BTreeSet;
use std::fs;

use crate::support::cli::Cli;

#[test]
fn there_is_a_page_for_the_program_and_for_each_command() {
    let cli = Cli::new();
    let directory = cli.root().join("made/man1");
    let files = cli.json(&["man", "--json", "--output-dir", directory.to_str().unwrap()]);
    let mut wanted = BTreeSet::new();
    fn names(command: &clap::Command, name: &str, wanted: &mut BTreeSet<String>) {
        wanted.insert(format!("{name}.1"));
        for inner in command.get_subcommands().filter(|one| !one.is_hide_set()) {
            names(inner, &format!("{name}-{}", inner.get_name()), wanted);
        }
    }
    names(
        &humanlayer::commands::cli::command(),
        "humanlayer",
        &mut wanted,
    );
    let made: BTreeSet<String> = fs::read_dir(&directory)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(made, wanted);
    assert!(made.contains("humanlayer-daemon-status.1"), "{made:?}");
    assert_eq!(files.as_array().unwrap().len(), made.len());
    for name in &made {
        let page = fs::read_to_string(directory.join(name)).unwrap();
        let title = format!(".TH {} 1", name.trim_end_matches(".1").replace('-', r"\-"));
        let title = page.contains(&title) || page.contains(&title.replace(r"\-", "-"));
        assert!(title && page.contains(".SH NAME"), "{name}: {page}");
        // What only this program itself types is nobody's business.
        assert!(!page.contains("detached"), "{name}");
        assert!(!page.contains("SH SYNOPSIS\n\\fB__"), "{name}");
    }
    // The same page again, one at a time.
    let one = cli.ok(&["man", "daemon", "status"]);
    let written = fs::read_to_string(directory.join("humanlayer-daemon-status.1")).unwrap();
    assert_eq!(one.trim_end(), written.trim_end());
    assert!(cli.ok(&["man"]).contains(".SH SUBCOMMANDS"));
    let said = cli.fails(2, &["man", "daemon", "dance"]);
    assert!(
        said.contains("there is no command `daemon dance`"),
        "{said}"
    );
    assert_eq!(cli.daemon_pid(), None);
}
