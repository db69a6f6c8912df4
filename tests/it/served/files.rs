//! The daemon's files, deleted, replaced and cut off under its hands.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;

use rstest::rstest;
use serde_json::{Value, json};

use humanlayer::platform;

use super::{until_alarm, verb};
use crate::support::daemon::{Daemon, wait_until};

fn asking(daemon: &Daemon) -> (String, Value) {
    let session = daemon.launch_session("TOOL Bash {\"command\": \"touch made\"}\nTEXT done");
    let asked = daemon.until_pending(&session);
    (session, asked)
}

fn beside(daemon: &Daemon, suffix: &str) -> PathBuf {
    PathBuf::from(format!("{}{suffix}", daemon.database().display()))
}

#[rstest]
#[case(&["", "-wal", "-shm"])]
#[case(&[""])]
#[case(&["-wal"])]
fn a_database_that_is_deleted_is_written_back_and_nothing_is_lost(#[case] deleted: &[&str]) {
    let mut daemon = Daemon::unprivileged();
    let (session, asked) = asking(&daemon);
    for suffix in deleted {
        fs::remove_file(beside(&daemon, suffix)).unwrap();
    }
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    let alarm = until_alarm(&daemon, "database_moved");
    assert!(
        alarm["detail"].as_str().unwrap().contains("written back"),
        "{alarm}"
    );
    assert!(verb(&daemon, &["daemon", "status"]).contains("written back"));
    daemon.kill_and_restart();
    let approval = daemon.call("getApproval", json!({"approval_id": asked["id"]}));
    assert_eq!(approval["approval"]["outcome"], "approved", "{approval}");
    assert_eq!(daemon.session(&session)["status"], "completed");
}

#[test]
fn nothing_is_decided_while_another_file_is_in_the_databases_place() {
    let daemon = Daemon::unprivileged();
    let (session, asked) = asking(&daemon);
    let aside = daemon.root().join("aside");
    fs::rename(daemon.database(), &aside).unwrap();
    fs::write(daemon.database(), "a backup, perhaps").unwrap();
    let decision = json!({"approval_id": asked["id"], "decision": "approve"});
    let refused = daemon.connect().fail("sendDecision", decision);
    assert_eq!(refused["data"]["kind"], "unavailable", "{refused}");
    let message = refused["message"].as_str().unwrap();
    assert!(
        message.contains("another file was put in the place"),
        "{message}"
    );
    let status = daemon
        .command()
        .args(["daemon", "status"])
        .output()
        .unwrap();
    assert!(!status.status.success());
    let said = String::from_utf8(status.stdout).unwrap();
    assert!(said.contains("another file was put in the place"), "{said}");
    let kept = fs::read_dir(daemon.state()).unwrap().flatten();
    let kept = kept.filter(|entry| entry.file_name().to_string_lossy().contains(".kept-"));
    assert_eq!(kept.count(), 1, "what the daemon has is kept beside it");
    assert!(!daemon.work().join("made").exists());
    fs::rename(aside, daemon.database()).unwrap();
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
}

#[test]
fn a_socket_that_is_taken_away_is_bound_again() {
    let daemon = Daemon::unprivileged();
    fs::remove_file(daemon.socket()).unwrap();
    // The next connection waits for it.
    assert_eq!(daemon.call("health", json!({}))["pid"], daemon.pid());
    let alarm = until_alarm(&daemon, "socket_taken");
    daemon.call("acknowledgeAlarm", json!({"id": alarm["id"]}));
    fs::remove_file(daemon.socket()).unwrap();
    let impostor = UnixListener::bind(daemon.socket()).unwrap();
    let inode = |path: &Path| fs::symlink_metadata(path).ok().map(|found| found.ino());
    let theirs = inode(&daemon.socket());
    wait_until("the daemon takes it back", || {
        let now = inode(&daemon.socket());
        (now.is_some() && now != theirs).then_some(())
    });
    drop(impostor);
    until_alarm(&daemon, "socket_taken");
    assert_eq!(daemon.call("health", json!({}))["pid"], daemon.pid());
    assert!(verb(&daemon, &["daemon", "status"]).contains("bound again"));
}

