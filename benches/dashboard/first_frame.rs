//! Opening: from the start of the program to the first frame that shows a session, with a daemon
//! that runs and with none; beside `less` on a short file and a `tmux` that starts its server.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::terminal::Terminal;
use crate::daemon::Daemon;
use crate::history::{TITLE, filled};
use crate::table::{Row, Spread, time, times};

const OPENED: usize = 30;
const SESSIONS: usize = 100;

pub fn run() -> Vec<Row> {
    let daemon = filled(SESSIONS, &[]);
    let less = less(&daemon);
    let tmux = tmux();
    let warm = repeat(|| opened(&daemon.command(), TITLE));
    let mut daemon = daemon;
    daemon.stop();
    let cold = repeat(|| {
        let took = opened(&daemon.command(), TITLE);
        let mut stop = daemon.command();
        let stopped = stop.args(["daemon", "stop"]).output().unwrap();
        assert!(stopped.status.success(), "{stopped:?}");
        took
    });
    let row = |figure: &str, took: &Spread, aim: u64, (what, other): (&str, &Spread)| {
        let median = took.median();
        let measured = format!("p50 {}, p90 {}", time(median), time(took.at(0.9)));
        let met = median <= Duration::from_millis(aim);
        Row::limit(figure, measured, &format!("p50 ≤ {aim} ms"), met).beside(
            format!("{what}: {}", time(other.median())),
            times(median, other.median()),
        )
    };
    vec![
        row(
            "dashboard's first frame with a session, daemon running",
            &warm,
            40,
            ("less FILE", &less),
        ),
        row(
            "… cold: it starts the daemon",
            &cold,
            80,
            ("tmux, which starts its server", &tmux),
        ),
    ]
}

fn repeat(mut once: impl FnMut() -> Duration) -> Spread {
    Spread::of((0..OPENED).map(|_| once()).collect())
}

/// From the start of a program to the screen that shows a text.
pub fn opened(command: &Command, text: &str) -> Duration {
    let mut terminal = Terminal::start(command);
    let at = terminal.until_shows(text);
    at.saturating_duration_since(terminal.begun())
}

fn less(daemon: &Daemon) -> Spread {
    let file = daemon.root().join("file");
    fs::write(&file, "a line of the file\n".repeat(1000)).unwrap();
    let mut command = Command::new("less");
    command.arg(file);
    repeat(|| opened(&command, "a line of the file"))
}

fn tmux() -> Spread {
    let mut server = 0;
    repeat(|| {
        server += 1;
        let name = format!("hl-bench-dashboard-{}-{server}", std::process::id());
        let tmux = |words: &[&str]| {
            let mut command = Command::new("tmux");
            command.args(["-f", "/dev/null", "-L", &name]).args(words);
            command
        };
        // Its status line, with the window's name, is there when the server has answered.
        let took = opened(&tmux(&["new", "-n", "the-window", "cat"]), "the-window");
        tmux(&["kill-server"]).output().unwrap();
        took
    })
}
