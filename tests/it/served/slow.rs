//! Every request that changes something, asked of a daemon that is slow or dies: what the user was told last is true,
//! and doing it again does it once.
//!
//! The cases are the protocol's own list of such methods: a new one without a case fails here. Each runs on a daemon
//! of its own, and all side by side, as they wait most of the time.

use std::process::{Command, Output};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use humanlayer::protocol::method;
use serde_json::{Value, json};

use crate::callers::terminals::Tmux;
use crate::support::cli::{Running, Said};
use crate::support::daemon::{Daemon, wait_until};

/// Cases at a time: each has a daemon, of which a user may not have many that watch files.
const AT_A_TIME: usize = 6;

/// Longer than a client waits for a daemon that answers nobody, in milliseconds.
const SLOW: u64 = 6_500;

/// Within which time a person is told that the daemon does not answer; here with room for a slow machine.
const TOLD_WITHIN: Duration = Duration::from_millis(6_400);

/// How often something was carried out.
type Count = Box<dyn Fn(&Daemon) -> usize + Send>;

/// What a method is called with, and how it is seen how often it was carried out.
struct Case {
    daemon: Daemon,
    method: &'static str,
    params: Value,
    count: Count,
    /// Gone with the case.
    _tmux: Option<Tmux>,
}

fn list(daemon: &Daemon, method: &str, params: Value, name: &str) -> Vec<Value> {
    daemon.call(method, params)[name]
        .as_array()
        .unwrap()
        .clone()
}

fn count_if(holds: impl Fn(&Daemon) -> bool + Send + 'static) -> Count {
    Box::new(move |daemon| usize::from(holds(daemon)))
}

