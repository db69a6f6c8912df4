//! One turn: a script is played, message by message, call by call.
//!
//! Owns the order of things inside a turn: a message's blocks, then its calls one at a
//! time (question, effect, result), then the next message. A subagent's script is played
//! by the same code under its parent's id. Blocking: it waits for answers in the session.

mod calls;

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::accounts::Tokens;
use super::messages::{self, Parent};
use super::script::{self, Directive};
use super::session::{Interrupted, Prompt, Session};
use super::{speech::Speech, task};

/// How often a waiting script looks for its file.
const LOOK: Duration = Duration::from_millis(5);

/// What is said when a script says nothing.
const HELLO: &str = "Hello from the scripted agent.";

/// Why a turn ends early.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Somebody interrupted it.
    Interrupted {
        /// In the middle of a call.
        in_tools: bool,
    },
    /// The script says so, or cannot be read.
    Error {
        /// The result's subtype.
        subtype: String,
        /// What went wrong.
        reason: String,
    },
}

impl From<Interrupted> for Stop {
    fn from(Interrupted: Interrupted) -> Self {
        Self::Interrupted { in_tools: false }
    }
}

/// A tool call that was announced and has no result yet.
#[derive(Debug)]
struct Announced {
    id: String,
    name: String,
    input: Value,
    free: bool,
}

/// A turn as it goes.
#[derive(Debug)]
pub(super) struct Turn {
    session: Arc<Session>,
    interrupts: u64,
    speech: Speech,
    calls: Vec<Announced>,
    ask_all: bool,
    cancel: Option<Option<String>>,
    /// Why a call of the last message was refused.
    refused: Option<String>,
    /// Whether the script said that this is the end.
    over: bool,
    results: Vec<Value>,
    absorbed: Vec<String>,
    more: Vec<Prompt>,
    /// The last text that was said.
    pub(super) text: String,
    /// What its messages used.
    pub(super) tokens: Tokens,
    /// Calls that were made.
    pub(super) tool_uses: u64,
    /// The calls that were refused.
    pub(super) denials: Vec<Value>,
    /// The messages that were streamed.
    pub(super) streamed: Vec<String>,
    /// Lines of the user's side that the turn wrote.
    pub(super) user_lines: u64,
}

impl Turn {
    /// The session's own turn, in answer to these messages of the user.
    pub(super) fn new(session: &Arc<Session>, interrupts: u64, asked_by: Vec<String>) -> Self {
        Self::with(session, interrupts, Speech::new(session, None, asked_by))
    }

    /// A subagent's turn.
    pub(super) fn for_subagent(session: &Arc<Session>, interrupts: u64, parent: Parent) -> Self {
        let speech = Speech::new(session, Some(parent), Vec::new());
        Self::with(session, interrupts, speech)
    }

    fn with(session: &Arc<Session>, interrupts: u64, speech: Speech) -> Self {
        Self {
            session: Arc::clone(session),
            interrupts,
            speech,
            calls: Vec::new(),
            ask_all: false,
            cancel: None,
            refused: None,
            over: false,
            results: Vec::new(),
            absorbed: Vec::new(),
            more: Vec::new(),
            text: String::new(),
            tokens: Tokens::default(),
            tool_uses: 0,
            denials: Vec::new(),
            streamed: Vec::new(),
            user_lines: 0,
        }
    }

