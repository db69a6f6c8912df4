//! The bounds: sizes, rates, numbers, and who may name which host.

use std::io::Write;
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use super::{Api, function_call};
use crate::support::daemon::{Daemon, wait_until};
use crate::support::http::receive;

#[test]
fn a_body_beyond_the_limit_is_refused_however_it_comes() {
    let api = Api::start();
    let mut big = function_call("c1");
    big["spec"]["kwargs"]["x"] = json!("x".repeat(1024 * 1024));
    let request = api.request("POST", "/function_calls").body(big.to_string());
    let reply = request.send(api.address);
    assert_eq!(
        (reply.status, &reply.body["error"]),
        (413, &json!("too_large"))
    );
    // Without an announced length, in one chunk.
    let text = big.to_string();
    let chunked = api
        .request("POST", "/function_calls")
        .header("Transfer-Encoding", "chunked");
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.write_all(&chunked.bytes()).unwrap();
    let _ = write!(stream, "{:x}\r\n{text}\r\n0\r\n\r\n", text.len());
    assert_eq!(receive(stream).status, 413);
    big["spec"]["kwargs"]["x"] = json!("x".repeat(1000 * 1024));
    assert_eq!(api.post("/function_calls", &big).status, 200);
}

#[test]
fn a_body_that_does_not_come_is_not_waited_for() {
    let api = Api::start();
    let request = api
        .request("POST", "/function_calls")
        .header("Content-Length", "100");
    let mut stream = TcpStream::connect(api.address).unwrap();
    stream.write_all(&request.bytes()).unwrap();
    stream.write_all(b"{\"run_id\"").unwrap();
    assert_eq!(receive(stream).status, 408);
}

#[test]
fn who_asks_too_fast_is_told_when_to_come_again() {
    let api = Api::start();
    let other = format!("Bearer {}", api.new_key("other"));
    let refused = wait_until("the rate is reached", || {
        let mut last = None;
        std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| {
                        (0..300)
                            .map(|_| api.get("/project"))
                            .find(|reply| reply.status != 200)
                    })
                })
                .collect();
            for one in tries {
                last = one.join().unwrap().or(last.take());
            }
        });
        last
    });
    assert_eq!(refused.status, 429, "{refused:?}");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let request = api
        .request("GET", "/project")
        .header("Authorization", &other);
    assert_eq!(
        request.send(api.address).status,
        200,
        "another key has its own"
    );
}

#[test]
fn what_waits_is_bounded_for_each_key() {
    let api = Api::start();
    let refused = wait_until("the bound is reached", || {
        (0..).find_map(|n| {
            let body = function_call(&format!("c{n}"));
            let reply = api.post("/function_calls", &body);
            (reply.status != 200).then_some((n, reply))
        })
    });
    let (n, reply) = refused;
    assert_eq!((n, reply.status), (1000, 429), "{reply:?}");
    assert!(reply.header("retry-after").is_some());
    // What is known already is no news, another key has its own bound, and an answer makes room.
    assert_eq!(
        api.post("/function_calls", &function_call("c0")).status,
        200
    );
    let other = format!("Bearer {}", api.new_key("other"));
    let request = api
        .request("POST", "/function_calls")
        .header("Authorization", &other);
    let request = request.body(function_call("d0").to_string());
    assert_eq!(request.send(api.address).status, 200);
    let yes = json!({"approved": true});
    let answered = api.post("/agent/function_calls/c0/respond", &yes);
    assert_eq!(answered.status, 200, "{answered:?}");
    assert_eq!(
        api.post("/function_calls", &function_call("c1000")).status,
        200
    );
}

#[test]
fn a_name_that_is_not_this_machines_is_refused() {
    let api = Api::start();
    for host in [
        "evil.example",
        "evil.example:7777",
        "127.0.0.1.evil.example",
        "10.0.0.1",
        "",
    ] {
        let request = api.request("GET", "/project").header("Host", host);
        let reply = request.send(api.address);
        // What has no Host at all may be refused before it gets to us.
        assert!(matches!(reply.status, 403 | 400), "{host}: {reply:?}");
    }
    for host in ["localhost:7777", "127.0.0.1", "[::1]:7777"] {
        let request = api.request("GET", "/project").header("Host", host);
        assert_eq!(request.send(api.address).status, 200, "{host}");
    }
    let page = api
        .request("OPTIONS", "/function_calls")
        .header("Origin", "http://evil.example")
        .header("Access-Control-Request-Method", "POST");
    let reply = page.send(api.address);
    assert!(reply.status >= 400, "{reply:?}");
    let page = api
        .request("GET", "/project")
        .header("Origin", "http://evil.example");
    for reply in [reply, page.send(api.address)] {
        assert_eq!(reply.header("access-control-allow-origin"), None);
    }
}

#[test]
fn a_taken_port_is_said_and_tried_again() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let daemon = Daemon::with(&[("HUMANLAYER_DAEMON_HTTP_PORT", &address.port().to_string())]);
    let health = wait_until("it is said", || {
        let health = daemon.call("health", json!({}));
        health["http_problem"].is_string().then_some(health)
    });
    assert_eq!(health["status"], "ok");
    let problem = health["http_problem"].as_str().unwrap();
    assert!(problem.contains("is taken"), "{problem}");
    drop(taken);
    wait_until("it is served", || {
        let health = daemon.call("health", json!({}));
        (health["http_address"] == address.to_string()).then_some(())
    });
}

#[test]
fn another_address_than_loopback_wants_an_explicit_setting() {
    let host = ("HUMANLAYER_DAEMON_HTTP_HOST", "0.0.0.0");
    let mut daemon = Daemon::with(&[host, ("HUMANLAYER_DAEMON_HTTP_PORT", "any")]);
    let health = wait_until("it is said", || {
        let health = daemon.call("health", json!({}));
        health["http_problem"].is_string().then_some(health)
    });
    let problem = health["http_problem"].as_str().unwrap();
    assert!(problem.contains("http_allow_remote"), "{problem}");
    assert_eq!(
        health.get("http_address").filter(|at| !at.is_null()),
        None,
        "{health}"
    );
    daemon.kill();
    daemon.launch(&[("HUMANLAYER_DAEMON_HTTP_ALLOW_REMOTE", "true")]);
    wait_until("it is served", || {
        let health = daemon.call("health", json!({}));
        health["http_address"].is_string().then_some(())
    });
}

#[test]
fn slow_senders_without_a_key_keep_nobody_out() {
    let api = Api::start();
    let slow: Vec<TcpStream> = (0..1100)
        .map(|_| {
            let mut stream = TcpStream::connect(api.address).unwrap();
            let _ = stream.write_all(b"GET /humanlayer/v1/project HTTP/1.1\r\nHost: local");
            stream
        })
        .collect();
    let begun = std::time::Instant::now();
    assert_eq!(api.get("/project").status, 200);
    assert!(begun.elapsed() < std::time::Duration::from_secs(5));
    // None of them is kept for ever, however it goes on sending.
    let mut last = slow.into_iter().last().unwrap();
    wait_until("the slow sender is cut off", || {
        last.write_all(b"h").is_err().then_some(())
    });
}