impl Case {
    fn of(method: &'static str) -> Self {
        let daemon = Daemon::start();
        let script = match method {
            method::SEND_DECISION => "TOOL Bash {\"command\": \"echo ran >> runs\"}\nTEXT over",
            method::INTERRUPT_SESSION | method::WITHDRAW_MESSAGE => "WAITFILE never",
            _ => "TEXT hello\nMESSAGE",
        };
        let id = daemon.launch_session(script);
        match method {
            method::SEND_DECISION => drop(daemon.until_pending(&id)),
            method::INTERRUPT_SESSION | method::WITHDRAW_MESSAGE => {
                drop(daemon.until_status(&id, "running"))
            }
            _ => drop(daemon.until_status(&id, "completed")),
        }
        let of_session = json!({"session_id": id});
        let own = id.clone();
        let session = move |daemon: &Daemon| daemon.session(&own);
        let contacts =
            |daemon: &Daemon| list(daemon, "listApprovals", json!({"all": true}), "approvals");
        let mut tmux = None;
        let (params, count): (Value, Count) = match method {
            method::LAUNCH_SESSION => (
                json!({"query": "TEXT launched", "working_dir": daemon.work()}),
                Box::new(|daemon| {
                    let all = list(daemon, "listSessions", json!({}), "sessions");
                    all.iter()
                        .filter(|session| session["query"] == "TEXT launched")
                        .count()
                }),
            ),
            method::CONTINUE_SESSION => (
                json!({"session_id": id, "query": "TEXT forked", "fork": true}),
                Box::new(|daemon| list(daemon, "listSessions", json!({}), "sessions").len() - 1),
            ),
            method::INTERRUPT_SESSION => (
                of_session,
                count_if(move |daemon| {
                    matches!(
                        session(daemon)["status"].as_str(),
                        Some("interrupting" | "interrupted")
                    )
                }),
            ),
            method::UPDATE_SESSION_SETTINGS => (
                json!({"session_id": id, "auto_accept_edits": true}),
                count_if(move |daemon| session(daemon)["auto_accept_edits"] == true),
            ),
            method::UPDATE_SESSION_TITLE => (
                json!({"session_id": id, "title": "another"}),
                count_if(move |daemon| session(daemon)["title"] == "another"),
            ),
            method::ARCHIVE_SESSION => (
                json!({"session_id": id, "archived": true, "end": true}),
                count_if(move |daemon| {
                    session(daemon)["archived"] == true
                        || !session(daemon)["end_requested_at"].is_null()
                }),
            ),
            method::BULK_ARCHIVE_SESSIONS => (
                json!({"session_ids": [id], "archived": true, "end": true}),
                count_if(move |daemon| {
                    session(daemon)["archived"] == true
                        || !session(daemon)["end_requested_at"].is_null()
                }),
            ),
            method::DELETE_SESSIONS => {
                daemon.call("endSession", of_session);
                daemon.until_over(&id);
                (
                    json!({"session_ids": [id]}),
                    count_if(|daemon| {
                        list(daemon, "listSessions", json!({}), "sessions").is_empty()
                    }),
                )
            }
            method::CREATE_APPROVAL => (
                json!({"run_id": daemon.session(&id)["run_id"], "tool_name": "Bash", "tool_input": {"command": "x"}}),
                Box::new(move |daemon| contacts(daemon).len()),
            ),
            method::CREATE_CONTACT => (
                json!({"message": "may I?"}),
                Box::new(move |daemon| contacts(daemon).len()),
            ),
            method::WITHDRAW_APPROVAL => {
                let asked = daemon.call("createApproval", json!({
                    "run_id": daemon.session(&id)["run_id"], "tool_name": "Bash", "tool_input": {"command": "x"}}));
                (
                    json!({"approval_id": asked["approval_id"]}),
                    count_if(move |daemon| contacts(daemon)[0]["outcome"] == "withdrawn"),
                )
            }
            method::SEND_DECISION => (
                json!({"approval_id": daemon.pending(&id)[0]["id"], "decision": "approve"}),
                Box::new(move |daemon| {
                    let all = contacts(daemon);
                    all.iter()
                        .filter(|approval| approval["outcome"] != "pending")
                        .count()
                }),
            ),
            method::CREATE_KEY => (
                json!({"name": "mine"}),
                Box::new(|daemon| list(daemon, "listKeys", json!({}), "keys").len()),
            ),
            method::REVOKE_KEY => {
                daemon.call("createKey", json!({"name": "mine"}));
                (
                    json!({"name": "mine"}),
                    count_if(|daemon| {
                        !list(daemon, "listKeys", json!({}), "keys")[0]["revoked_at"].is_null()
                    }),
                )
            }
            method::ACKNOWLEDGE_ALARM => {
                std::fs::remove_file(daemon.socket()).unwrap();
                let alarm = super::until_alarm(&daemon, "socket_taken");
                (
                    json!({"id": alarm["id"]}),
                    count_if(|daemon| list(daemon, "listAlarms", json!({}), "alarms").is_empty()),
                )
            }
            method::CONFIRM_TERMINAL => {
                let started = Tmux::start(&daemon, "tmux");
                let pid: u32 = started.pid().parse().unwrap();
                tmux = Some(started);
                (
                    json!({"pid": pid}),
                    Box::new(|daemon| list(daemon, "listTerminals", json!({}), "terminals").len()),
                )
            }
            method::ADD_PLACE => {
                let started = Tmux::start(&daemon, "tmux");
                let pid: u32 = started.pid().parse().unwrap();
                tmux = Some(started);
                let before = list(&daemon, "listPlaces", json!({}), "places").len();
                (
                    json!({"pid": pid}),
                    Box::new(move |daemon| {
                        list(daemon, "listPlaces", json!({}), "places").len() - before
                    }),
                )
            }
            method::REMOVE_PLACE => {
                let started = Tmux::start(&daemon, "tmux");
                let pid: u32 = started.pid().parse().unwrap();
                tmux = Some(started);
                let place = daemon.call("addPlace", json!({"pid": pid}))["place"]["id"].clone();
                (
                    json!({"id": place}),
                    count_if(move |daemon| {
                        list(daemon, "listPlaces", json!({}), "places")
                            .iter()
                            .all(|found| found["id"] != place)
                    }),
                )
            }
            method::SEND_MESSAGE => (
                json!({"session_id": id, "message": "TEXT again"}),
                Box::new(move |daemon| {
                    let said = daemon.conversation(&id);
                    said.iter()
                        .filter(|piece| piece["role"] == "user" && piece["content"] == "TEXT again")
                        .count()
                }),
            ),
            method::WITHDRAW_MESSAGE => {
                let sent = daemon.call(
                    "sendMessage",
                    json!({"session_id": id, "message": "TEXT later"}),
                );
                (
                    json!({"session_id": id, "message_id": sent["message_id"]}),
                    count_if(move |daemon| {
                        let said = daemon.conversation(&id);
                        said.iter().any(|piece| {
                            piece["content"] == "TEXT later" && piece["delivery"] == "withdrawn"
                        })
                    }),
                )
            }
            method::RESTART_SESSION => (
                json!({"session_id": id, "env": {"ANTHROPIC_API_KEY": "another"}}),
                count_if(move |daemon| {
                    !session(daemon)["end_requested_at"].is_null()
                        || session(daemon)["live"] == false
                }),
            ),
            method::END_SESSION => (
                of_session,
                count_if(move |daemon| {
                    session(daemon)["live"] == false
                        || !session(daemon)["end_requested_at"].is_null()
                }),
            ),
            method::MOVE_SESSION => {
                daemon.call("endSession", of_session);
                daemon.until_over(&id);
                let directory = daemon.work().join("elsewhere");
                std::fs::create_dir(&directory).unwrap();
                let directory = directory.canonicalize().unwrap();
                (
                    json!({"session_id": id, "working_dir": directory}),
                    count_if(move |daemon| session(daemon)["working_dir"] == json!(directory)),
                )
            }
            method => panic!("no case for {method}"),
        };
        Self {
            daemon,
            method,
            params,
            count,
            _tmux: tmux,
        }
    }

