//! A client that wants every stored event once, however often the daemon dies under it.
//!
//! It subscribes from the last event that it saw, and notes what comes. It fails at once when an
//! event comes twice or out of order.

use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::daemon::wait_until;

/// How often a silent connection looks whether the test is over.
const GLANCE: Duration = Duration::from_millis(20);

pub struct EventRecorder {
    seen: Arc<Mutex<Vec<Value>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl EventRecorder {
    pub fn start(socket: &Path) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let (path, events, over) = (socket.to_owned(), Arc::clone(&seen), Arc::clone(&stop));
        let thread = std::thread::spawn(move || watch(&path, &events, &over));
        Self {
            seen,
            stop,
            thread: Some(thread),
        }
    }

    /// Waits until it has seen everything up to `seq`; gives all that it saw.
    pub fn until(&mut self, seq: i64) -> Vec<Value> {
        wait_until("the recorder has seen every event", || {
            if self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
                self.thread.take().unwrap().join().unwrap();
                panic!("the recorder stopped watching");
            }
            let seen = self.seen.lock().unwrap();
            (last(&seen) >= seq).then(|| seen.clone())
        })
    }
}

impl Drop for EventRecorder {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the recorder saw what must not be");
        }
    }
}

fn last(seen: &[Value]) -> i64 {
    seen.last()
        .map_or(0, |event| event["seq"].as_i64().unwrap())
}

fn watch(socket: &PathBuf, seen: &Mutex<Vec<Value>>, stop: &AtomicBool) {
    while !stop.load(Ordering::SeqCst) {
        match UnixStream::connect(socket) {
            Ok(stream) => listen(stream, seen, stop),
            Err(_) => std::thread::sleep(Duration::from_millis(2)),
        }
    }
}

/// Takes down events until the connection breaks.
fn listen(mut stream: UnixStream, seen: &Mutex<Vec<Value>>, stop: &AtomicBool) {
    stream.set_read_timeout(Some(GLANCE)).unwrap();
    let since = last(&seen.lock().unwrap());
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscribeEvents", "params": {"since": since}});
    if stream.write_all(format!("{request}\n").as_bytes()).is_err() {
        return;
    }
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return,
            // Cut off by the daemon's death.
            Ok(_) if !line.ends_with(b"\n") => return,
            Ok(_) => {
                let message: Value = serde_json::from_slice(&line).unwrap();
                line.clear();
                take(&message, seen);
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            Err(_) => return,
        }
    }
}

fn take(message: &Value, seen: &Mutex<Vec<Value>>) {
    if message["method"] != "event" {
        // The answer to the subscription, or a daemon that is going down.
        return;
    }
    let event = &message["params"]["result"];
    let mut seen = seen.lock().unwrap();
    let seq = event["seq"].as_i64().unwrap();
    assert_ne!(event["type"], "resync", "told to start over: {event}");
    assert!(seq > last(&seen), "event {seq} after {}", last(&seen));
    seen.push(event.clone());
}
