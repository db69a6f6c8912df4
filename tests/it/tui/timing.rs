//! When a decision key counts, with real time: the real binary in a real terminal, and keys that come as
//! fast as fingers, a held key or another person make them.
//!
//! The pauses here are what is tested, the time between two keys. What follows from them is waited for.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::support::cli::Cli;
use crate::support::daemon::{Client, wait_until};
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (100, 30);
/// What is said to a key that decides nothing, because of what it would have decided.
const TOO_EARLY: &str = "Just changed: press again";

/// Two approvals, and whether the first and the second were carried out.
struct Two {
    cli: Cli,
    approvals: [String; 2],
}

impl Two {
    /// Of one session each, the first the older one.
    fn of_two_sessions() -> Self {
        Self::of_two_sessions_in(Cli::new())
    }

    fn of_two_sessions_in(cli: Cli) -> Self {
        let approvals = ["first", "second"].map(|name| {
            let script = format!(r#"TOOL Bash {{"command": "touch {name}"}}"#);
            let session = cli.launch(&script);
            text(&cli.until_pending(&session)["id"])
        });
        Self { cli, approvals }
    }

    /// Of the same session.
    fn of_one_session() -> Self {
        let cli = Cli::new();
        let session = cli.launch(
            "ASK_ALL\nTOOL Bash {\"command\": \"touch first\"}\nTOOL Bash {\"command\": \"touch second\"}",
        );
        let approvals = wait_until("both are asked", || {
            let params = json!({"session_id": session});
            let found = cli.call("fetchApprovals", params);
            let mut found = found["approvals"].as_array()?.clone();
            found.sort_by_key(|approval| text(&approval["tool_input"]["command"]));
            let ids: Vec<String> = found.iter().map(|approval| text(&approval["id"])).collect();
            <[String; 2]>::try_from(ids).ok()
        });
        Self { cli, approvals }
    }

    /// The dashboard, in which the first is shown and has been for the guard time.
    fn dashboard(&self) -> Terminal {
        let terminal = Terminal::start(SIZE, &self.cli.command(&[]));
        shows(&terminal, "first");
        terminal.wait_ready();
        terminal
    }

    fn outcome(&self, which: usize) -> String {
        let params = json!({"approval_id": self.approvals[which]});
        text(&self.cli.call("getApproval", params)["approval"]["outcome"])
    }

    fn until_decided(&self, which: usize) {
        wait_until("it is decided", || {
            (self.outcome(which) != "pending").then_some(())
        });
    }

    /// The first is approved, the second waits, is shown, and takes a key that comes after it was shown
    /// long enough.
    fn only_the_first_is_approved(&self, terminal: &mut Terminal, how: &str) {
        self.until_decided(0);
        assert_eq!(self.outcome(0), "approved", "{how}");
        shows(terminal, "second");
        terminal.wait_ready();
        assert_eq!(self.outcome(1), "pending", "{how}");
        assert!(!self.cli.work().join("second").exists(), "{how}");
        terminal.keys("y");
        self.until_decided(1);
        assert_eq!(self.outcome(1), "approved", "{how}");
        for name in ["first", "second"] {
            wait_until("it was carried out", || {
                self.cli.work().join(name).exists().then_some(())
            });
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Waits until the panel asks for one of the two.
fn shows(terminal: &Terminal, which: &str) {
    let command = format!("touch {which}");
    terminal.wait_until(&format!("the panel asks for {command:?}"), |screen| {
        let shown = screen.contents();
        // Below the panel's heading, which the inbox does not have.
        shown
            .rsplit_once("Allow Bash")
            .is_some_and(|(_, panel)| panel.contains(&command))
    });
}

fn pause(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}

/// Presses a key several times.
fn presses(terminal: &mut Terminal, key: &str, times: usize, apart: u64) {
    for time in 0..times {
        if time > 0 {
            pause(apart);
        }
        terminal.keys(key);
    }
}

fn configured(guard: u64) -> Cli {
    let cli = Cli::new();
    let folder = cli.home().join(".config/humanlayer");
    std::fs::create_dir_all(&folder).unwrap();
    let text = format!(r#"{{"dashboard": {{"decision_guard_ms": {guard}}}}}"#);
    std::fs::write(folder.join("humanlayer.json"), text).unwrap();
    cli
}

#[test]
fn the_yes_of_a_batch_waits_the_guard_time_from_when_its_list_appeared() {
    let two = Two::of_two_sessions_in(configured(3_000));
    let mut terminal = two.dashboard();
    terminal.keys("Y");
    terminal.wait_for("approve all listed");
    terminal.keys("y");
    terminal.wait_for(TOO_EARLY);
    // Enter approves nothing, however long it has been there.
    terminal.wait_lit(&["y approve all listed"]);
    terminal.keys("enter");
    terminal.wait_for("Press y to approve");
    assert_eq!(
        [0, 1].map(|which| two.outcome(which)),
        ["pending", "pending"]
    );
    terminal.keys("y");
    for which in [0, 1] {
        two.until_decided(which);
        assert_eq!(two.outcome(which), "approved");
    }
}

#[test]
fn two_quick_presses_approve_one_and_leave_the_next_as_it_is() {
    for apart in [20, 60, 120] {
        for two in [Two::of_two_sessions(), Two::of_one_session()] {
            let mut terminal = two.dashboard();
            presses(&mut terminal, "y", 2, apart);
            two.only_the_first_is_approved(&mut terminal, &format!("{apart} ms apart"));
        }
    }
}

#[test]
fn a_held_key_approves_one() {
    let two = Two::of_two_sessions();
    let mut terminal = two.dashboard();
    presses(&mut terminal, "y", 20, 30);
    two.only_the_first_is_approved(&mut terminal, "held");
}

#[test]
fn a_key_that_comes_after_another_client_decided_does_not_decide_what_came_in_its_place() {
    for delay in [5, 30, 100] {
        for two in [Two::of_one_session(), Two::of_two_sessions()] {
            let mut terminal = two.dashboard();
            let mut other = Client::connect(&two.cli.socket());
            let deny = json!({
                "approval_id": two.approvals[0], "decision": "deny", "comment": "from elsewhere",
            });
            other.call("sendDecision", deny);
            pause(delay);
            terminal.keys("y");
            // Why nothing came of it: depending on what had reached the screen by then.
            terminal.wait_until("it is said why the key did nothing", |screen| {
                let shown = screen.contents();
                [
                    TOO_EARLY,
                    "already resolved",
                    "other approval pending",
                    "denied by",
                ]
                .iter()
                .any(|why| shown.contains(why))
            });
            assert_eq!(two.outcome(0), "denied", "{delay} ms");
            assert_eq!(two.outcome(1), "pending", "{delay} ms");
            terminal.wait_gone("touch first\n");
            // It is decided once it has been seen.
            terminal.keys("1");
            shows(&terminal, "second");
            terminal.wait_ready();
            assert_eq!(two.outcome(1), "pending", "{delay} ms");
            terminal.keys("y");
            two.until_decided(1);
            assert_eq!(two.outcome(1), "approved", "{delay} ms");
        }
    }
}

#[test]
fn what_has_been_on_the_screen_long_enough_is_decided_at_once() {
    const GUARD: u64 = 3_000;
    let two = Two::of_two_sessions_in(configured(GUARD));
    let mut terminal = Terminal::start(SIZE, &two.cli.command(&[]));
    shows(&terminal, "first");
    pause(GUARD / 2);
    // Too early; that makes nobody wait longer.
    terminal.keys("y");
    let early = Instant::now();
    terminal.wait_for(TOO_EARLY);
    terminal.wait_ready();
    assert!(
        early.elapsed() < Duration::from_millis(GUARD),
        "the time began anew"
    );
    assert_eq!(two.outcome(0), "pending");
    let pressed = Instant::now();
    terminal.keys("y");
    two.until_decided(0);
    assert!(
        pressed.elapsed() < Duration::from_millis(GUARD),
        "waited again"
    );
    assert_eq!(two.outcome(0), "approved");
}

#[test]
fn the_time_is_the_persons_to_set() {
    // A second apart: what came after the first has been shown for longer than 400 ms, …
    let two = Two::of_two_sessions();
    let mut terminal = two.dashboard();
    presses(&mut terminal, "y", 2, 1_500);
    two.until_decided(1);
    assert_eq!([two.outcome(0), two.outcome(1)], ["approved", "approved"]);
    // … and for less than 6 s.
    let two = Two::of_two_sessions_in(configured(6_000));
    let mut terminal = two.dashboard();
    presses(&mut terminal, "y", 2, 1_500);
    terminal.wait_for(TOO_EARLY);
    two.only_the_first_is_approved(&mut terminal, "6 s");
}

#[test]
fn a_projects_file_cannot_shorten_the_time() {
    let cli = Cli::new();
    let file = cli.work().join("humanlayer.json");
    std::fs::write(file, r#"{"dashboard": {"decision_guard_ms": 100}}"#).unwrap();
    let said = cli.run(&["sessions"]).stderr;
    assert!(
        said.contains("`dashboard.decision_guard_ms`") && said.contains("ignored"),
        "{said}"
    );
    let listed = cli.json(&["config", "list", "--json"]);
    let setting = listed.as_array().unwrap().iter();
    let mut setting = setting.filter(|setting| setting["key"] == "dashboard.decision_guard_ms");
    assert_eq!(setting.next().unwrap()["value"], 400);
    let two = Two::of_two_sessions_in(cli);
    let mut terminal = Terminal::start(SIZE, &two.cli.command(&[]));
    terminal.wait_for("`dashboard.decision_guard_ms` in ");
    shows(&terminal, "first");
    terminal.wait_ready();
    presses(&mut terminal, "y", 2, 250);
    two.only_the_first_is_approved(&mut terminal, "with a project's file");
}

#[test]
fn a_key_that_was_pressed_while_the_dashboard_stood_still_decides_nothing_new() {
    // Long enough for a slow machine to stop the dashboard within it.
    let two = Two::of_two_sessions_in(configured(2_000));
    let mut terminal = two.dashboard();
    terminal.keys("y");
    shows(&terminal, "second");
    terminal.signal(Signal::STOP);
    terminal.keys("y");
    pause(2_600);
    terminal.signal(Signal::CONT);
    terminal.wait_for(TOO_EARLY);
    two.only_the_first_is_approved(&mut terminal, "stopped");
}

#[test]
fn what_comes_back_from_behind_the_pager_must_be_seen_again() {
    let two = Two::of_two_sessions();
    let mut command = two.cli.command(&[]);
    let started = two.cli.root().join("pager-started");
    let go = two.cli.root().join("pager-go");
    let script = format!(
        "touch {}; while [ ! -e {} ]; do sleep 0.01; done; true",
        started.display(),
        go.display()
    );
    command.env("PAGER", format!("sh -c '{script}'"));
    let mut terminal = Terminal::start(SIZE, &command);
    shows(&terminal, "first");
    terminal.wait_ready();
    terminal.keys("3 p");
    wait_until("the pager runs", || started.exists().then_some(()));
    // Meant for the pager, and read by whoever reads next.
    terminal.keys("y");
    std::fs::write(&go, "").unwrap();
    terminal.wait_for(TOO_EARLY);
    terminal.wait_ready();
    assert_eq!(two.outcome(0), "pending");
    terminal.keys("y");
    two.only_the_first_is_approved(&mut terminal, "after the pager");
}

/// A command that writes a file of so many lines.
fn heredoc(lines: usize) -> String {
    let mut command = "cat > notes.txt <<'EOF'\n".to_owned();
    for line in 1..=lines {
        writeln!(command, "{}", word(line)).unwrap();
    }
    command.push_str("EOF");
    command
}

fn word(line: usize) -> String {
    format!("note-{line:03}-")
}

/// A session that asks for such a command, and its approval.
fn asks_for(cli: &Cli, lines: usize) -> Value {
    let input = json!({"command": heredoc(lines)});
    let session = cli.launch(&format!("TOOL Bash {input}"));
    cli.until_pending(&session)
}

fn approval(cli: &Cli, id: &Value) -> Value {
    cli.call("getApproval", json!({"approval_id": id}))["approval"].clone()
}

fn lines_on(shown: &str, lines: usize) -> BTreeSet<usize> {
    (1..=lines)
        .filter(|line| shown.contains(&word(*line)))
        .collect()
}

/// Presses `y` until it approves; each time when it counts. Gives how often it only read on.
fn read_to_the_end(cli: &Cli, size: (u16, u16), lines: usize) -> usize {
    let asked = asks_for(cli, lines);
    let mut terminal = Terminal::start(size, &cli.command(&[]));
    terminal.wait_for("next page");
    let mut seen = BTreeSet::new();
    let mut pages = 0;
    loop {
        terminal.wait_ready();
        let shown = terminal.text();
        let before = lines_on(&shown, lines);
        seen.extend(before.iter().copied());
        terminal.keys("y");
        if shown.contains("y approve") {
            break;
        }
        pages += 1;
        assert!(pages < 100, "{shown}");
        next_page(&terminal, &shown);
        assert_eq!(approval(cli, &asked["id"])["outcome"], "pending");
    }
    assert_eq!(seen.len(), lines, "{seen:?}");
    wait_until("it is approved", || {
        (approval(cli, &asked["id"])["outcome"] == "approved").then_some(())
    });
    let decided = approval(cli, &asked["id"]);
    assert_eq!(decided["unread_lines"], Value::Null, "{decided}");
    wait_until("the file is written", || {
        let text = std::fs::read_to_string(cli.work().join("notes.txt")).ok()?;
        (text.lines().count() == lines).then_some(())
    });
    pages
}

/// Waits until the panel shows something else than it did.
fn next_page(terminal: &Terminal, before: &str) {
    // The time that it has waited goes on by itself, above.
    let panel = |shown: &str| {
        let (_, panel) = shown.rsplit_once("Allow Bash").unwrap_or_default();
        panel.lines().skip(1).map(str::to_owned).collect::<Vec<_>>()
    };
    terminal.wait_until("the next page is shown", |screen| {
        panel(&screen.contents()) != panel(before)
    });
}

#[test]
fn a_long_command_is_approved_once_each_of_its_lines_was_shown() {
    let pages = read_to_the_end(&Cli::new(), (80, 24), 62);
    assert!((2..=8).contains(&pages), "{pages} pages");
}

#[test]
fn so_it_is_on_the_smallest_terminal() {
    read_to_the_end(&Cli::new(), (20, 6), 5);
    // Nor do two quick presses approve two there.
    let two = Two::of_two_sessions();
    let mut terminal = Terminal::start((20, 6), &two.cli.command(&[]));
    terminal.wait_for("Allow Bash");
    terminal.wait_ready();
    while !terminal.text().contains("y approve") {
        let shown = terminal.text();
        terminal.keys("y");
        next_page(&terminal, &shown);
        terminal.wait_ready();
    }
    presses(&mut terminal, "y", 2, 60);
    two.until_decided(0);
    terminal.wait_ready();
    assert_eq!([two.outcome(0), two.outcome(1)], ["approved", "pending"]);
}

#[test]
fn more_than_two_hundred_lines_are_approved_unread_by_another_key_and_the_record_says_how_many() {
    let cli = Cli::new();
    let asked = asks_for(&cli, 230);
    let mut terminal = Terminal::start((80, 24), &cli.command(&[]));
    terminal.wait_for("approve unread");
    let mut read = BTreeSet::new();
    for _ in 0..3 {
        terminal.wait_ready();
        let shown = terminal.text();
        read.extend(lines_on(&shown, 230));
        terminal.keys("y");
        next_page(&terminal, &shown);
        assert_eq!(approval(&cli, &asked["id"])["outcome"], "pending");
    }
    terminal.wait_lit(&["U approve unread"]);
    read.extend(lines_on(&terminal.text(), 230));
    assert!(terminal.text().contains("lines not read"));
    terminal.keys("U");
    let decided = wait_until("it is approved", || {
        let now = approval(&cli, &asked["id"]);
        (now["outcome"] == "approved").then_some(now)
    });
    // The command has a line before those that are counted here, and one after them.
    let unread = 231 - read.len();
    assert_eq!(decided["unread_lines"], unread, "{decided}");
    let said = format!("approved by you, {unread} lines not read");
    let id = text(&asked["id"]);
    let shown = cli.ok(&["show", &id]);
    assert!(shown.contains(&said), "{shown}");
    let listed = cli.ok(&["approvals", "--all"]);
    assert!(
        listed.contains(&format!("approved, {unread} lines not read")),
        "{listed}"
    );
    terminal.wait_for(&format!("{unread} lines not read"));
    let session = text(&asked["session_id"]);
    cli.until_status(&session, "completed");
    for verb in ["logs", "export"] {
        let told = cli.ok(&[verb, &session]);
        assert!(
            told.contains(&format!("{unread} lines not read")),
            "{verb}: {told}"
        );
    }
}
