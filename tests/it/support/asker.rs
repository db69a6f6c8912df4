//! A program that asks, in a process of its own: who asks decides nothing, and the tests decide.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

/// The program, below a shell that stands for who started it.
pub struct Asker {
    child: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Asker {
    pub fn start(socket: &Path) -> Self {
        let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/support/asker.py");
        let mut child = Command::new("sh")
            .args(["-c", "python3 \"$0\" \"$1\"; exit $?", program])
            .arg(socket)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        Self {
            requests: child.stdin.take().unwrap(),
            answers: BufReader::new(child.stdout.take().unwrap()),
            child,
        }
    }

    /// The process that asks.
    pub fn program(&self) -> u32 {
        let below = humanlayer::platform::descendants(self.child.id());
        *below.first().expect("it runs")
    }

    /// Whether only a program that asks makes a call.
    pub fn makes(method: &str, params: &Value) -> bool {
        matches!(method, "createApproval" | "createContact") || params["receive"] == true
    }

    /// A call; gives the whole answer.
    pub fn ask(&mut self, method: &str, params: &Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        writeln!(self.requests, "{request}").unwrap();
        let mut line = String::new();
        self.answers.read_line(&mut line).unwrap();
        serde_json::from_str(&line).unwrap_or_else(|cause| panic!("{cause}: {line:?}"))
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        // Its child, the program, reads to the end of the input that goes with this.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
