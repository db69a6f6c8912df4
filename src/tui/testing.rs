//! For tests: a dashboard without a terminal, keys by name, and the screen as text.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEvent, MouseEventKind};
use jiff::Timestamp;
use ratatui::Terminal;
use ratatui::backend::TestBackend;
use serde_json::{Value, json};
use uuid::Uuid;

use super::effect::Effect;
use super::ground::Ground;
use super::keymap::Keymap;
use super::msg::{Link, Msg};
use super::state::{App, ConnectionProblem, LastFrame, Moment, Preferences};
use super::theme::Theme;
use super::update::update;
use super::view;

/// How long a person looks at each frame before they press a key: longer than the decision guard.
pub const LOOK: Duration = Duration::from_millis(500);

/// A dashboard that is connected to a daemon of the tests' own making. Its clock stands still unless
/// a person presses a key (see [`TuiHarness::press`]) or a test lets time pass ([`TuiHarness::wait`]).
pub struct TuiHarness {
    pub app: App,
    elapsed: Duration,
    ids: u128,
    terminal: Terminal<TestBackend>,
}

/// When everything in these tests happens.
pub fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

/// A session's record; `changes` replace its fields.
pub fn session(id: &str, changes: Value) -> Value {
    with(
        json!({
            "id": id, "run_id": format!("run-{id}"), "status": "running", "query": "do it",
            "summary": format!("the work of {id}"), "title": "", "working_dir": "/home/me/src/api",
            "model": "claude-opus-5-5", "created_at": "2026-03-01T11:00:00Z",
            "last_activity_at": "2026-03-01T11:59:30Z", "auto_accept_edits": false,
            "dangerously_skip_permissions": false, "archived": false, "live": true,
            "pending_approvals": 0, "approvals": true, "cost_usd": 0.42,
            "effective_context_tokens": 60_000, "context_limit": 200_000,
        }),
        changes,
    )
}

/// A pending permission to run a command; `changes` replace its fields.
pub fn approval(id: &str, session: &str, changes: Value) -> Value {
    with(
        json!({
            "id": id, "run_id": format!("run-{session}"), "session_id": session,
            "tool_use_id": format!("toolu-{id}"), "status": "pending", "outcome": "pending",
            "created_at": "2026-03-01T11:59:00Z", "tool_name": "Bash",
            "tool_input": {"command": "cargo test --workspace", "description": "Run the tests"},
            "kind": "permission", "source": "claude",
        }),
        changes,
    )
}

fn with(mut value: Value, changes: Value) -> Value {
    if let (Some(fields), Value::Object(changes)) = (value.as_object_mut(), changes) {
        fields.extend(changes);
    }
    value
}

impl TuiHarness {
    /// Connected, with these sessions and pending approvals, drawn once.
    pub fn new(size: (u16, u16), sessions: &[Value], approvals: &[Value]) -> Self {
        let mut tui = Self::unconnected(size);
        tui.connect(sessions, approvals);
        tui.tell(Msg::Link(Link::Complete));
        tui.draw();
        tui
    }

    /// Not connected yet.
    pub fn unconnected(size: (u16, u16)) -> Self {
        let mut app = App::new(
            now(),
            Theme::dark(),
            Keymap::default(),
            Preferences::default(),
        );
        app.directory = "/home/me/src/api".to_owned();
        app.home = Some("/home/me".to_owned());
        app.set_ground(Ground::DARK);
        Self {
            app,
            elapsed: Duration::ZERO,
            ids: 0,
            terminal: Terminal::new(TestBackend::new(size.0, size.1)).unwrap(),
        }
    }

    /// Gives the screen another size, without drawing.
    pub fn resize(&mut self, size: (u16, u16)) {
        self.terminal.backend_mut().resize(size.0, size.1);
        let _ = self.tell(Msg::Resize);
    }

    /// The connection is lost.
    pub fn lose(&mut self, problem: ConnectionProblem, why: &str) -> Vec<Effect> {
        self.tell(Msg::Link(Link::Lost {
            why: why.to_owned(),
            problem,
        }))
    }

    /// Takes a message in so many seconds later, without drawing.
    pub fn later(&mut self, seconds: i64, msg: Msg) -> Vec<Effect> {
        let at = Moment {
            wall: now() + jiff::SignedDuration::from_secs(seconds),
            elapsed: self.elapsed + Duration::from_secs(seconds.unsigned_abs()),
            pressed: self.elapsed + Duration::from_secs(seconds.unsigned_abs()),
            fresh_id: self.fresh_id(),
        };
        self.take(msg, at)
    }

    /// Takes a message in, and sees to it that nothing is sent while there is nobody to send it to.
    fn take(&mut self, msg: Msg, at: Moment) -> Vec<Effect> {
        let effects = update(&mut self.app, msg, at);
        let lost: Vec<&Effect> = effects
            .iter()
            .filter(|effect| effect.needs_daemon() && !self.app.is_connected())
            .collect();
        assert!(lost.is_empty(), "{lost:?}");
        effects
    }

