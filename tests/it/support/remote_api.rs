//! A stand-in for the remote HumanLayer API: keeps requests, pages them, takes one answer each
//! (409 for a second), and misbehaves as it is told to.
//!
//! Speaks HTTP/1.1 over plain sockets, because it must also be able to cut a connection in the
//! middle of an answer, or to fall silent.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;

use serde_json::{Value, json};

/// The key that it takes.
pub const KEY: &str = "hl-test-key-that-nobody-must-see";

/// How it misbehaves, once.
#[derive(Clone, Debug)]
pub enum Fault {
    /// This status, headers and body instead of an answer; nothing is done.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// The connection is cut before anything is done.
    CutBefore,
    /// What was asked is done, and the connection cut before the answer.
    CutAfter,
    /// What was asked is done; half of the answer comes, then the connection is cut.
    CutWithin,
    /// What was asked is done; half of the answer comes, then nothing.
    Silence,
    /// What was asked is done, and it is answered with status 200.
    Nonsense(String),
}

/// A call that came.
#[derive(Clone, Debug)]
pub struct Call {
    pub method: String,
    /// With its query.
    pub path: String,
    pub body: Value,
}

#[derive(Default)]
struct State {
    calls: Vec<Call>,
    /// In the order in which they were made.
    requests: Vec<Value>,
    faults: VecDeque<(String, Fault)>,
    /// Every answer that was taken, in order: name and body.
    answers: Vec<(String, Value)>,
    key: String,
    page: usize,
    /// Requests that vanish when the page that begins there has been given.
    vanish_after_page: Option<(usize, String)>,
}

/// The API. Ends with the test's process; a request to it after that is a fault of the test.
pub struct RemoteApi {
    state: Arc<Mutex<State>>,
    address: std::net::SocketAddr,
}

