//! What is made here is for its user alone, whatever the mask says.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::support::cli::Cli;
use crate::support::daemon::wait_until;

/// All files below a directory that others may use.
fn open_to_others(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        let path = entry.path();
        // It may be gone already.
        let Ok(metadata) = fs::symlink_metadata(&path) else {
            continue;
        };
        if metadata.is_symlink() {
            continue;
        }
        if metadata.mode() & 0o077 != 0 {
            found.push(path.clone());
        }
        if metadata.is_dir() {
            open_to_others(&path, found);
        }
    }
}

#[test]
fn with_a_mask_of_nothing_all_files_of_ours_are_private_and_an_agents_are_as_it_makes_them() {
    let cli = Cli::new();
    let script = format!(
        "umask 000; exec '{}' launch 'TOOL Bash {{\"command\": \"touch made\"}}\nTEXT done' --dangerously-skip-permissions",
        crate::support::scripted_agent::binary()
    );
    let said = cli.dressed("sh", &["-c", &script]).output().unwrap();
    assert!(
        said.status.success(),
        "{}",
        String::from_utf8_lossy(&said.stderr)
    );
    let made = cli.work().join("made");
    wait_until("the agent has made its file", || {
        made.exists().then_some(())
    });
    let mode = fs::metadata(made).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o666, "the user's own mask holds for the agent");
    let mut found = Vec::new();
    open_to_others(&cli.state(), &mut found);
    assert_eq!(found, Vec::<PathBuf>::new());
}
