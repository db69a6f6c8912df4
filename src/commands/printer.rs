//! Single sessions, approvals and pieces of conversation, written in full.
//!
//! Owns their layout. An approval's input is never cut: a person approves
//! what is shown here. Every foreign text is made safe.

use std::io;

use serde_json::Value;

use super::output::Output;
use crate::domain::approval::Kind;
use crate::domain::danger::dangers;
use crate::domain::text::{sanitize_line, summary};
use crate::domain::{Delivery, EventType, Outcome, permission, question};
use crate::format;
use crate::protocol::approval::Approval;
use crate::protocol::conversation::ConversationEvent;
use crate::protocol::convert::content_type;
use crate::protocol::event::{EventBody, EventNotification, MessageChange};
use crate::protocol::session::SessionState;

const INDENT: &str = "    ";
/// Characters of the part of an input that is dangerous.
const DANGER_CHARS: usize = 120;
/// Lines of a tool's result that a log shows.
const RESULT_LINES: usize = 20;

/// Writes `name: value` when there is a value.
fn field(out: &mut Output, name: &str, value: Option<impl AsRef<str>>) -> io::Result<()> {
    match value {
        Some(value) if !value.as_ref().is_empty() => {
            out.line(format!("{name:<11} {}", sanitize_line(value.as_ref())))
        }
        Some(_) | None => Ok(()),
    }
}

/// Writes an approval with its whole input.
pub fn approval(out: &mut Output, approval: &Approval) -> io::Result<()> {
    let terminal = out.is_terminal();
    let tool = sanitize_line(&approval.tool_name).into_owned();
    out.line(format!(
        "{tool} ({}), {}",
        approval.kind.as_str(),
        format::outcome(approval)
    ))?;
    field(out, "approval", Some(&approval.id))?;
    field(out, "session", Some(&approval.session_id))?;
    field(out, "from", Some(approval.source.describe()))?;
    field(out, "asker", approval.asker.as_ref())?;
    field(out, "request", approval.call_id.as_ref())?;
    field(
        out,
        "asked",
        Some(format::moment(approval.created_at, terminal)),
    )?;
    field(
        out,
        "answered",
        approval.responded_at.map(|at| format::moment(at, terminal)),
    )?;
    field(out, "option", approval.chosen_option.as_ref())?;
    field(out, "comment", approval.comment.as_ref())?;
    field(out, "answer", format::delivery(approval, terminal))?;
    field(out, "subagent", approval.agent_id.as_ref())?;
    field(out, "description", approval.description.as_ref())?;
    field(out, "reason", approval.decision_reason.as_ref())?;
    field(out, "blocked", approval.blocked_path.as_ref())?;
    for danger in dangers(&approval.tool_name, format::effective_input(approval)) {
        let part = summary(&danger.part, DANGER_CHARS);
        let of = if part.is_empty() { "" } else { ": " };
        let warning = format!("{}{of}{part}", danger.sentence());
        field(out, "warning", Some(warning))?;
    }
    if format::is_edited(approval) {
        out.line("input as approved (edited)")?;
        value(out, INDENT, format::effective_input(approval))?;
        out.line("input as asked for")?;
    } else {
        out.line("input")?;
    }
    value(out, INDENT, &approval.tool_input)?;
    for (name, json) in [
        ("channel", &approval.channel),
        ("state", &approval.sdk_state),
    ] {
        if let Some(json) = json {
            out.line(name)?;
            value(out, INDENT, json)?;
        }
    }
    if let Some(answers) = &approval.answers {
        out.line("answers")?;
        value(out, INDENT, answers)?;
    }
    match &approval.updated_permissions {
        Some(updates) => {
            out.line("granted with it")?;
            for update in updates {
                out.line(format!("{INDENT}{}", permission(update)))?;
            }
        }
        None if approval.can().always => {
            out.line("what `humanlayer approve` can grant with it")?;
            for update in &approval.permission_suggestions {
                let option = match permission::grant(update) {
                    Some(grant) => grant.option(),
                    None => "(not by an option)",
                };
                out.line(format!("{INDENT}{option:<18} {}", permission(update)))?;
            }
        }
        None => {}
    }
    options(out, approval)?;
    if approval.outcome == Outcome::Pending {
        if approval.kind == Kind::Question {
            questions(out, &approval.tool_input)?;
        }
        out.line(format!("decide: {}", format::how_to_decide(approval)))?;
    }
    Ok(())
}

