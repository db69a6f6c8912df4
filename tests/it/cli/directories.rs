//! Directories that are renamed, deleted or cannot be entered: a session's, and the one in which a command runs.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::cli::{Cli, Said, finish};
use crate::support::daemon::wait_until;
use crate::support::scripted_agent::binary;
use crate::support::terminal::Terminal;

/// A session in a directory of its own, and that directory.
fn in_shop(cli: &Cli, script: &str) -> (String, PathBuf) {
    let shop = cli.work().join("shop");
    std::fs::create_dir(&shop).unwrap();
    let id = cli.ok(&["launch", script, "-w", shop.to_str().unwrap()]);
    (id.trim_end().to_owned(), shop)
}

fn until_noticed(cli: &Cli, id: &str) -> Value {
    wait_until("it is noticed", || {
        let listed = cli.json(&["sessions", "--json"]);
        let sessions = listed.as_array()?.clone();
        let session = sessions.into_iter().find(|one| one["id"] == id)?;
        session["directory_problem"].is_string().then_some(session)
    })
}

#[test]
fn a_session_whose_directory_was_renamed_goes_on_where_it_is_now() {
    let cli = Cli::new();
    let (id, shop) = in_shop(&cli, "TEXT one");
    cli.until_status(&id, "completed");
    let market = cli.work().join("market");
    let market_name = market.to_str().unwrap();
    // While its process lives it stays.
    std::fs::create_dir(&market).unwrap();
    let refused = cli.fails(1, &["continue", &id, "-w", market_name]);
    assert!(refused.contains("end it first"), "{refused}");
    std::fs::remove_dir(&market).unwrap();
    cli.ok(&["end", &id]);
    // Before it is noticed, so that its name is known by what it is.
    until_seen(&cli);
    std::fs::rename(&shop, &market).unwrap();

    let noticed = until_noticed(&cli, &id);
    let problem = noticed["directory_problem"].as_str().unwrap();
    assert!(problem.contains("shop is missing"), "{problem}");
    let shown = cli.ok(&["show", &id]);
    let way = format!(
        "humanlayer continue {} --working-dir {market_name}",
        &id[..8]
    );
    assert!(shown.contains(problem) && shown.contains(&way), "{shown}");
    let said = cli.run(&["send", &id, "TEXT two"]);
    assert!(
        said.stderr.contains("kept, not sent yet") && said.stderr.contains(&way),
        "{said:?}"
    );
    // As it says.
    let line = format!("'{}' {}", binary(), way.trim_start_matches("humanlayer "));
    assert_eq!(
        finish(cli.dressed("sh", &["-c", &line]), "").ok(),
        format!("{id}\n")
    );
    let session = wait_until("the message that waited is answered", || {
        let session = cli.session(&id);
        (session["result"] == "two").then_some(session)
    });
    assert_eq!(session["working_dir"], market_name);
    assert_eq!(session["directory_problem"], Value::Null);
    let log = cli.ok(&["logs", &id]);
    assert!(log.contains("The session goes on in"), "{log}");
    let missing = cli.fails(2, &["continue", &id, "-w", "/no/such/place", "TEXT x"]);
    assert!(missing.contains("/no/such/place"), "{missing}");
    // A fork, whatever became of the source's directory.
    cli.ok(&["end", &id]);
    std::fs::remove_dir_all(&market).unwrap();
    let refused = cli.fails(2, &["continue", &id, "--fork", "TEXT three"]);
    assert!(refused.contains("--working-dir"), "{refused}");
    let work = cli.work();
    let forked = cli.ok(&[
        "continue",
        &id,
        "--fork",
        "TEXT three",
        "-w",
        work.to_str().unwrap(),
    ]);
    assert_eq!(
        cli.until_status(forked.trim_end(), "completed")["result"],
        "three"
    );
}

/// Waits until the daemon has looked at all directories once.
fn until_seen(cli: &Cli) {
    let probe = cli.work().join("probe");
    std::fs::create_dir(&probe).unwrap();
    let id = cli.ok(&["launch", "TEXT x", "-w", probe.to_str().unwrap()]);
    let id = id.trim_end();
    cli.until_status(id, "completed");
    std::fs::remove_dir(&probe).unwrap();
    until_noticed(cli, id);
    cli.ok(&["end", id]);
    cli.ok(&["archive", id]);
}

