//! A remote API that costs next to nothing: answers that were made beforehand, over plain sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Instant;

use serde_json::json;

use crate::spine::agent::nanos;

/// Requests in a page, as the daemon asks for them.
const PAGE: usize = 100;

/// A look at the whole list: when its first page was asked for, and its last one given.
pub type Look = (Instant, Instant);

struct State {
    pages: Vec<Vec<u8>>,
    empty: Vec<u8>,
    begun: Mutex<Instant>,
    looks: Mutex<Vec<Look>>,
    answered: Mutex<mpsc::Sender<u64>>,
}

pub struct StandIn {
    address: SocketAddr,
    state: Arc<State>,
    /// The bodies of all pages.
    pub bodies: Vec<String>,
    /// When each answer came, in nanoseconds since 1970.
    pub answers: mpsc::Receiver<u64>,
}

impl StandIn {
    /// With so many pending function calls.
    pub fn start(pending: usize) -> Self {
        let items: Vec<_> = (0..pending).map(request).collect();
        let bodies: Vec<String> = items
            .chunks(PAGE)
            .enumerate()
            .map(|(index, page)| {
                let offset = index * PAGE;
                let has_more = offset + page.len() < pending;
                json!({"items": page, "total": pending, "limit": PAGE, "offset": offset,
                    "has_more": has_more})
                .to_string()
            })
            .collect();
        let (sender, answers) = mpsc::channel();
        let state = Arc::new(State {
            pages: bodies.iter().map(|body| http(body)).collect(),
            empty: http(r#"{"items": [], "total": 0, "has_more": false}"#),
            begun: Mutex::new(Instant::now()),
            looks: Mutex::default(),
            answered: Mutex::new(sender),
        });
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self {
            address,
            state,
            bodies,
            answers,
        }
    }

    pub fn base(&self) -> String {
        format!("http://{}/humanlayer/v1", self.address)
    }

    pub fn looks(&self) -> Vec<Look> {
        self.state.looks.lock().unwrap().clone()
    }
}

/// One as a coding agent's tool call makes it: about 700 bytes.
fn request(n: usize) -> serde_json::Value {
    json!({"run_id": format!("run-{}", n % 20), "call_id": format!("call-{n:05}"),
        "spec": {"fn": "Bash", "kwargs": {"command": format!("echo {n} {}", "x".repeat(300)),
            "description": "Write a line that is about as long as such lines are"},
            "channel": {"slack": {"channel_or_user_id": "C0123456789", "thread_ts": null}, "email": null},
            "reject_options": [{"name": "later", "title": "Not now", "interactive": false}], "state": null},
        "status": {"requested_at": "2025-01-02T03:04:05.678901", "responded_at": null,
            "approved": null, "comment": null, "reject_option_name": null}})
}

fn http(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

fn serve(stream: &TcpStream, state: &State) {
    stream.set_nodelay(true).unwrap();
    let mut reader = BufReader::new(stream);
    let mut output = stream;
    let mut line = String::new();
    loop {
        line.clear();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return;
        }
        let path = line.split_whitespace().nth(1).unwrap_or("").to_owned();
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            if line == "\r\n" {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        if path.ends_with("/respond") {
            let _ = state.answered.lock().unwrap().send(nanos());
            let id = path.rsplit('/').nth(1).unwrap();
            let answer = json!({"run_id": "r", "call_id": id, "spec": {"fn": "Bash", "kwargs": {}},
                "status": {"approved": true}});
            output.write_all(&http(&answer.to_string())).unwrap();
        } else if path.contains("function_calls/pending") {
            let offset = path.rsplit("offset=").next().unwrap();
            let page = offset.parse::<usize>().unwrap() / PAGE;
            if page == 0 {
                *state.begun.lock().unwrap() = Instant::now();
            }
            output.write_all(&state.pages[page]).unwrap();
            if page + 1 == state.pages.len() {
                let look = (*state.begun.lock().unwrap(), Instant::now());
                state.looks.lock().unwrap().push(look);
            }
        } else {
            output.write_all(&state.empty).unwrap();
        }
    }
}
