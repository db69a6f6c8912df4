//! Signals, and the end of the terminal: it is given back, and the process ends as every program does.

use std::io::Read;
use std::time::{Duration, Instant};

use portable_pty::{CommandBuilder, PtySize, native_pty_system};
use rustix::process::Signal;

use crate::support::cli::{Cli, signal};
use crate::support::daemon::wait_until;
use crate::support::scripted_agent::binary;
use crate::support::terminal::Terminal;

const SIZE: (u16, u16) = (100, 30);

fn dashboard(cli: &Cli) -> Terminal {
    let terminal = Terminal::start(SIZE, &cli.command(&[]));
    terminal.wait_for("No sessions yet");
    terminal
}

#[test]
fn a_signal_ends_it_as_it_ends_every_program_and_the_terminal_is_restored() {
    let cli = Cli::new();
    for (which, words) in [
        (Signal::HUP, "Hangup"),
        (Signal::INT, "Interrupt"),
        (Signal::QUIT, "Quit"),
        (Signal::TERM, "Terminated"),
        (Signal::ABORT, "Aborted"),
        (Signal::ALARM, "Alarm clock"),
        (Signal::USR1, "User defined signal 1"),
        (Signal::USR2, "User defined signal 2"),
    ] {
        let mut terminal = dashboard(&cli);
        terminal.signal(which);
        let ended = terminal.wait();
        assert_eq!(
            ended.signal().map(|said| said.starts_with(words)),
            Some(true),
            "{which:?}: {ended:?}"
        );
        assert!(terminal.is_restored(), "{which:?}");
    }
}

#[test]
fn a_sequence_that_never_goes_on_keeps_no_signal_waiting() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.send(b"\x1b[200~never ends");
    terminal.signal(Signal::TERM);
    assert!(terminal.wait().signal().is_some());
    assert!(terminal.is_restored());
}

#[test]
fn a_panic_restores_the_terminal_and_is_a_failure_like_any_other() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    let mut command = cli.command(&[]);
    command.env("HUMANLAYER_FAILPOINT", "dashboard.draw:2:panic");
    let mut terminal = Terminal::start(SIZE, &command);
    let ended = terminal.wait();
    assert_eq!((ended.exit_code(), ended.signal()), (1, None));
    assert!(terminal.is_restored());
    let said = terminal.text();
    assert!(said.contains("as asked for at dashboard.draw"), "{said}");
}

/// The only child of a process.
fn child_of(process: i32) -> i32 {
    wait_until("the program was started", || {
        let path = format!("/proc/{process}/task/{process}/children");
        let children = std::fs::read_to_string(path).ok()?;
        children.split_whitespace().next()?.parse().ok()
    })
}

#[test]
fn stopped_from_outside_it_gives_the_terminal_to_the_shell_and_comes_back() {
    let cli = Cli::new();
    let script = "set -m; \"$0\"; echo suspended; read word; fg >/dev/null; echo over";
    let shell = cli.dressed("bash", &["-c", script, binary()]);
    let mut terminal = Terminal::start(SIZE, &shell);
    terminal.wait_for("No sessions yet");
    signal(child_of(terminal.pid()), Signal::TSTP);
    terminal.wait_for("suspended");
    let screen = terminal.screen();
    assert!(!screen.alternate_screen() && !screen.hide_cursor() && !screen.bracketed_paste());
    assert_eq!(screen.mouse_protocol_mode(), vt100::MouseProtocolMode::None);
    terminal.type_in("on\r");
    terminal.wait_for("No sessions yet");
    terminal.keys("q");
    terminal.wait_for("over");
    terminal.wait();
    assert!(terminal.is_restored());
}

#[test]
fn what_was_written_over_it_while_it_stood_still_is_gone_when_it_goes_on() {
    let cli = Cli::new();
    let mut terminal = dashboard(&cli);
    terminal.signal(Signal::STOP);
    terminal.scribble("\x1b[2J\x1b[10;10Hscribbled over");
    terminal.wait_gone("No sessions yet");
    terminal.signal(Signal::CONT);
    terminal.wait_for("No sessions yet");
    terminal.wait_gone("scribbled over");
    terminal.keys("q");
    assert!(terminal.wait().success());
}

/// The keys of a program that has borrowed the terminal are that program's.
#[test]
fn ctrl_c_in_the_pager_ends_only_what_the_pager_does() {
    let cli = Cli::new();
    let started = cli.root().join("started");
    let script = format!(
        "trap 'exit 0' INT; touch {}; while :; do sleep 0.01; done",
        started.display()
    );
    let mut command = cli.command(&[]);
    command.env("PAGER", format!("sh -c \"{script}\""));
    let id = cli.launch("TEXT hello there");
    cli.until_status(&id, "completed");
    let mut terminal = Terminal::start(SIZE, &command);
    terminal.wait_for("hello there");
    terminal.keys("3 p");
    wait_until("the pager runs", || started.exists().then_some(()));
    terminal.keys("ctrl-c");
    terminal.wait_for("hello there");
    terminal.wait_until("the dashboard is back", vt100::Screen::alternate_screen);
    terminal.keys("q");
    let ended = terminal.wait();
    assert!(ended.success(), "{ended:?}");
}

/// Without a signal, too: a terminal that is not its own one tells it nothing.
#[test]
fn it_ends_when_its_terminal_is_gone() {
    for is_its_own in [true, false] {
        let cli = Cli::new();
        let size = PtySize {
            rows: 24,
            cols: 80,
            pixel_width: 0,
            pixel_height: 0,
        };
        let pty = native_pty_system().openpty(size).unwrap();
        let command = cli.command(&[]);
        let mut builder = CommandBuilder::new(command.get_program());
        builder.env_clear();
        builder.env("TERM", "xterm-256color");
        for (name, value) in command.get_envs() {
            builder.env(name, value.unwrap());
        }
        builder.cwd(command.get_current_dir().unwrap());
        builder.set_controlling_tty(is_its_own);
        let mut child = pty.slave.spawn_command(builder).unwrap();
        drop(pty.slave);
        let mut reader = pty.master.try_clone_reader().unwrap();
        let (mut shown, mut part) = (Vec::new(), [0; 4096]);
        while !String::from_utf8_lossy(&shown).contains("No sessions yet") {
            let count = reader.read(&mut part).unwrap();
            shown.extend_from_slice(&part[..count]);
        }
        drop(reader);
        drop(pty.master);
        let closed = Instant::now();
        let ended = wait_until("it ends", || child.try_wait().unwrap());
        assert_eq!(
            ended.signal().map(|said| said.starts_with("Hangup")),
            Some(true),
            "{ended:?}"
        );
        assert!(closed.elapsed() < Duration::from_secs(20));
    }
}
