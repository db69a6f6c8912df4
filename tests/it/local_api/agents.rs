//! An agent that has got hold of a key may ask, but answers nothing, whatever it does to hide.

use rstest::rstest;
use serde_json::{Value, json};

use super::{Api, PREFIX};
use crate::support::daemon::wait_until;

#[rstest]
#[case::directly("")]
#[case::without_its_marks(
    "env -u HUMANLAYER_SESSION_ID -u HUMANLAYER_RUN_ID -u HUMANLAYER_DAEMON_SOCKET "
)]
#[case::as_an_orphan("env -u HUMANLAYER_SESSION_ID ORPHAN=1 ")]
#[case::hiding_its_files("env -u HUMANLAYER_SESSION_ID HIDE=1 ")]
#[case::from_a_thread_with_files_of_its_own("env -u HUMANLAYER_SESSION_ID THREAD=1 ")]
fn an_agent_asks_but_does_not_answer(#[case] way: &str) {
    let api = Api::start();
    let answers = api.daemon.root().join("answers");
    let command = format!(
        "{way}python3 '{}' {} '{}' '{}'",
        concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/tests/it/local_api/as_agent.py"
        ),
        api.address.port(),
        api.key,
        answers.display()
    );
    api.daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let answers: Value = wait_until("the agent has tried", || {
        serde_json::from_str(&std::fs::read_to_string(&answers).ok()?).ok()
    });
    assert_eq!(answers["ask"]["status"], 200, "{answers:#}");
    assert_eq!(answers["look"]["status"], 200, "{answers:#}");
    assert_eq!(answers["respond"]["status"], 403, "{answers:#}");
    assert_eq!(api.approval("own")["outcome"], "pending");
    // A person's program answers.
    let yes = json!({"approved": true});
    let answered = api.post("/agent/function_calls/own/respond", &yes);
    assert_eq!(answered.status, 200, "{answered:?} below {PREFIX}");
}

#[test]
fn an_agent_asks_for_its_own_session_only() {
    let api = Api::start();
    let victim = api.daemon.launch_session("WAITFILE never");
    let program = r#"
import json, os, sys, urllib.request
def ask(run_id, call_id):
    body = {"run_id": run_id, "call_id": call_id, "spec": {"fn": "f", "kwargs": {}}}
    request = urllib.request.Request(sys.argv[1] + "/function_calls", json.dumps(body).encode(), {
        "Authorization": "Bearer " + sys.argv[2], "Content-Type": "application/json"})
    try:
        return urllib.request.urlopen(request).status
    except urllib.error.HTTPError as error:
        return error.code
own = os.environ["HUMANLAYER_SESSION_ID"]
told = {"own": ask(own, "a"), "other": ask(sys.argv[3], "b"), "short": ask(sys.argv[3][:8], "c"), "new": ask("mine", "d")}
open("told.new", "w").write(json.dumps(told))
os.rename("told.new", "told")
"#;
    std::fs::write(api.daemon.work().join("ask.py"), program).unwrap();
    let command = format!("python3 ask.py {} {} {victim}", api.base(), api.key);
    api.daemon.launch_session_with(json!({
        "query": format!("TOOL Bash {}", json!({"command": command})),
        "dangerously_skip_permissions": true,
    }));
    let told = api.daemon.work().join("told");
    let told: Value = wait_until("the agent has asked", || {
        serde_json::from_str(&std::fs::read_to_string(&told).ok()?).ok()
    });
    let expected = json!({"own": 200, "other": 403, "short": 403, "new": 200});
    assert_eq!(told, expected);
    assert_eq!(api.daemon.pending(&victim).len(), 0);
}

/// A program names its runs as it likes; an id on the screen goes on to mean what it meant.
#[test]
fn a_run_that_is_named_like_a_session_does_not_take_its_place() {
    let api = Api::start();
    // Before there is such a session, as after it is refused.
    let session = "5eed0000-0000-4000-8000-000000000001";
    let mut call = super::function_call("c1");
    call["run_id"] = Value::from("5eed0000");
    assert_eq!(api.post("/function_calls", &call).status, 200);
    let launched = json!({"query": "WAITFILE never", "session_id": session});
    assert_eq!(api.daemon.launch_session_with(launched), session);
    assert_eq!(api.daemon.session("5eed0000")["id"], session);
}

#[test]
fn an_agent_makes_and_revokes_no_keys() {
    let api = Api::start();
    let calls = [
        ("createKey", json!({"name": "mine"})),
        ("revokeKey", json!({"name": "sdk"})),
    ];
    let (_, answers) = crate::support::agent_shell::calls_of_an_agent(&api.daemon, &calls);
    for answer in answers {
        assert_eq!(answer["error"]["data"]["kind"], "forbidden", "{answer}");
    }
    assert_eq!(api.get("/project").status, 200);
}

/// An address of this machine that is not loopback; loopback where it has no other.
fn own_address() -> std::net::IpAddr {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    // Nothing is sent: only a way is chosen.
    let chosen = socket.connect("192.0.2.1:9");
    chosen.map_or(std::net::Ipv4Addr::LOCALHOST.into(), |()| {
        socket.local_addr().unwrap().ip()
    })
}

#[test]
fn an_answer_whose_connection_is_over_when_it_is_looked_at_is_refused() {
    use std::io::Write as _;

    let (api, address) = Api::start_at(own_address());
    // This way is open to who is there.
    let seen = api.request("GET", "/project").send(address);
    assert_eq!(seen.status, 200, "{seen:?}");
    api.ask("gone");
    let answer = api
        .request("POST", "/agent/function_calls/gone/respond")
        .body(json!({"approved": true}).to_string())
        .bytes();
    let daemon = api.daemon.pid().cast_signed();
    crate::support::cli::signal(daemon, rustix::process::Signal::STOP);
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.write_all(&answer).unwrap();
    let theirs = stream.local_addr().unwrap();
    drop(stream);
    crate::support::cli::signal(daemon, rustix::process::Signal::CONT);
    // It is judged, or given up because nobody waits for its answer: then the daemon's end is closed.
    let (ours, theirs) = (address.port(), theirs.port());
    wait_until("the connection is over", || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        let ends = |line: &str| {
            let mut fields = line.split_ascii_whitespace().skip(1);
            let mut port = || {
                let (_, port) = fields.next()?.split_once(':')?;
                u16::from_str_radix(port, 16).ok()
            };
            Some((port()?, port()?))
        };
        let open = table.lines().any(|line| ends(line) == Some((ours, theirs)));
        (!open).then_some(())
    });
    assert_eq!(api.approval("gone")["outcome"], "pending");
}