#[test]
fn an_approval_says_that_the_directory_is_missing_before_it_is_decided() {
    let cli = Cli::new();
    let shop = cli.work().join("shop");
    let file = shop.join("made.txt");
    let script = format!(
        "TOOL Write {}",
        serde_json::json!({"file_path": file, "content": "x"})
    );
    let (id, _) = in_shop(&cli, &script);
    let approval = cli.until_pending(&id)["id"].as_str().unwrap().to_owned();
    let terminal = Terminal::start((80, 24), &cli.command(&[]));
    terminal.wait_for("made.txt");
    std::fs::remove_dir(&shop).unwrap();
    until_noticed(&cli, &id);
    terminal.wait_for("is missing");
    terminal.wait_for("makes the directory again");
    let shown = cli.ok(&["show", &approval]);
    assert!(shown.contains("shop is missing"), "{shown}");
}

#[test]
fn the_dashboard_asks_for_another_directory_and_offers_the_new_name() {
    let cli = Cli::new();
    let (id, shop) = in_shop(&cli, "TEXT one");
    cli.until_status(&id, "completed");
    cli.ok(&["end", &id]);
    until_seen(&cli);
    let market = cli.work().join("market");
    std::fs::rename(&shop, &market).unwrap();
    until_noticed(&cli, &id);
    let mut terminal = Terminal::start((80, 24), &cli.command(&[]));
    terminal.wait_for("directory missing");
    terminal.keys("r");
    terminal.wait_for("Another directory for");
    terminal.wait_for("market");
    terminal.keys("enter");
    terminal.wait_for("goes on in");
    assert_eq!(cli.session(&id)["working_dir"], market.to_str().unwrap());
}

#[test]
fn only_what_needs_a_directory_asks_for_one() {
    let cli = Cli::new();
    let id = cli.launch("TEXT one");
    cli.until_status(&id, "completed");
    let gone = cli.work().join("gone");
    let from_nowhere = |line: &str| -> Said {
        std::fs::create_dir(&gone).unwrap();
        let script = format!("cd gone && rmdir ../gone && '{}' {line}", binary());
        finish(cli.dressed("sh", &["-c", &script]), "")
    };
    for line in [
        "sessions".to_owned(),
        "".to_owned(),
        "daemon status".to_owned(),
        "daemon restart".to_owned(),
        "doctor".to_owned(),
        "config list".to_owned(),
        format!("show {id}"),
        format!("send {id} 'TEXT two'"),
        format!("launch 'TEXT three' -w {}", cli.work().display()),
    ] {
        let said = from_nowhere(&line);
        assert_eq!(said.code, 0, "{line}: {said:?}");
    }
    for line in ["launch 'TEXT x'", "launch 'TEXT x' -w sub"] {
        let said = from_nowhere(line);
        assert_eq!(said.code, 2, "{said:?}");
        assert!(said.stderr.contains("gone is gone"), "{said:?}");
        assert!(said.stderr.contains("--working-dir DIR"), "{said:?}");
    }
    let said = from_nowhere("sessions --daemon-socket x.sock --json");
    assert_eq!(said.code, 2, "{said:?}");
    assert!(said.stderr.contains("relative path"), "{said:?}");
    // The dashboard, too; what is launched there names the problem.
    std::fs::create_dir(&gone).unwrap();
    let script = format!("cd gone && rmdir ../gone && exec '{}'", binary());
    let mut terminal = Terminal::start((80, 24), &cli.dressed("sh", &["-c", &script]));
    terminal.wait_for("TEXT one");
    terminal.keys("c");
    terminal.type_in("TEXT four");
    terminal.keys("enter");
    terminal.wait_for("is missing");
}

#[test]
fn a_directory_that_may_not_be_entered_is_said() {
    let cli = Cli::new();
    let (id, shop) = in_shop(&cli, "TEXT one");
    cli.until_status(&id, "completed");
    cli.ok(&["end", &id]);
    let mode =
        |mode| std::fs::set_permissions(&shop, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o600);
    let root = rustix::process::geteuid().is_root();
    if root {
        // Nothing is closed to it.
        mode(0o700);
        return;
    }
    let noticed = until_noticed(&cli, &id);
    mode(0o700);
    let problem = noticed["directory_problem"].as_str().unwrap();
    assert!(problem.contains("cannot be entered"), "{problem}");
    wait_until("it is noticed that it can be again", || {
        (cli.session(&id)["directory_problem"] == Value::Null).then_some(())
    });
}
