//! `humanlayer demo`: the whole loop in one command, and nothing left of it.

use std::path::{Path, PathBuf};

use rustix::process::Signal;

use crate::support::cli::Cli;
use crate::support::daemon::wait_until;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (140, 40);

/// A demonstration in a home that has nothing: no agent, no key, no configuration.
struct Demo {
    cli: Cli,
    terminal: Terminal,
}

impl Demo {
    fn start() -> Self {
        Self::start_at(SIZE)
    }

    fn start_at(size: (u16, u16)) -> Self {
        let cli = Cli::new();
        let temporary = cli.root().join("t");
        std::fs::create_dir(&temporary).unwrap();
        let mut command = cli.command(&["demo"]);
        // Whatever is set for the real one must not reach the demonstration.
        command
            .env("TMPDIR", &temporary)
            .env("HUMANLAYER_DATABASE_PATH", cli.home().join("real.db"))
            .env("HUMANLAYER_CLAUDE_PATH", "/nowhere/claude");
        let terminal = Terminal::start(size, &command);
        Self { cli, terminal }
    }

    /// Shows what the first session asks, as a person goes to it.
    fn go_to_the_oldest(&mut self) {
        self.terminal.wait_for("Edit  src/limit.rs");
        self.terminal.keys("1");
        self.terminal
            .wait_until("the first edit is shown", |screen| {
                let shown = screen.contents();
                shown.contains("Allow Edit")
            });
    }

    /// The directory of the demonstration.
    fn directory(&self) -> PathBuf {
        wait_until("the demonstration has a directory", || {
            entries(&self.cli.root().join("t")).into_iter().next()
        })
    }

    /// Nothing is left: no directory, no process, nothing in the user's home.
    fn is_gone(&self, directory: &Path) {
        assert!(!directory.exists(), "{} is removed", directory.display());
        wait_until("no process of it lives", || {
            processes_naming(directory).is_empty().then_some(())
        });
        assert_eq!(entries(&self.cli.home()), Vec::<PathBuf>::new());
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        // Killed without a word it could not clean up. One that has ended hears nothing.
        self.terminal.end();
    }
}

fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    entries.flatten().map(|entry| entry.path()).collect()
}

/// Processes whose command line names a directory.
fn processes_naming(directory: &Path) -> Vec<String> {
    let listed = std::process::Command::new("ps")
        .args(["-axo", "pid=,args="])
        .output()
        .unwrap();
    String::from_utf8_lossy(&listed.stdout)
        .lines()
        .filter(|line| line.contains(&directory.display().to_string()))
        .map(str::to_owned)
        .collect()
}

#[test]
fn it_asks_takes_a_yes_and_leaves_nothing_behind() {
    let mut demo = Demo::start();
    demo.terminal.wait_for("demo: scripted agents");
    let directory = demo.directory();
    demo.go_to_the_oldest();
    assert!(!processes_naming(&directory).is_empty(), "sessions run");
    let file = directory.join("home/shop/src/limit.rs");
    assert!(!std::fs::read_to_string(&file).unwrap().contains("HashMap"));
    demo.terminal.decide("y");
    wait_until("what was approved is done", || {
        std::fs::read_to_string(&file)
            .unwrap()
            .contains("HashMap")
            .then_some(())
    });
    demo.terminal.wait_for("Release 0.5.0");
    demo.terminal.keys("q");
    assert!(demo.terminal.wait().success());
    assert!(demo.terminal.is_restored());
    demo.is_gone(&directory);
}

/// The time that a person leaves between two keys.
fn rhythm() {
    std::thread::sleep(std::time::Duration::from_millis(300));
}

/// Goes from approval to approval until the hint line says this.
fn go_on_until(terminal: &mut Terminal, hint: &str) {
    const ELSEWHERE: [&str; 3] = ["ctrl-n goes to an approval", "Press ctrl-n", "ctrl-n until"];
    for _ in 0..60 {
        let hints = [&[hint][..], &ELSEWHERE].concat();
        let mut line = String::new();
        terminal.wait_until(&format!("the hint is one of {hints:?}"), |screen| {
            line = screen.rows(0, screen.size().1.get()).next().unwrap();
            hints.iter().any(|hint| line.contains(hint))
        });
        if line.contains(hint) {
            return;
        }
        terminal.keys("ctrl-n");
        rhythm();
    }
    panic!("never {hint:?}:\n{}", terminal.text());
}

#[test]
fn it_guides_through_three_decisions_and_says_how_to_start() {
    for size in [(80, 24), SIZE] {
        let mut demo = Demo::start_at(size);
        let terminal = &mut demo.terminal;
        terminal.wait_for("1/3");
        terminal.wait_for("Edit  src/limit.rs");
        go_on_until(terminal, "An agent asks for permission.");
        loop {
            terminal.wait_ready();
            let shown = terminal.text();
            let approves = shown.contains("y approve");
            let hint = if approves {
                "press y to approve"
            } else {
                "y shows the rest of it"
            };
            assert!(shown.lines().next().unwrap().contains(hint), "{shown}");
            terminal.keys("y");
            if approves {
                break;
            }
            terminal.wait_until("it shows more", |screen| screen.contents() != shown);
        }
        terminal.wait_for("2/3");
        if size == SIZE {
            terminal.wait_for("Approved: the agent carries on.");
        }
        go_on_until(terminal, "Now press n to deny this one");
        terminal.wait_lit(&["n deny"]);
        terminal.keys("n");
        terminal.wait_for("Type a reason");
        terminal.type_in("not today");
        terminal.wait_for("not today");
        terminal.wait_lit(&["enter deny"]);
        terminal.keys("enter");
        terminal.wait_for("3/3");
        go_on_until(terminal, "This agent has a question.");
        terminal.wait_lit(&["y answer"]);
        terminal.keys("enter");
        terminal.wait_for("Digits choose.");
        for key in ["1", "enter", "1", "enter"] {
            terminal.keys(key);
            rhythm();
        }
        // The page before offers to send, too.
        terminal.wait_for("→ Settings");
        terminal.wait_lit(&["enter send"]);
        terminal.keys("enter");
        terminal.wait_for("run `humanlayer` in your project and press c");
        terminal.keys("q");
        assert!(terminal.wait().success());
    }
}

#[test]
fn a_session_that_is_started_in_it_plays_too() {
    let mut demo = Demo::start();
    demo.go_to_the_oldest();
    demo.terminal.keys("c");
    demo.terminal.type_in("say hello");
    demo.terminal.keys("enter");
    demo.terminal.wait_for("say hello");
    let file = demo.directory().join("home/shop/hello.txt");
    demo.terminal
        .wait_until("it asks whether it may write", |screen| {
            let shown = screen.contents();
            shown
                .lines()
                .any(|line| line.contains("Write") && line.contains("say hello"))
        });
    assert!(!file.exists(), "it waits for a yes");
}

#[test]
fn signals_end_all_of_it() {
    for which in [Signal::TERM, Signal::INT, Signal::HUP] {
        let mut demo = Demo::start();
        demo.go_to_the_oldest();
        let directory = demo.directory();
        demo.terminal.signal(which);
        demo.terminal.wait();
        assert!(demo.terminal.is_restored(), "{which:?}");
        demo.is_gone(&directory);
    }
}

#[test]
fn without_a_terminal_it_says_so() {
    let cli = Cli::new();
    let complaint = cli.fails(2, &["demo"]);
    assert!(complaint.contains("needs a terminal"), "{complaint}");
    assert!(cli.ok(&["demo", "--help"]).contains("no key and no set-up"));
}