#[test]
fn the_users_own_command_is_answered_while_a_program_deletes_the_socket_again_and_again() {
    let daemon = Daemon::unprivileged();
    let (session, _) = asking(&daemon);
    let script = format!(
        "import os, time\n\
         while True:\n\
         \x20   try:\n\
         \x20       os.unlink('{}')\n\
         \x20   except OSError:\n\
         \x20       pass\n\
         \x20   time.sleep(0.001)\n",
        daemon.socket().display()
    );
    let mut command = daemon.as_its_user("/usr/bin/python3");
    let mut deleter = command.args(["-c", &script]).spawn().unwrap();
    wait_until("it is deleted", || {
        (!daemon.socket().exists()).then_some(())
    });
    let answered: Vec<_> = (0..5)
        .map(|_| daemon.command().arg("sessions").output().unwrap())
        .collect();
    deleter.kill().unwrap();
    deleter.wait().unwrap();
    for output in answered {
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        assert!(String::from_utf8_lossy(&output.stdout).contains(&session[..8]));
    }
    until_alarm(&daemon, "socket_taken");
    verb(&daemon, &["end", &session]);
    daemon.until_over(&session);
}

#[test]
fn a_second_daemon_on_a_link_to_a_database_in_use_is_refused() {
    let daemon = Daemon::unprivileged();
    let (session, _) = asking(&daemon);
    let other = daemon.root().join("state").join("other");
    fs::create_dir(&other).unwrap();
    if rustix::process::geteuid().is_root() {
        std::os::unix::fs::chown(&other, Some(65534), Some(65534)).unwrap();
    }
    let (symbolic, hard) = (other.join("symbolic.db"), other.join("hard.db"));
    std::os::unix::fs::symlink(daemon.database(), &symbolic).unwrap();
    fs::hard_link(daemon.database(), &hard).unwrap();
    for link in [&symbolic, &hard] {
        let output = daemon
            .command()
            .arg("--headless")
            .env("HUMANLAYER_DATABASE_PATH", link)
            .env("HUMANLAYER_DAEMON_SOCKET", other.join("d.sock"))
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success(), "{link:?}: {told}");
        assert!(told.contains("another daemon"), "{link:?}: {told}");
    }
    assert_eq!(daemon.session(&session)["status"], "waiting_input");
}

#[test]
fn a_journal_that_is_cut_off_is_said_and_read_on() {
    let daemon = Daemon::unprivileged();
    let (session, asked) = asking(&daemon);
    let journal = daemon.session_dir(&session).join("journal.jsonl");
    fs::OpenOptions::new()
        .write(true)
        .open(journal)
        .unwrap()
        .set_len(0)
        .unwrap();
    let alarm = until_alarm(&daemon, "journal_damaged");
    assert_eq!(alarm["session_id"], session.as_str());
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    let words: Vec<String> = daemon
        .conversation(&session)
        .iter()
        .filter_map(|piece| piece["content"].as_str().map(str::to_owned))
        .collect();
    assert!(
        words
            .iter()
            .any(|words| words.contains("journal was cut off")),
        "{words:?}"
    );
    assert!(words.iter().any(|words| words == "done"), "{words:?}");
}

#[test]
fn a_journal_that_is_deleted_is_said_and_its_session_is_ended_by_the_next_daemon() {
    let mut daemon = Daemon::unprivileged();
    let (session, asked) = asking(&daemon);
    fs::remove_file(daemon.session_dir(&session).join("journal.jsonl")).unwrap();
    until_alarm(&daemon, "journal_damaged");
    // What comes is read as long as it is open.
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
    daemon.kill_and_restart();
    let ended = daemon.until_over(&session);
    assert_eq!(ended["live"], false);
}

#[test]
fn a_daemon_whose_directory_was_moved_and_made_anew_is_stopped_and_loses_no_key() {
    let mut daemon = Daemon::unprivileged();
    let (session, _) = asking(&daemon);
    let key = fs::read(beside(&daemon, ".key")).unwrap();
    fs::rename(daemon.state(), daemon.root().join("moved")).unwrap();
    let made = daemon
        .as_its_user("mkdir")
        .args(["-m", "700"])
        .arg(daemon.state())
        .status();
    assert!(made.unwrap().success());
    until_alarm(&daemon, "database_moved");
    wait_until("the locks are taken again", || {
        let locks = [".lock", ".key"].map(|suffix| beside(&daemon, suffix).exists());
        let socket = daemon.socket().with_extension("sock.lock");
        (locks == [true, true] && socket.exists()).then_some(())
    });
    assert_eq!(fs::read(beside(&daemon, ".key")).unwrap(), key);
    wait_until("isolated agents have their socket again", || {
        let socket = daemon.state().join("agents/daemon.sock");
        socket.exists().then_some(())
    });
    let told = verb(&daemon, &["daemon", "stop"]);
    assert!(told.contains("stopped"), "{told}");
    assert!(daemon.wait().success());
    daemon.launch(&[]);
    assert_eq!(daemon.session(&session)["id"], session.as_str());
    let alarms = daemon.call("listAlarms", json!({})).to_string();
    assert!(!alarms.contains("a backup was put back"), "{alarms}");
}

