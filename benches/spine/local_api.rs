//! The local HumanLayer API: two hundred programs that poll at once, and how soon one that waits has
//! its answer. Beside it a bare axum handler that sends the same bytes, in a process of its own.

use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::header;
use axum::routing::get;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Barrier;

use super::daemon::{Daemon, wait_until};
use super::process::{self, TICKS};
use super::table::{Row, Spread, time, times};

/// The word that makes this program serve the bare handler.
pub const BARE: &str = "__bench_bare_http";

/// Programs that poll.
const CLIENTS: usize = 200;

/// Times that all of them ask at once, a second apart; as many requests as a key may make on and on.
const ROUNDS: usize = 10;

/// Rounds at the start that are not counted.
const WARM_UP: usize = 2;

/// Answers whose way is timed.
const ANSWERS: usize = 50;

pub fn run() -> Vec<Row> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let port = free_port();
    let mut daemon = Daemon::prepare();
    daemon.serve_http_at(port);
    daemon.launch();
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    let mut rpc = daemon.connect();
    wait_until("the API is served", || {
        rpc.call("health", json!({}))["http_address"].is_string()
    });
    let key = rpc.call("createKey", json!({"name": "bench"}))["key"].clone();
    let key = key.as_str().unwrap().to_owned();
    let call = json!({"run_id": "bench", "call_id": "c0", "spec": {"fn": "send_mail",
        "kwargs": {"to": "someone@example.org", "subject": "hello", "body": "x".repeat(300)}}});
    let body = call.to_string();
    let post = format!(
        "POST /humanlayer/v1/function_calls HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let sample = runtime.block_on(async {
        let mut stream = TcpStream::connect(address).await.unwrap();
        exchange(&mut stream, post.as_bytes()).await
    });
    let poll = |path: &str| {
        format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n")
    };
    let one = poll("/humanlayer/v1/function_calls/c0");
    let before = process::ticks(daemon.pid());
    let ours = runtime.block_on(rounds(address, one.as_bytes()));
    let our_time = cpu(process::ticks(daemon.pid()) - before);
    let (memory, _) = process::memory(daemon.pid());

    let (mut bare, bare_address) = bare_process(&sample);
    let before = process::ticks(bare.id());
    let theirs = runtime.block_on(rounds(bare_address, one.as_bytes()));
    let bare_time = cpu(process::ticks(bare.id()) - before);
    bare.kill().unwrap();
    bare.wait().unwrap();

    let mut ways = Vec::new();
    for n in 1..=ANSWERS {
        let post = post.replace("\"c0\"", &format!("\"c{n}\""));
        let length = post.split_once("\r\n\r\n").unwrap().1.len();
        let post = post.replace(
            &format!("Content-Length: {}", body.len()),
            &format!("Content-Length: {length}"),
        );
        let wait = poll(&format!("/humanlayer/v1/function_calls/c{n}?wait=50"));
        ways.push(runtime.block_on(async {
            let mut stream = TcpStream::connect(address).await.unwrap();
            exchange(&mut stream, post.as_bytes()).await;
            stream.write_all(wait.as_bytes()).await.unwrap();
            let listed = rpc.call("listApprovals", json!({"all": true, "limit": 1}));
            let id = listed["approvals"][0]["id"].clone();
            // A person takes longer than the daemon needs to come to rest.
            tokio::time::sleep(Duration::from_millis(5)).await;
            let decided = Instant::now();
            rpc.call(
                "sendDecision",
                json!({"approval_id": id, "decision": "approve"}),
            );
            let told = receive(&mut stream).await;
            assert!(String::from_utf8_lossy(&told).contains("\"approved\":true"));
            decided.elapsed()
        }));
    }
    let ways = Spread::of(ways);
    vec![
        Row::told(
            &format!("local API: {CLIENTS} programs poll at once, every second"),
            format!("p50 {}, p99 {}", time(ours.median()), time(ours.at(0.99))),
        )
        .beside(
            format!(
                "bare axum handler p50 {}, p99 {}",
                time(theirs.median()),
                time(theirs.at(0.99))
            ),
            times(ours.at(0.99), theirs.at(0.99)),
        ),
        Row::told(
            "local API: its processor time",
            format!(
                "{our_time:.1} % of a core, daemon {}",
                process::megabytes(memory)
            ),
        )
        .beside(
            format!("bare axum handler {bare_time:.1} %"),
            our_time / bare_time.max(0.1),
        ),
        Row::limit(
            "local API: decision to a program that waits",
            format!("p50 {}, p99 {}", time(ways.median()), time(ways.at(0.99))),
            "p50 ≤ 5 ms",
            ways.median() <= Duration::from_millis(5),
        ),
    ]
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Ticks over the counted and uncounted rounds, in percent of a core.
fn cpu(ticks: u64) -> f64 {
    let seconds = (ROUNDS + WARM_UP) as f64;
    ticks as f64 / TICKS / seconds * 100.0
}

/// All clients at once, again and again; how long each took.
async fn rounds(address: SocketAddr, request: &[u8]) -> Spread {
    let barrier = Arc::new(Barrier::new(CLIENTS + 1));
    let request: Arc<[u8]> = request.into();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (barrier, request) = (Arc::clone(&barrier), Arc::clone(&request));
            tokio::spawn(async move {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.set_nodelay(true).unwrap();
                let mut took = Vec::new();
                for _ in 0..ROUNDS + WARM_UP {
                    barrier.wait().await;
                    let begun = Instant::now();
                    exchange(&mut stream, &request).await;
                    took.push(begun.elapsed());
                }
                took.split_off(WARM_UP)
            })
        })
        .collect();
    for _ in 0..ROUNDS + WARM_UP {
        let next = Instant::now() + Duration::from_secs(1);
        barrier.wait().await;
        tokio::time::sleep_until(next.into()).await;
    }
    let mut all = Vec::new();
    for client in clients {
        all.extend(client.await.unwrap());
    }
    Spread::of(all)
}

/// A request and its answer's body on a connection that stays.
async fn exchange(stream: &mut TcpStream, request: &[u8]) -> Vec<u8> {
    stream.write_all(request).await.unwrap();
    receive(stream).await
}

async fn receive(stream: &mut TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "the connection was closed");
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            assert!(head.starts_with("HTTP/1.1 200"), "{text}");
            let length = head
                .lines()
                .find_map(|line| {
                    line.to_ascii_lowercase()
                        .strip_prefix("content-length: ")
                        .map(str::to_owned)
                })
                .unwrap();
            if body.len() >= length.parse::<usize>().unwrap() {
                return body.as_bytes().to_vec();
            }
        }
    }
}

fn bare_process(body: &[u8]) -> (Child, SocketAddr) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .arg(BARE)
        .arg(String::from_utf8_lossy(body).as_ref())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    (child, line.trim().parse().unwrap())
}

/// Serves one body to everybody.
pub fn bare() -> ExitCode {
    let body: Arc<str> = std::env::args().nth(2).unwrap().into();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async move {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        println!("{}", listener.local_addr().unwrap());
        let handler = move || {
            let body = Arc::clone(&body);
            async move {
                (
                    [(header::CONTENT_TYPE, "application/json")],
                    body.to_string(),
                )
            }
        };
        let router =
            axum::Router::new().route("/humanlayer/v1/function_calls/{call_id}", get(handler));
        axum::serve(listener, router).await.unwrap();
    });
    ExitCode::SUCCESS
}