impl RemoteApi {
    pub fn start() -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State {
            key: KEY.to_owned(),
            page: 100,
            ..State::default()
        }));
        let shared = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                thread::spawn(move || serve(&stream, &state));
            }
        });
        Self { state, address }
    }

    /// Where it is.
    pub fn base(&self) -> String {
        format!("http://{}/humanlayer/v1", self.address)
    }

    /// What a daemon needs to work with it, polling fast.
    pub fn environment(&self) -> Vec<(&'static str, String)> {
        vec![
            ("HUMANLAYER_API_KEY", KEY.to_owned()),
            ("HUMANLAYER_API_BASE", self.base()),
            ("HUMANLAYER_API_POLL_SECONDS", "0.05".to_owned()),
        ]
    }

    /// A program asks for a function call.
    pub fn function_call(&self, run_id: &str, call_id: &str, name: &str, kwargs: Value) {
        self.add(json!({"run_id": run_id, "call_id": call_id,
            "spec": {"fn": name, "kwargs": kwargs, "reject_options": null, "state": null, "channel": null},
            "status": {"requested_at": "2025-01-02T03:04:05.678901", "approved": null, "comment": null}}));
    }

    /// A program asks a person something.
    pub fn contact(&self, run_id: &str, call_id: &str, msg: &str) {
        self.add(
            json!({"run_id": run_id, "call_id": call_id, "spec": {"msg": msg}, "status": null}),
        );
    }

    /// A request as it is.
    pub fn add(&self, request: Value) {
        self.lock().requests.push(request);
    }

    /// The request with this name is gone.
    pub fn remove(&self, call_id: &str) {
        self.lock().requests.retain(|it| it["call_id"] != call_id);
    }

    /// Somebody else settles it.
    pub fn settle(&self, call_id: &str, status: Value) {
        let mut state = self.lock();
        let found = state
            .requests
            .iter_mut()
            .find(|it| it["call_id"] == call_id);
        found.unwrap()["status"] = status;
    }

    /// The next call whose `METHOD path` contains this goes wrong.
    pub fn fail(&self, call: &str, fault: Fault) {
        self.lock().faults.push_back((call.to_owned(), fault));
    }

    /// Nothing more goes wrong.
    pub fn mend(&self) {
        self.lock().faults.clear();
    }

    /// How many faults have not been met.
    pub fn faults_left(&self) -> usize {
        self.lock().faults.len()
    }

    /// Takes another key from now on.
    pub fn change_key(&self, key: &str) {
        key.clone_into(&mut self.lock().key);
    }

    /// Gives at most so many requests in a page.
    pub fn page(&self, most: usize) {
        self.lock().page = most;
    }

    /// Takes a request away just after the page that begins there was given.
    pub fn vanish_after_page(&self, offset: usize, call_id: &str) {
        self.lock().vanish_after_page = Some((offset, call_id.to_owned()));
    }

    /// Every answer that it took for a request.
    pub fn answers(&self, call_id: &str) -> Vec<Value> {
        let state = self.lock();
        let of_it = state.answers.iter().filter(|(id, _)| id == call_id);
        of_it.map(|(_, body)| body.clone()).collect()
    }

    /// How many calls came whose `METHOD path` contains this.
    pub fn count(&self, call: &str) -> usize {
        let state = self.lock();
        let named = |it: &&Call| format!("{} {}", it.method, it.path).contains(call);
        state.calls.iter().filter(named).count()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

/// Serves one connection until it closes, or a fault closes it.
fn serve(stream: &TcpStream, state: &Mutex<State>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some((call, key)) = read(&mut reader) {
        let (fault, reply) = {
            let mut state = state.lock().unwrap();
            state.calls.push(call.clone());
            let line = format!("{} {}", call.method, call.path);
            let fault = state
                .faults
                .iter()
                .position(|(part, _)| line.contains(part.as_str()))
                .and_then(|index| state.faults.remove(index))
                .map(|(_, fault)| fault);
            let done = match &fault {
                Some(Fault::Answer(..) | Fault::CutBefore) => None,
                Some(Fault::CutAfter | Fault::CutWithin | Fault::Silence | Fault::Nonsense(_))
                | None => Some(perform(&mut state, &call, &key)),
            };
            (fault, done)
        };
        let whole = reply.map(|(status, body)| http(status, &[], &body.to_string()));
        let (bytes, then) = match fault {
            None => (whole.unwrap_or_default(), Then::GoOn),
            Some(Fault::Answer(status, headers, body)) => {
                (http(status, &headers, &body), Then::GoOn)
            }
            Some(Fault::Nonsense(body)) => (http(200, &[], &body), Then::GoOn),
            Some(Fault::CutBefore | Fault::CutAfter) => (Vec::new(), Then::Cut),
            Some(Fault::CutWithin) => (half(whole.unwrap_or_default()), Then::Cut),
            Some(Fault::Silence) => (half(whole.unwrap_or_default()), Then::Wait),
        };
        let mut stream = stream;
        if stream.write_all(&bytes).is_err() {
            return;
        }
        match then {
            Then::GoOn => {}
            Then::Cut => {
                let _ = stream.shutdown(Shutdown::Both);
                return;
            }
            Then::Wait => {
                // Until the other side has had enough.
                let _ = reader.read(&mut [0]);
                return;
            }
        }
    }
}

enum Then {
    GoOn,
    Cut,
    Wait,
}

fn half(mut bytes: Vec<u8>) -> Vec<u8> {
    let headers = bytes.windows(4).position(|part| part == b"\r\n\r\n");
    let headers = headers.map_or(0, |at| at + 4);
    bytes.truncate(headers + (bytes.len() - headers) / 2);
    bytes
}

fn http(status: u16, headers: &[(&'static str, String)], body: &str) -> Vec<u8> {
    let mut text = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    format!("{text}\r\n{body}").into_bytes()
}

/// The next call of a connection, and the key that came with it.
fn read(reader: &mut BufReader<TcpStream>) -> Option<(Call, String)> {
    let mut line = String::new();
    if reader.read_line(&mut line).ok()? == 0 {
        return None;
    }
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let (mut length, mut key) = (0, String::new());
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ")?;
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.parse().ok()?,
            "authorization" => key = value.trim_start_matches("Bearer ").to_owned(),
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or_default();
    Some((Call { method, path, body }, key))
}

fn perform(state: &mut State, call: &Call, key: &str) -> (u16, Value) {
    if key != state.key {
        return (401, json!({"detail": format!("no such key: {key}")}));
    }
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let path = path.trim_start_matches("/humanlayer/v1/");
    let parts: Vec<String> = path.split('/').map(decoded).collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    match (call.method.as_str(), parts.as_slice()) {
        ("GET", ["project"]) => (200, json!({"name": "Test project", "slug": "test", "x": 1})),
        ("GET", ["agent", kind, "pending"]) => list(state, kind, query),
        ("GET", ["function_calls" | "contact_requests", id]) => {
            match state.requests.iter().find(|it| it["call_id"] == *id) {
                Some(request) => (200, request.clone()),
                None => (404, json!({"detail": "no such request"})),
            }
        }
        ("POST", ["agent", _, id, "respond"]) => respond(state, id, &call.body),
        _ => (404, json!({"detail": "no such address"})),
    }
}

fn is_settled(request: &Value) -> bool {
    !request["status"]["approved"].is_null() || !request["status"]["response"].is_null()
}

fn list(state: &mut State, kind: &str, query: &str) -> (u16, Value) {
    let number = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut of_it = pairs.filter(|(key, _)| *key == name);
        of_it.next().map_or(0, |(_, value)| value.parse().unwrap())
    };
    let offset: usize = number("offset");
    let limit = state.page.min(number("limit"));
    let contacts = kind == "human_contacts";
    let pending: Vec<&Value> = state
        .requests
        .iter()
        .filter(|it| it["spec"]["msg"].is_null() != contacts && !is_settled(it))
        .collect();
    let items: Vec<&Value> = pending.iter().skip(offset).take(limit).copied().collect();
    let page = json!({"items": items, "total": pending.len(), "limit": limit, "offset": offset,
        "has_more": offset + items.len() < pending.len()});
    if let Some((_, id)) = state
        .vanish_after_page
        .take_if(|(at, _)| *at == offset && !contacts)
    {
        state.requests.retain(|it| it["call_id"] != *id);
    }
    (200, page)
}

fn respond(state: &mut State, id: &str, body: &Value) -> (u16, Value) {
    let Some(request) = state.requests.iter_mut().find(|it| it["call_id"] == id) else {
        return (404, json!({"detail": "no such request"}));
    };
    if is_settled(request) {
        return (409, json!({"detail": "already answered"}));
    }
    if body["approved"].is_null() && body["response"].is_null() {
        return (
            422,
            json!({"detail": [{"loc": ["body"], "msg": "no answer"}]}),
        );
    }
    request["status"] = body.clone();
    let request = request.clone();
    state.answers.push((id.to_owned(), body.clone()));
    (200, request)
}

fn decoded(part: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = part.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next().unwrap(), rest.next().unwrap()];
            let digits = std::str::from_utf8(&digits).unwrap();
            bytes.push(u8::from_str_radix(digits, 16).unwrap());
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).unwrap()
}