    /// The user's messages that this turn took in while it ran.
    pub(super) fn take_absorbed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.absorbed)
    }

    /// Plays a script to its end, with whatever the user adds meanwhile.
    pub(super) fn run_script(&mut self, text: &str) -> Result<(), Stop> {
        let mut played = self.play_text(text);
        while played.is_ok() && !self.more.is_empty() {
            let next = self.more.remove(0);
            played = self.play_text(&next.text);
        }
        let ended = played.and_then(|()| self.close());
        self.session.out.complete();
        if let Err(Stop::Interrupted { in_tools: false }) = &ended {
            self.note_interruption("[Request interrupted by user]");
        }
        self.tokens = self.speech.tokens;
        self.streamed.clone_from(&self.speech.streamed);
        ended
    }

    fn play_text(&mut self, text: &str) -> Result<(), Stop> {
        self.over = false;
        let script = script::parse(text).map_err(|cause| Stop::Error {
            subtype: "error_during_execution".to_owned(),
            reason: cause.to_string(),
        })?;
        self.play(&script)?;
        self.make_calls()
    }

    /// Says what is left to say after the last directive.
    fn close(&mut self) -> Result<(), Stop> {
        if !self.results.is_empty() {
            let results: Vec<String> = self.results.iter().map(ToString::to_string).collect();
            let said: String = results.join("; ").chars().take(300).collect();
            self.say(&format!("Tool said: {said}"))?;
        } else if self.speech.is_silent() {
            self.say(HELLO)?;
        }
        self.speech.end_message("end_turn");
        Ok(())
    }

    fn play(&mut self, script: &[Directive]) -> Result<(), Stop> {
        for directive in script {
            if self.over {
                break;
            }
            self.session.check(self.interrupts)?;
            if !matches!(directive, Directive::Call(_)) {
                self.make_calls()?;
            }
            // A half line stays half while time passes, so that a test can act meanwhile.
            if !matches!(
                directive,
                Directive::Wait(_) | Directive::WaitFile(_) | Directive::Touch(_)
            ) {
                self.session.out.complete();
            }
            self.step(directive)?;
        }
        Ok(())
    }

    fn step(&mut self, directive: &Directive) -> Result<(), Stop> {
        let session = Arc::clone(&self.session);
        match directive {
            Directive::Text(text) => self.say(text)?,
            Directive::Pace(milliseconds) => {
                self.speech.pace = Some((Duration::from_millis(*milliseconds), self.interrupts));
            }
            Directive::Refused(words) => {
                if let Some(reason) = self.refused.take() {
                    self.say(&words.replace("{reason}", &reason))?;
                    self.over = true;
                }
            }
            Directive::Think(text) => self.speech.think(text),
            Directive::Call(call) => self.announce(call),
            Directive::AskAll => self.ask_all = true,
            Directive::Cancel(path) => self.cancel = Some(path.clone()),
            Directive::Malformed(text) => session.out.raw(text),
            Directive::Unknown(value) => session.out.line(value),
            Directive::Flood { lines, bytes } => {
                let text = "x".repeat(*bytes);
                for number in 0..*lines {
                    if number % 256 == 0 {
                        session.check(self.interrupts)?;
                    }
                    self.speech.plain_text(&text);
                }
                self.said(&text);
            }
            Directive::Long(bytes) => {
                let text = "x".repeat(*bytes);
                self.speech.plain_text(&text);
                self.said(&text);
            }
            Directive::Half(text) => {
                self.speech.half_text(text);
                self.said(text);
            }
            Directive::Wait(milliseconds) => {
                session.pause(Duration::from_millis(*milliseconds), self.interrupts)?;
            }
            Directive::WaitFile(path) => self.wait_for_file(path)?,
            Directive::Touch(path) => {
                let file = std::path::Path::new(&session.cwd).join(path);
                std::fs::write(&file, b"").map_err(|cause| Stop::Error {
                    subtype: "error_during_execution".to_owned(),
                    reason: format!("cannot touch {}: {cause}", file.display()),
                })?;
            }
            Directive::Retry(status) => session.out.line(&messages::system(
                &session.id,
                "api_retry",
                json!({
                    "attempt": 1, "max_retries": 10, "retry_delay_ms": 519,
                    "error_status": status,
                    "error": if *status == 529 { "overloaded" } else { "server_error" },
                }),
            )),
            Directive::Stderr(text) => super::output::complain(text),
            Directive::Crash => std::process::abort(),
            Directive::KillSelf => {
                let me = rustix::process::getpid();
                if let Err(cause) = rustix::process::kill_process(me, rustix::process::Signal::KILL)
                {
                    super::output::complain(&format!("cannot kill myself: {cause}"));
                }
            }
            Directive::Exit(code) => session.out.exit(*code),
            Directive::ResultError(subtype) => {
                return Err(Stop::Error {
                    subtype: subtype.clone(),
                    reason: "scripted error".to_owned(),
                });
            }
            Directive::Usage(usage) => session.state().tokens = Tokens::from_json(usage),
            Directive::Loop { times, body } => {
                for _ in 0..*times {
                    self.play(body)?;
                    self.make_calls()?;
                }
            }
        }
        Ok(())
    }

    fn say(&mut self, text: &str) -> Result<(), Stop> {
        self.session.check(self.interrupts)?;
        self.speech.text(text);
        self.said(text);
        Ok(())
    }

    fn said(&mut self, text: &str) {
        text.clone_into(&mut self.text);
        self.results.clear();
    }

    fn announce(&mut self, call: &script::Call) {
        let id = format!("toolu_{}", messages::short_id(24));
        self.speech.tool_use(&id, &call.name, &call.input);
        if let Some(parent) = self.speech.parent() {
            task::write_progress(&self.session, parent, &call.name, &call.input);
        }
        self.tool_uses += 1;
        self.calls.push(Announced {
            id,
            name: call.name.clone(),
            input: call.input.clone(),
            free: call.free,
        });
    }

    fn wait_for_file(&self, path: &str) -> Result<(), Stop> {
        let file = std::path::Path::new(&self.session.cwd).join(path);
        while !file.exists() {
            self.session.pause(LOOK, self.interrupts)?;
        }
        Ok(())
    }

    fn note_interruption(&mut self, text: &str) {
        self.speech.end_message("tool_use");
        self.speech
            .user_line(json!([{ "type": "text", "text": text }]), json!({}));
        self.user_lines += 1;
    }

    /// Takes in what the user has sent since: between two messages, as Claude Code does.
    fn absorb(&mut self) {
        if self.speech.parent().is_some() {
            return;
        }
        for prompt in self.session.waiting_prompts() {
            self.session.write_prompt_started(&prompt);
            self.absorbed.extend(prompt.uuid.clone());
            self.more.push(prompt);
        }
    }
}

/// Milliseconds since then.
pub(super) fn milliseconds_since(then: Instant) -> u64 {
    u64::try_from(then.elapsed().as_millis()).unwrap_or(u64::MAX)
}