    fn count(&self) -> usize {
        (self.count)(&self.daemon)
    }

    /// The command, as typed by somebody of their own: who asks for a permission decides nothing any more.
    fn command(&self) -> Command {
        let like = self.daemon.command();
        let mut command = self.daemon.script_with_env("\"$@\"; exit $?");
        command
            .arg("sh")
            .arg(like.get_program())
            .args(like.get_args());
        command.args(["--idempotency-key", "mine", "rpc", self.method]);
        command.arg(self.params.to_string());
        command
    }

    fn run(&self) -> Output {
        self.command().output().unwrap()
    }

    /// Whether the same, once more, is answered, or said to have been done.
    fn again(&self, at: &str) {
        let again = self.run();
        let said = told(&again);
        // Of a key nothing is kept that could be told again; who has asked is another one than who had not.
        let is_done = said.contains("was carried out already")
            || (self.method == method::CREATE_CONTACT && said.contains("nothing happened"));
        assert!(again.status.success() || is_done, "{at}: {said}");
        wait_until(&format!("{at}: it is carried out"), || {
            (self.count() == 1).then_some(())
        });
    }
}

fn told(output: &Output) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    text(&output.stdout) + &text(&output.stderr)
}

/// Plays all methods, some at a time; what failed is said of each.
fn for_each_change(step: &str, play: impl Fn(Case, &str) + Sync) {
    let changes = method::Name::with(method::Effect::Changes);
    let left = Mutex::new(changes.map(method::Name::as_str).collect::<Vec<_>>());
    let failed: Vec<&str> = std::thread::scope(|scope| {
        let work = || {
            let mut failed = Vec::new();
            loop {
                let Some(method) = left.lock().unwrap().pop() else {
                    return failed;
                };
                let at = format!("request.{step}.{method}");
                let played = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                    play(Case::of(method), &at);
                }));
                if played.is_err() {
                    failed.push(method);
                }
            }
        };
        let workers: Vec<_> = (0..AT_A_TIME).map(|_| scope.spawn(work)).collect();
        workers
            .into_iter()
            .flat_map(|worker| worker.join().unwrap())
            .collect()
    });
    assert!(failed.is_empty(), "{step}: {failed:?}");
}

/// Whether what was asked for is noted in the transaction that does it. What begins a session is known by the id that
/// its client gave it, what asks a person by its key; several sessions are changed one by one.
fn is_noted(method: &str) -> bool {
    !matches!(
        method,
        method::LAUNCH_SESSION
            | method::CONTINUE_SESSION
            | method::CREATE_APPROVAL
            | method::CREATE_CONTACT
            | method::BULK_ARCHIVE_SESSIONS
            | method::DELETE_SESSIONS
    )
}

