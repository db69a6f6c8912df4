//! The socket without a file: the user's own programs are served whatever becomes of the other one, and nobody else is.

use std::io::{BufRead as _, BufReader};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Stdio};

use rstest::rstest;
use serde_json::{Value, json};

use super::verb;
use crate::support::daemon::{Daemon, wait_until};
use crate::support::terminal::Terminal;

const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/served/disturb.py");

/// A session whose agent runs `disturb.py` in the background, with a person's leave.
fn disturb(daemon: &Daemon, socket: &Path, how: &str) -> String {
    let told = daemon.work().join("told");
    let command = format!(
        "(/usr/bin/python3 '{PROGRAM}' '{}' {how} '{}' < /dev/null > /dev/null 2>&1 &)",
        socket.display(),
        told.display()
    );
    let session = daemon.launch_session(&format!(
        "TOOL Bash {}\nWAITFILE never",
        json!({"command": command})
    ));
    let asked = daemon.until_pending(&session);
    daemon.approve(&asked);
    session
}

fn told(daemon: &Daemon) -> Value {
    wait_until("the agent has tried", || {
        serde_json::from_str(&std::fs::read_to_string(daemon.work().join("told")).ok()?).ok()
    })
}

fn victim(daemon: &Daemon, file: &str) -> (String, Value) {
    let script = format!("TOOL Bash {{\"command\": \"touch {file}\"}}\nTEXT done");
    let session = daemon.launch_session(&script);
    let asked = daemon.until_pending(&session);
    (session, asked)
}

#[rstest]
#[case("unlink")]
#[case("rename")]
#[case("listen")]
#[case("file")]
#[case("directory")]
#[case("mode")]
#[case("names")]
fn a_person_is_served_while_an_agent_takes_the_socket_away_as_fast_as_it_can(#[case] how: &str) {
    let daemon = Daemon::unprivileged();
    let (one, first) = victim(&daemon, "made");
    let (other, second) = victim(&daemon, "made-too");
    let disturber = disturb(&daemon, &daemon.socket(), how);
    wait_until("the socket is taken away", || {
        UnixStream::connect(daemon.socket()).is_err().then_some(())
    });
    for _ in 0..5 {
        let listed = verb(&daemon, &["sessions"]);
        assert!(listed.contains(&one[..8]), "{listed}");
    }
    verb(&daemon, &["approve", first["id"].as_str().unwrap()]);
    let mut dashboard = daemon.command();
    dashboard.env("PATH", std::env::var_os("PATH").unwrap());
    let mut terminal = Terminal::start((140, 40), &dashboard);
    terminal.wait_for("Allow Bash");
    terminal.wait_for("touch made-too");
    terminal.decide("y");
    wait_until("what was approved has run", || {
        let made = |file: &str| daemon.work().join(file).exists();
        (made("made") && made("made-too")).then_some(())
    });
    drop((terminal, second, other));
    let alarms = verb(&daemon, &["alarms"]);
    let is_told = ["deleted or replaced", "taken away", "like that"];
    assert!(
        is_told.iter().any(|words| alarms.contains(words)),
        "{alarms}"
    );
    verb(&daemon, &["end", &disturber]);
    // What the agent left behind goes with it, and the file is served again.
    wait_until("it is served by its file", || {
        UnixStream::connect(daemon.socket()).ok()
    });
}

#[test]
fn an_agent_is_not_served_on_the_abstract_socket() {
    let daemon = Daemon::unprivileged();
    disturb(&daemon, &daemon.socket(), "join");
    let told = told(&daemon);
    let names = humanlayer::ipc::abstract_socket::names(&daemon.socket());
    assert_eq!(names.len(), 1);
    let name = String::from_utf8(names[0].clone()).unwrap();
    assert_eq!(told[&name], "", "{told}");
}

#[test]
fn who_listens_on_names_like_that_of_the_abstract_socket_is_told_of() {
    let daemon = Daemon::unprivileged();
    let session = disturb(&daemon, &daemon.socket(), "names");
    wait_until("its process is named", || {
        let alarms = verb(&daemon, &["alarms"]);
        let named = alarms.contains("listens on a name like that");
        named.then(|| assert!(alarms.contains(&session[..8]), "{alarms}"))
    });
    // Asked over the abstract socket: the other one is there for moments only.
    wait_until("it is an alarm that the socket was taken away", || {
        verb(&daemon, &["alarms", "--json"])
            .contains("socket_taken")
            .then_some(())
    });
}

/// What the verbs say of a socket that somebody else serves.
fn refused(daemon: &Daemon, socket: &Path) -> String {
    let output = daemon
        .command()
        .arg("sessions")
        .env("HUMANLAYER_DAEMON_SOCKET", socket)
        .output()
        .unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn no_client_speaks_to_what_an_agent_that_left_its_runner_behind_serves() {
    let daemon = Daemon::unprivileged();
    let socket = daemon.work().join("s");
    disturb(&daemon, &socket, "orphan");
    assert_eq!(told(&daemon), "listens");
    let said = refused(&daemon, &socket);
    assert!(said.contains("was started by an agent"), "{said}");
}

/// It listens in a process that ends, and goes on in another one.
fn listen_and_end(socket: &Path) -> Child {
    let program = "import os, socket, sys, time\n\
         server = socket.socket(socket.AF_UNIX)\n\
         if os.fork() == 0:\n\
         \x20   server.bind(sys.argv[1])\n\
         \x20   server.listen()\n\
         \x20   os._exit(0)\n\
         os.wait()\n\
         print('listens', flush=True)\n\
         time.sleep(600)\n";
    std::process::Command::new("/usr/bin/python3")
        .args(["-c", program, socket.to_str().unwrap()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

#[test]
fn no_client_speaks_to_a_socket_on_which_a_process_listened_that_has_ended() {
    let mut daemon = Daemon::unprivileged();
    daemon.stop();
    let socket = daemon.root().join("s");
    let mut child = listen_and_end(&socket);
    let mut line = String::new();
    let output = child.stdout.take().unwrap();
    BufReader::new(output).read_line(&mut line).unwrap();
    assert_eq!(line, "listens\n");
    let mut command = daemon.command();
    command
        .arg("sessions")
        .env("HUMANLAYER_DAEMON_SOCKET", &socket);
    // As the user whose socket it is.
    let said = if rustix::process::geteuid().is_root() {
        let mut own = std::process::Command::new(crate::support::scripted_agent::binary());
        own.arg("sessions").env("HUMANLAYER_DAEMON_SOCKET", &socket);
        own.output().unwrap()
    } else {
        command.output().unwrap()
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let told = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success());
    assert!(
        told.contains("has ended, so it is not your daemon"),
        "{told}"
    );
}

#[test]
fn an_agent_that_listens_in_its_place_keeps_no_daemon_from_starting() {
    let mut daemon = Daemon::unprivileged();
    let (session, asked) = victim(&daemon, "made");
    disturb(&daemon, &daemon.socket(), "listen");
    wait_until("the socket is taken away", || {
        UnixStream::connect(daemon.socket()).is_err().then_some(())
    });
    daemon.kill();
    daemon.spawn(&[]);
    wait_until("it is served", || {
        let listed = daemon.command().arg("sessions").output().unwrap();
        let listed = String::from_utf8(listed.stdout).unwrap();
        listed.contains(&session[..8]).then_some(())
    });
    verb(&daemon, &["approve", asked["id"].as_str().unwrap()]);
    wait_until("what was approved has run", || {
        daemon.work().join("made").exists().then_some(())
    });
}