    /// Another one with each message, the same ones in each run.
    fn fresh_id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(self.ids)
    }

    /// What the daemon tells on a new connection.
    pub fn connect(&mut self, sessions: &[Value], approvals: &[Value]) -> Vec<Effect> {
        let health = json!({"status": "ok", "version": env!("CARGO_PKG_VERSION"),
            "protocol": crate::protocol::PROTOCOL_VERSION});
        let overview = json!({"seq": 1, "sessions": sessions, "counts": {}, "archived": 0,
            "pending_approvals": approvals, "pending_total": approvals.len(), "cost_last_day_usd": 0.0});
        self.tell(Msg::Link(Link::Up {
            health: serde_json::from_value(health).unwrap(),
            overview: serde_json::from_value(overview).unwrap(),
        }))
    }

    /// Takes a message in, without drawing.
    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let at = Moment {
            wall: now(),
            elapsed: self.elapsed,
            pressed: self.elapsed,
            fresh_id: self.fresh_id(),
        };
        self.take(msg, at)
    }

    /// Where the terminal's own cursor is; none while it is hidden.
    pub fn cursor(&mut self) -> Option<(u16, u16)> {
        self.draw();
        let backend = self.terminal.backend();
        let at = backend.cursor_position();
        backend.cursor_visible().then_some((at.x, at.y))
    }

    /// Lets time pass, without anything happening or being drawn.
    pub fn wait(&mut self, time: Duration) {
        self.elapsed += time;
    }

    /// An event that concerns the lists.
    pub fn event(&mut self, kind: &str, data: Value) -> Vec<Effect> {
        let event = json!({"seq": 2, "type": kind, "timestamp": now(), "data": data});
        self.tell(Msg::Link(Link::Event(
            serde_json::from_value(event).unwrap(),
        )))
    }

    /// An event about an approval.
    pub fn approval_event(&mut self, kind: &str, approval: &Value) -> Vec<Effect> {
        let data = json!({"session_id": approval["session_id"], "approval_id": approval["id"],
            "approval": approval});
        self.event(kind, data)
    }

    /// Presses a key, by its name in the configuration, after a look at what was drawn last; without
    /// drawing.
    pub fn press(&mut self, name: &str) -> Vec<Effect> {
        self.wait(LOOK);
        self.tap(name)
    }

    /// Presses a key at once, without time passing and without drawing.
    pub fn tap(&mut self, name: &str) -> Vec<Effect> {
        self.tell(Msg::Key(key(name)))
    }

    /// A key that waited in the terminal for so long before it was read.
    pub fn tap_late(&mut self, name: &str, by: Duration) -> Vec<Effect> {
        let at = Moment {
            wall: now(),
            elapsed: self.elapsed,
            pressed: self.elapsed.saturating_sub(by),
            fresh_id: self.fresh_id(),
        };
        self.take(Msg::Key(key(name)), at)
    }

    /// Turns the mouse's wheel at a place on the screen.
    pub fn wheel(&mut self, column: u16, row: u16, down: bool) -> Vec<Effect> {
        let kind = match down {
            true => MouseEventKind::ScrollDown,
            false => MouseEventKind::ScrollUp,
        };
        self.tell(Msg::Mouse(MouseEvent {
            kind,
            column,
            row,
            modifiers: KeyModifiers::NONE,
        }))
    }

    /// A key that is held down, on a terminal that reports it.
    pub fn repeat(&mut self, name: &str) -> Vec<Effect> {
        let mut event = key(name);
        event.kind = KeyEventKind::Repeat;
        self.tell(Msg::Key(event))
    }

    /// Presses keys one after the other, drawing after each, as a person would.
    pub fn keys(&mut self, names: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in names.split_whitespace() {
            effects.extend(self.press(name));
            self.draw();
        }
        effects
    }

    /// Types a text, character by character.
    pub fn type_in(&mut self, text: &str) {
        for c in text.chars() {
            let key = KeyEvent::new(KeyCode::Char(c), KeyModifiers::NONE);
            let _ = self.tell(Msg::Key(key));
        }
        self.draw();
    }

    /// The approval that the panel shows.
    pub fn shown_approval(&self) -> Option<&str> {
        self.app.selected_approval().map(|shown| shown.id.as_str())
    }

    /// Draws.
    pub fn draw(&mut self) {
        let app = &mut self.app;
        let mut shown = LastFrame::default();
        self.terminal
            .draw(|frame| shown = view::draw(app, frame))
            .unwrap();
        app.frame_shown(shown, self.elapsed);
    }

    /// Draws and returns the screen's text.
    pub fn screen(&mut self) -> String {
        self.draw();
        let buffer = self.terminal.backend().buffer();
        let width = usize::from(buffer.area.width);
        buffer
            .content()
            .chunks(width)
            .map(|row| {
                let line: String = row.iter().map(|cell| cell.symbol()).collect();
                format!("{}\n", line.trim_end())
            })
            .collect()
    }

    /// The buffer of the last frame, for its colours.
    #[allow(dead_code, reason = "the panes' own tests look at colours")]
    pub fn buffer(&self) -> &ratatui::buffer::Buffer {
        self.terminal.backend().buffer()
    }
}

/// A key press, by its name in the configuration.
fn key(name: &str) -> KeyEvent {
    let (modifiers, name) = match name.split_once('-') {
        Some(("ctrl", rest)) => (KeyModifiers::CONTROL, rest),
        Some(("alt", rest)) => (KeyModifiers::ALT, rest),
        _ => (KeyModifiers::NONE, name),
    };
    let code = match name {
        "enter" => KeyCode::Enter,
        "esc" => KeyCode::Esc,
        "tab" => KeyCode::Tab,
        "shift-tab" => KeyCode::BackTab,
        "space" => KeyCode::Char(' '),
        "up" => KeyCode::Up,
        "down" => KeyCode::Down,
        "left" => KeyCode::Left,
        "right" => KeyCode::Right,
        "pageup" => KeyCode::PageUp,
        "pagedown" => KeyCode::PageDown,
        "home" => KeyCode::Home,
        "end" => KeyCode::End,
        "backspace" => KeyCode::Backspace,
        "delete" => KeyCode::Delete,
        one if one.chars().count() == 1 => KeyCode::Char(one.chars().next().unwrap()),
        other => panic!("no key is called {other}"),
    };
    KeyEvent::new(code, modifiers)
}
