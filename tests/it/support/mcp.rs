//! An MCP client: JSON-RPC lines over the standard streams of a server of ours.

use std::process::{Command, ExitStatus};

use serde_json::{Value, json};

use super::agent_process::AgentProcess;
use super::daemon::wait_until;

/// A server and what it is asked.
pub struct Mcp {
    /// A program that stands for the agent; the server is below it.
    process: AgentProcess,
    calls: u64,
}

impl Mcp {
    /// Starts a server of ours and greets it.
    pub fn start(command: Command) -> Self {
        let (mcp, info) = Self::greet(command);
        assert_eq!(info["name"], "humanlayer");
        assert_eq!(info["version"], env!("CARGO_PKG_VERSION"));
        mcp
    }

    /// Starts any server and greets it; gives what it calls itself, too.
    pub fn greet(mut command: Command) -> (Self, Value) {
        // Its standard error is read at its end only.
        command.env("HUMANLAYER_LOG_LEVEL", "warn");
        let mut mcp = Self {
            process: AgentProcess::start(below_another(&command)),
            calls: 0,
        };
        let id = mcp.request(
            "initialize",
            json!({"protocolVersion": "2025-06-18", "capabilities": {},
                "clientInfo": {"name": "tester", "version": "1"}}),
        );
        let greeting = mcp.answer(id)["result"].clone();
        mcp.notify("notifications/initialized", json!({}));
        (mcp, greeting["serverInfo"].clone())
    }

    /// Starts a server of ours without a greeting, as clients of the protocol's newest version do.
    pub fn ungreeted(mut command: Command) -> Self {
        command.env("HUMANLAYER_LOG_LEVEL", "warn");
        Self {
            process: AgentProcess::start(below_another(&command)),
            calls: 0,
        }
    }

    /// Calls a tool with all that a client must say of itself where nobody is greeted.
    pub fn call_ungreeted(&mut self, tool: &str, arguments: Value) -> u64 {
        let token = self.calls + 1;
        let meta = json!({
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": {"name": "modern", "version": "1"},
            "io.modelcontextprotocol/clientCapabilities": {},
            "progressToken": token,
        });
        let params = json!({"name": tool, "arguments": arguments, "_meta": meta});
        self.request("tools/call", params)
    }

    /// Sends a request; gives its id.
    pub fn request(&mut self, method: &str, params: Value) -> u64 {
        self.calls += 1;
        let id = self.calls;
        self.process
            .send(&json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params}));
        id
    }

    pub fn notify(&mut self, method: &str, params: Value) {
        self.process
            .send(&json!({"jsonrpc": "2.0", "method": method, "params": params}));
    }

    /// Calls a tool with a progress token, which is the call's id.
    pub fn call(&mut self, tool: &str, arguments: Value) -> u64 {
        let token = self.calls + 1;
        let params =
            json!({"name": tool, "arguments": arguments, "_meta": {"progressToken": token}});
        self.request("tools/call", params)
    }

    /// Asks whether a command may run.
    pub fn may_run(&mut self, command: &str, tool_use_id: &str) -> u64 {
        self.call("request_permission", bash(command, tool_use_id))
    }

    /// Asks whether a tool may run with an input that is given as text.
    pub fn may_run_with(&mut self, tool: &str, input: &str, tool_use_id: &str) -> u64 {
        self.calls += 1;
        let params = json!({"name": "request_permission",
            "arguments": {"tool_name": tool, "input": "INPUT", "tool_use_id": tool_use_id}});
        let request =
            json!({"jsonrpc": "2.0", "id": self.calls, "method": "tools/call", "params": params});
        self.send_raw(&request.to_string().replace(r#""INPUT""#, input));
        self.calls
    }

    /// Sends a line as it is.
    pub fn send_raw(&mut self, line: &str) {
        self.process.send_raw(line);
    }

    /// The whole answer to a request.
    pub fn answer(&mut self, id: u64) -> Value {
        let said = |line: &Value| line["id"] == id && line.get("method").is_none();
        if let Some(said) = self.process.values().into_iter().find(|line| said(line)) {
            return said;
        }
        self.process.until("an answer", said)
    }

    /// The text blocks of a tool's answer.
    pub fn texts(&mut self, id: u64) -> Vec<String> {
        let answer = self.answer(id);
        let blocks = answer["result"]["content"].as_array();
        blocks
            .unwrap_or_else(|| panic!("{answer}"))
            .iter()
            .map(|block| block["text"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What a permission prompt answered, in its one text block.
    pub fn permission(&mut self, id: u64) -> Value {
        let texts = self.texts(id);
        assert_eq!(texts.len(), 1, "{texts:?}");
        serde_json::from_str(&texts[0]).unwrap()
    }

    /// The client does not want a call any more.
    pub fn cancel(&mut self, id: u64) {
        self.notify("notifications/cancelled", json!({"requestId": id}));
    }

    /// Reads until something fits.
    pub fn until(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        self.process.until(what, fits)
    }

    /// The client closes the server's input, as it does when it dies.
    pub fn leave(&mut self) {
        self.process.close_stdin();
    }

    /// The process that started the server.
    pub fn agent(&self) -> u32 {
        self.process.id()
    }

    /// The server's process.
    pub fn id(&self) -> u32 {
        let above = self.process.id();
        wait_until("the server runs", || {
            humanlayer::platform::descendants(above).first().copied()
        })
    }

    /// Waits for the server's end; fails when it wrote anything but MCP.
    pub fn wait(mut self) -> ExitStatus {
        let (status, _) = self.process.wait();
        for line in &self.process.seen {
            let message: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
            assert_eq!(message["jsonrpc"], "2.0", "{line}");
        }
        status
    }

    /// How many signs of life were read so far.
    pub fn signs(&self) -> f64 {
        let signs = self.said();
        let counts = signs
            .iter()
            .filter_map(|sign| sign["params"]["progress"].as_f64());
        counts.fold(0.0, f64::max)
    }

    /// Everything that it said so far.
    pub fn said(&self) -> Vec<Value> {
        self.process.values()
    }
}

/// The same command, started by another program: who starts a server that asks decides nothing.
fn below_another(command: &Command) -> Command {
    let mut other = Command::new("timeout");
    other
        .arg("3600")
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => other.env(name, value),
            None => other.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        other.current_dir(directory);
    }
    other
}

/// Arguments of `request_permission` for a command.
pub fn bash(command: &str, tool_use_id: &str) -> Value {
    json!({"tool_name": "Bash", "input": {"command": command}, "tool_use_id": tool_use_id})
}