/// One approved command is enough for that, and what an agent runs has to be stopped all the same.
#[rstest]
fn an_agent_whose_session_directory_is_closed_or_something_else_is_ended(
    #[values("closed", "a file", "a pipe", "nothing")] becomes: &str,
    #[values(false, true)] restarted: bool,
) {
    let mut daemon = Daemon::unprivileged();
    let command = "echo $$ > going; exec sleep 600";
    let query = format!("TOOL Bash {}\nTEXT done", json!({"command": command}));
    let id = daemon.launch_session(&query);
    daemon.approve(&daemon.until_pending(&id));
    let pid = wait_until("the command runs", || {
        let text = fs::read_to_string(daemon.work().join("going")).ok()?;
        text.trim().parse::<u32>().ok()
    });
    let directory = daemon.session_dir(&id);
    match becomes {
        "closed" => {
            let closed = fs::Permissions::from_mode(0o000);
            fs::set_permissions(&directory, closed).unwrap();
        }
        other => {
            fs::rename(&directory, daemon.root().join("moved")).unwrap();
            match other {
                "a file" => fs::write(&directory, "").unwrap(),
                "a pipe" => {
                    let made = Command::new("mkfifo").arg(&directory).status();
                    assert!(made.unwrap().success());
                }
                _ => {}
            }
        }
    }
    if restarted {
        daemon.kill_and_restart();
    }
    daemon.call("endSession", json!({"session_id": id}));
    let ended = daemon.until_over(&id);
    assert_eq!(ended["live"], false);
    wait_until("what the agent runs is gone", || {
        (!Path::new(&format!("/proc/{pid}")).exists()).then_some(())
    });
}

/// Nothing gives that right back, and one command takes it.
#[test]
fn an_agent_whose_runner_may_write_no_files_any_more_is_ended() {
    let daemon = Daemon::unprivileged();
    let (id, asked) = asking(&daemon);
    let runner = platform::descendants(daemon.pid())
        .into_iter()
        .find(|pid| platform::parent_of(*pid) == Some(daemon.pid()))
        .unwrap();
    let limited = daemon
        .as_its_user("prlimit")
        .args(["--pid", &runner.to_string(), "--fsize=0:0"])
        .status();
    assert!(limited.unwrap().success());
    daemon.approve(&asked);
    wait_until("the command has run", || {
        daemon.work().join("made").exists().then_some(())
    });
    daemon.call("endSession", json!({"session_id": id}));
    let ended = daemon.until_over(&id);
    assert_eq!(ended["live"], false);
}

#[test]
fn a_directory_that_is_moved_away_is_said_to_be_and_all_goes_on_once_it_is_back() {
    let daemon = Daemon::unprivileged();
    let (session, asked) = asking(&daemon);
    let mut client = daemon.connect();
    let moved = daemon.root().join("moved");
    fs::rename(daemon.state(), &moved).unwrap();
    let decision = json!({"approval_id": asked["id"], "decision": "approve"});
    let refused = client.fail("sendDecision", decision);
    let message = refused["message"].as_str().unwrap();
    let to = moved.display().to_string();
    assert!(
        message.contains("was moved to") && message.contains(&to),
        "{message}"
    );
    // No second daemon serves what was moved.
    let second = daemon
        .command()
        .arg("--headless")
        .env("HUMANLAYER_DATABASE_PATH", moved.join("daemon.db"))
        .env("HUMANLAYER_DAEMON_SOCKET", moved.join("daemon.sock"))
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success(), "{told}");
    assert!(told.contains("another daemon"), "{told}");
    assert!(!daemon.state().exists());
    fs::rename(&moved, daemon.state()).unwrap();
    daemon.approve(&asked);
    daemon.until_status(&session, "completed");
}