#[test]
fn a_daemon_that_is_slow_to_begin_is_said_not_to_answer_and_does_nothing_any_more() {
    for_each_change("begun", |mut case, at| {
        case.daemon.stop();
        case.daemon
            .launch(&[("HUMANLAYER_FAILPOINT", &format!("{at}:1:slow:{SLOW}"))]);
        let begun = Instant::now();
        let output = case.run();
        let took = begun.elapsed();
        let said = told(&output);
        assert_eq!(output.status.code(), Some(5), "{at}: {said}");
        assert!(said.contains("does not answer"), "{at}: {said}");
        assert!(
            said.contains("whether it was done is not known"),
            "{at}: {said}"
        );
        assert!(
            said.contains("repeat the command with `--idempotency-key mine`"),
            "{at}: {said}"
        );
        assert!(took < TOLD_WITHIN, "{at}: told after {took:?}");
        case.daemon.call("health", json!({}));
        assert_eq!(case.count(), 0, "{at}: it was given up");
        case.again(at);
    });
}

#[test]
fn a_daemon_that_is_slow_to_record_is_said_to_be_and_waited_for() {
    for_each_change("noted", |mut case, at| {
        if !is_noted(case.method) {
            return;
        }
        case.daemon.stop();
        case.daemon
            .launch(&[("HUMANLAYER_FAILPOINT", &format!("{at}:1:slow:{SLOW}"))]);
        let output = case.run();
        let said = told(&output);
        // It answers others meanwhile.
        assert_eq!(output.status.code(), Some(0), "{at}: {said}");
        assert!(said.contains("has not answered yet"), "{at}: {said}");
        wait_until(at, || (case.count() == 1).then_some(()));
        case.again(at);
    });
}

#[test]
fn a_daemon_that_dies_after_any_change_is_asked_again_and_does_it_once() {
    for_each_change("done", |mut case, at| {
        // A program that has asked once counts as an agent, also when it asks for another session again.
        if case.method == method::CREATE_APPROVAL {
            return;
        }
        case.daemon.stop();
        case.daemon.launch(&[("HUMANLAYER_FAILPOINT", at)]);
        let running = Running::start(case.command());
        assert!(!case.daemon.wait().success(), "{at} was not reached");
        case.daemon.launch(&[]);
        let Said {
            code,
            stdout,
            stderr,
        } = running.wait();
        let is_done = stderr.contains("was carried out already");
        assert!(code == 0 || is_done, "{at}: {stdout} {stderr}");
        wait_until(at, || (case.count() == 1).then_some(()));
        case.again(at);
    });
}

/// A daemon that takes its time between the record of a session and that of its runner; gives it once a launch is
/// on record and has got no further.
fn launching() -> (Daemon, crate::support::daemon::Client) {
    let mut daemon = Daemon::prepare(&[]);
    daemon.launch(&[("HUMANLAYER_FAILPOINT", "launch.spawned:1:slow:1500")]);
    let mut client = daemon.connect();
    let launch = json!({"jsonrpc": "2.0", "id": 7, "method": "launchSession", "params": {
        "query": "TEXT hello", "working_dir": daemon.work(), "idempotency_key": "mine"}});
    client.send(&launch.to_string());
    wait_until("the session is on record", || {
        (!list(&daemon, "listSessions", json!({}), "sessions").is_empty()).then_some(())
    });
    (daemon, client)
}

fn until_completed(daemon: &Daemon) {
    let sessions = list(daemon, "listSessions", json!({}), "sessions");
    assert_eq!(sessions.len(), 1);
    daemon.until_status(sessions[0]["id"].as_str().unwrap(), "completed");
}

#[test]
fn a_launch_that_is_on_record_is_no_failure_and_goes_on_when_the_database_can_be_written_again() {
    let (daemon, mut client) = launching();
    let db = rusqlite::Connection::open(daemon.database()).unwrap();
    db.busy_timeout(Duration::from_secs(1)).unwrap();
    db.execute_batch("BEGIN IMMEDIATE").unwrap();
    let answer = client.receive();
    assert!(answer["result"]["session_id"].is_string(), "{answer}");
    db.execute_batch("ROLLBACK").unwrap();
    until_completed(&daemon);
}

#[test]
fn a_launch_that_is_on_record_goes_on_though_its_client_has_gone() {
    let (daemon, client) = launching();
    drop(client);
    until_completed(&daemon);
}