/// A permission update in words, with its reach.
fn permission(update: &Value) -> String {
    let words = format!(
        "{}, {}",
        permission::meaning(update),
        permission::reach(update)
    );
    sanitize_line(&words).into_owned()
}

/// Writes the options that the asker offers, by the names that `--option` takes.
fn options(out: &mut Output, approval: &Approval) -> io::Result<()> {
    if approval.options.is_empty() {
        return Ok(());
    }
    out.line(match approval.kind {
        Kind::Contact => "options",
        Kind::Permission | Kind::Question | Kind::Plan => "options of a denial",
    })?;
    for option in &approval.options {
        let parts = [&option.title, &option.description, &option.prompt_fill];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let colon = if parts.is_empty() { "" } else { ": " };
        out.line(format!(
            "{INDENT}{}{colon}{}",
            sanitize_line(&option.name),
            sanitize_line(&parts.join("; "))
        ))?;
    }
    Ok(())
}

/// Writes JSON so that texts with several lines stay readable: an object's texts as they are.
fn value(out: &mut Output, indent: &str, json: &Value) -> io::Result<()> {
    let Value::Object(fields) = json else {
        return nested(out, indent, json);
    };
    if fields.is_empty() {
        return out.line(format!("{indent}{{}}"));
    }
    for (name, inner) in fields {
        let name = sanitize_line(name);
        match inner {
            Value::String(text) if text.contains('\n') => {
                out.line(format!("{indent}{name}:"))?;
                out.block(&format!("{indent}| "), text)?;
            }
            Value::String(text) => {
                out.line(format!("{indent}{name}: {}", sanitize_line(text)))?;
            }
            Value::Object(_) | Value::Array(_) => {
                out.line(format!("{indent}{name}:"))?;
                nested(out, &format!("{indent}  "), inner)?;
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {
                out.line(format!("{indent}{name}: {inner}"))?;
            }
        }
    }
    Ok(())
}

fn nested(out: &mut Output, indent: &str, json: &Value) -> io::Result<()> {
    let text = serde_json::to_string_pretty(json).map_err(io::Error::other)?;
    out.block(indent, &super::output::safe_json(&text))
}

/// Writes the options of the questions with the numbers that `answer` takes.
fn questions(out: &mut Output, input: &Value) -> io::Result<()> {
    let questions = question::parse(input).unwrap_or_default();
    for (number, question) in questions.iter().enumerate() {
        out.line(format!(
            "question {}: {}",
            number + 1,
            sanitize_line(&question.text)
        ))?;
        for (number, option) in question.options.iter().enumerate() {
            let label = sanitize_line(&option.label);
            out.line(format!("{INDENT}{}. {label}", number + 1))?;
        }
    }
    Ok(())
}

/// A session's id and status, for whoever has done something with it.
pub fn session_line(session: &SessionState) -> String {
    format!(
        "{} {}",
        sanitize_line(&session.id),
        format::status(session.status)
    )
}

/// Writes a session.
pub fn session(out: &mut Output, session: &SessionState) -> io::Result<()> {
    let terminal = out.is_terminal();
    out.line(format!(
        "{}, {}",
        sanitize_line(&format::subject(session, 100)),
        format::status(session.status)
    ))?;
    field(out, "session", Some(&session.id))?;
    field(out, "run", Some(&session.run_id))?;
    field(out, "claude", session.claude_session_id.as_ref())?;
    field(out, "asker", session.asker.as_ref())?;
    field(
        out,
        "asker pid",
        session.asker_pid.map(|pid| pid.to_string()),
    )?;
    field(out, "continues", session.parent_session_id.as_ref())?;
    field(out, "error", session.error_message.as_ref())?;
    field(out, "waiting for", session.waiting_for.as_ref())?;
    field(out, "retrying", format::retrying(session))?;
    let directory = session.working_dir.as_deref();
    let directory = directory.map(|path| format::directory(path, terminal));
    field(out, "directory", directory)?;
    field(out, "problem", session.directory_problem.as_ref())?;
    field(out, "", format::elsewhere(session))?;
    field(out, "model", session.model.as_ref())?;
    field(out, "mode", session.permission_mode.as_ref())?;
    field(out, "isolated", session.isolated.then_some("yes"))?;
    field(
        out,
        "process",
        Some(match (session.external, session.live) {
            (true, _) => "another program's",
            (false, true) => "live",
            (false, false) => "ended",
        }),
    )?;
    field(out, "permissions", permissions(session))?;
    field(
        out,
        "started",
        Some(format::moment(session.created_at, terminal)),
    )?;
    field(
        out,
        "active",
        Some(format::moment(session.last_activity_at, terminal)),
    )?;
    field(out, "cost", Some(format::cost_in_words(session)))?;
    field(out, "context", context(session))?;
    field(
        out,
        "turns",
        session.num_turns.map(|turns| turns.to_string()),
    )?;
    field(
        out,
        "background",
        (session.background_tasks > 0).then(|| format!("{} tasks", session.background_tasks)),
    )?;
    field(out, "archived", session.archived.then_some("yes"))?;
    out.line("query")?;
    out.block(INDENT, &session.query)?;
    if let Some(result) = &session.result {
        out.line("result")?;
        out.block(INDENT, result)?;
    }
    Ok(())
}

fn permissions(session: &SessionState) -> Option<String> {
    if session.dangerously_skip_permissions {
        return Some(match session.dangerously_skip_permissions_expires_at {
            Some(until) => format!("everything is approved without asking until {until}"),
            None => "everything is approved without asking".to_owned(),
        });
    }
    if session.auto_accept_edits {
        return Some("edits are approved without asking".to_owned());
    }
    (!session.approvals).then(|| "what the agent asks for is denied".to_owned())
}

fn context(session: &SessionState) -> Option<String> {
    let tokens = session.effective_context_tokens?;
    Some(match session.context_limit {
        Some(limit) => format!("{tokens} of {limit} tokens"),
        None => format!("{tokens} tokens"),
    })
}

/// Writes the messages of a session that its agent has not read, a line each.
pub fn unread_messages(out: &mut Output, pieces: &[ConversationEvent]) -> io::Result<()> {
    let terminal = out.is_terminal();
    for piece in pieces {
        let delivery = piece.delivery.map_or("", Delivery::as_str);
        let words = summary(piece.content.as_deref().unwrap_or_default(), 60);
        let at = format::moment(piece.created_at, terminal);
        field(
            out,
            delivery,
            Some(format!("message {}, {at}: {words}", piece.id)),
        )?;
    }
    Ok(())
}

/// Writes what came of a message that the agent has not read.
pub fn message_updated(out: &mut Output, message: &MessageChange) -> io::Result<()> {
    match message.delivery.and_then(Delivery::label) {
        Some(label) => out.line(format!("-- message {}: {label}", message.message_id)),
        None => Ok(()),
    }
}

/// Writes a piece of conversation.
pub fn piece(out: &mut Output, piece: &ConversationEvent) -> io::Result<()> {
    let speaker = match &piece.parent_tool_use_id {
        Some(_) => "subagent ",
        None => "",
    };
    match piece.event_type {
        EventType::Message => {
            let role = piece.role.as_deref().unwrap_or("message");
            let remark = match piece.delivery.and_then(Delivery::label) {
                Some(label) => format!(" ({label}; message {})", piece.id),
                None => String::new(),
            };
            out.line(format!("{speaker}{}{remark}:", sanitize_line(role)))?;
            out.block(INDENT, piece.content.as_deref().unwrap_or_default())
        }
        EventType::Thinking => {
            out.line(format!("{speaker}thinking:"))?;
            out.block(INDENT, piece.content.as_deref().unwrap_or_default())
        }
        EventType::System => out.line(format!(
            "-- {}",
            sanitize_line(piece.content.as_deref().unwrap_or_default())
        )),
        EventType::ToolCall => tool_call(out, speaker, piece),
        EventType::ToolResult => tool_result(out, speaker, piece),
    }
}

fn tool_call(out: &mut Output, speaker: &str, piece: &ConversationEvent) -> io::Result<()> {
    let tool = sanitize_line(piece.tool_name.as_deref().unwrap_or("a tool"));
    let edited = piece.edited_input_json.as_deref();
    let remarks = format::remarks(edited.is_some(), piece.unread_lines);
    let approval = match &piece.approval_outcome {
        Some(outcome) => format!(" ({}{remarks})", outcome.as_str()),
        None => String::new(),
    };
    out.line(format!("{speaker}calls {tool}{approval}:"))?;
    let asked = piece.tool_input_json.as_deref().unwrap_or("{}");
    input_text(out, edited.unwrap_or(asked))?;
    if edited.is_some() {
        out.line(format!("{speaker}asked for:"))?;
        input_text(out, asked)?;
    }
    Ok(())
}

/// Writes a tool's input.
pub fn input(out: &mut Output, input: &Value) -> io::Result<()> {
    value(out, INDENT, input)
}

/// Writes a tool's input that is JSON text.
fn input_text(out: &mut Output, input: &str) -> io::Result<()> {
    match serde_json::from_str::<Value>(input) {
        Ok(input) => value(out, INDENT, &input),
        Err(_) => out.block(INDENT, input),
    }
}

fn tool_result(out: &mut Output, speaker: &str, piece: &ConversationEvent) -> io::Result<()> {
    let how = if piece.is_error { "failed" } else { "result" };
    out.line(format!("{speaker}{how}:"))?;
    let text = piece.tool_result_content.as_deref().unwrap_or_default();
    let mut lines = text.lines();
    for line in lines.by_ref().take(RESULT_LINES) {
        out.block(INDENT, line)?;
    }
    match lines.count() {
        0 => Ok(()),
        more => out.line(format!("{INDENT}… {more} more lines")),
    }
}

/// An event in one line.
pub fn event_line(event: &EventNotification, terminal: bool) -> String {
    let session = format::session_id(event.session_id().unwrap_or(""), terminal);
    let detail = match event.body() {
        EventBody::NewApproval(change)
        | EventBody::ApprovalResolved(change)
        | EventBody::ApprovalDelivered(change) => format!(
            "{} {} {}",
            format::approval_id(&change.approval_id, terminal),
            change.tool_name,
            change.approval.outcome.as_str()
        ),
        EventBody::SessionStatusChanged(change) => {
            let (old, new) = (change.old_status, change.new_status);
            format!("{} -> {}", old.as_str(), new.as_str())
        }
        EventBody::ConversationUpdated(piece) => {
            let words = [&piece.content, &piece.tool_name, &piece.tool_result_content];
            let mut words = words
                .into_iter()
                .flatten()
                .filter(|words| !words.is_empty());
            let words = words.next().map_or("", String::as_str);
            format!("{} {}", content_type(piece.event_type), summary(words, 100))
        }
        EventBody::MessageUpdated(change) => {
            let delivery = change.delivery.map_or("read", Delivery::as_str);
            format!("{} {delivery}", change.message_id)
        }
        EventBody::SessionSettingsChanged(_)
        | EventBody::SessionDeleted
        | EventBody::SessionUpdated(_)
        | EventBody::AlarmsChanged(_)
        | EventBody::ProblemChanged(_)
        | EventBody::MessageDelta(_)
        | EventBody::Resync
        | EventBody::Unknown => summary(&event.data.to_string(), 120),
    };
    let at = if terminal {
        event
            .timestamp
            .to_zoned_datetime(jiff::tz::TimeZone::system())
            .strftime("%H:%M:%S")
            .to_string()
    } else {
        event.timestamp.to_string()
    };
    let columns = [at.as_str(), &session, &event.r#type, detail.trim_end()];
    let columns = columns.map(sanitize_line);
    columns.join(if terminal { "  " } else { "\t" })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use crate::domain::text::is_deceptive;
    use serde_json::json;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct SharedBuf(Arc<Mutex<Vec<u8>>>);

    impl Write for SharedBuf {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn printed(print: impl FnOnce(&mut Output) -> io::Result<()>) -> String {
        let output = SharedBuf::default();
        print(&mut Output::to(output.clone())).unwrap();
        String::from_utf8(output.0.lock().unwrap().clone()).unwrap()
    }

    fn asked(tool: &str, kind: &str, input: Value) -> Approval {
        serde_json::from_value(json!({
            "id": "local-0123456789", "run_id": "r", "session_id": "s", "status": "pending",
            "outcome": "pending", "created_at": "2026-01-01T00:00:00Z", "tool_name": tool,
            "tool_input": input, "kind": kind, "source": "claude",
        }))
        .unwrap()
    }

    #[test]
    fn the_whole_input_is_shown_and_nothing_in_it_deceives() {
        let long = "x".repeat(5000);
        let input = json!({
            "command": format!("rm \u{202e}-rf\n\u{1b}[2Kecho {long} # end"),
            "na\u{200b}me": {"deep": ["\u{9b}2J", 7, null]},
            "timeout": 5,
        });
        let mut approval = asked("Ba\u{1b}sh", "permission", input);
        approval.description = Some("fine\ndecide: nothing to see".into());
        let text = printed(|out| self::approval(out, &approval));
        assert!(!text.contains(|c| is_deceptive(c) && c != '\n'));
        for part in [
            &long,
            "# end",
            "rm \\u{202e}-rf",
            "    | \\u{1b}[2Kecho",
            "na\\u{200b}me:",
            "\\u009b2J",
            "timeout: 5",
            "fine\\ndecide",
            "humanlayer approve 01234567",
        ] {
            assert!(text.contains(part), "{part} is missing in {text}");
        }
        // What the agent wrote never begins a line as what we write does.
        assert_eq!(text.lines().filter(|l| l.starts_with("decide:")).count(), 1);
    }

    #[test]
    fn questions_are_shown_with_the_numbers_that_answer_takes() {
        let input = json!({"questions": [
            {"question": "Which?", "options": [{"label": "A"}, {"label": "B"}]}
        ]});
        let text = printed(|out| self::approval(out, &asked("AskUserQuestion", "question", input)));
        assert!(
            text.contains("question 1: Which?\n    1. A\n    2. B\n"),
            "{text}"
        );
        assert!(text.contains("humanlayer answer 01234567"), "{text}");
    }

    #[test]
    fn events_are_one_line_of_columns() {
        let event = serde_json::from_value(json!({
            "seq": 3, "type": "conversation_updated", "timestamp": "2026-01-01T00:00:00Z",
            "data": {"id": 3, "session_id": "s\tt", "sequence": 1, "event_type": "message",
                "created_at": "2026-01-01T00:00:00Z", "is_completed": false,
                "content_type": "text", "content": "a\n\tb"},
        }))
        .unwrap();
        assert_eq!(
            event_line(&event, false),
            "2026-01-01T00:00:00Z\ts\\tt\tconversation_updated\ttext a b"
        );
        // What only a newer daemon knows is shown as it came.
        let event = serde_json::from_value(json!({
            "seq": 4, "type": "of_tomorrow", "timestamp": "2026-01-01T00:00:00Z",
            "data": {"session_id": "s", "more": 1},
        }))
        .unwrap();
        assert_eq!(
            event_line(&event, false),
            "2026-01-01T00:00:00Z\ts\tof_tomorrow\t{\"session_id\":\"s\",\"more\":1}"
        );
    }
}
