//! `daemon start|stop|restart|status|logs`, and the daemon in the foreground.

use std::os::unix::net::UnixDatagram;

use rustix::process::Signal;

use crate::support::cli::{Cli, Running};
use crate::support::daemon::{PATIENCE, wait_until};

#[test]
fn a_daemon_starts_once_stops_and_starts_again_while_sessions_go_on() {
    let cli = Cli::new();
    let said = cli.ok(&["daemon", "start"]);
    let first = cli.daemon_pid().unwrap();
    assert!(said.contains(&format!("pid {first}")), "{said}");
    assert_eq!(cli.ok(&["daemon", "start"]), said);

    let id = cli.launch("TOUCH begun\nWAITFILE go\nTEXT after");
    wait_until("the agent is at it", || {
        cli.work().join("begun").exists().then_some(())
    });
    cli.ok(&["daemon", "restart"]);
    let second = cli.daemon_pid().unwrap();
    assert_ne!(first, second);
    assert_eq!(
        cli.ok(&["daemon", "stop"]),
        "stopped; sessions keep running\n"
    );
    assert_eq!(cli.daemon_pid(), None);
    assert!(!cli.socket().exists());
    std::fs::write(cli.work().join("go"), "").unwrap();
    cli.ok(&["daemon", "restart"]);
    assert_eq!(cli.until_status(&id, "completed")["result"], "after");
}

#[test]
fn the_status_is_told_in_words_and_in_json() {
    let cli = Cli::new();
    cli.launch("TEXT x");
    let pid = cli.daemon_pid().unwrap();
    let told = cli.ok(&["daemon", "status"]);
    assert!(told.starts_with(&format!("ok, pid {pid}\n")), "{told}");
    assert!(told.contains("sessions  1 live\n"), "{told}");
    let health = cli.json(&["daemon", "status", "--json"]);
    assert_eq!(health["pid"], pid);
    assert_eq!(health["version"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn the_log_is_printed_and_followed() {
    let cli = Cli::new();
    cli.ok(&["daemon", "start"]);
    assert!(cli.ok(&["daemon", "logs"]).contains("serving"));
    let mut following = cli.start(&["daemon", "logs", "-f"]);
    following.until("the start", |line| line.contains("serving"));
    cli.ok(&["daemon", "stop"]);
    following.until("the stop", |line| line.contains("stopped"));
    following.signal(Signal::INT);
    following.wait();
}

#[test]
fn in_the_foreground_it_tells_when_it_is_ready_and_drains() {
    let cli = Cli::new();
    let path = cli.root().join("notify");
    let notify = UnixDatagram::bind(&path).unwrap();
    notify.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut command = cli.command(&["--headless"]);
    command.env("NOTIFY_SOCKET", &path);
    let headless = Running::start(command);
    let mut told = [0; 256];
    let length = notify.recv(&mut told).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&told[..length]).trim_end(),
        "READY=1"
    );
    // Ready means that it answers.
    assert_eq!(cli.json(&["rpc", "health"])["pid"], headless.pid());

    let second = cli.run(&["--headless"]);
    assert_eq!(second.code, 1, "{second:?}");
    assert!(second.stderr.contains("another daemon"), "{second:?}");
    // The first is none the worse for it.
    assert_eq!(cli.json(&["rpc", "health"])["pid"], headless.pid());

    let id = cli.launch("TOUCH begun\nWAITFILE go\nTEXT after");
    wait_until("the agent is at it", || {
        cli.work().join("begun").exists().then_some(())
    });
    headless.signal(Signal::TERM);
    let said = headless.wait();
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.stdout, "");
    assert!(said.stderr.contains("serving"), "{said:?}");
    let length = notify.recv(&mut told).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&told[..length]).trim_end(),
        "STOPPING=1"
    );
    assert!(!cli.socket().exists());
    std::fs::write(cli.work().join("go"), "").unwrap();
    cli.ok(&["daemon", "start"]);
    assert_eq!(cli.until_status(&id, "completed")["result"], "after");
}
