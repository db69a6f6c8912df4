//! Times, sums and records in the words that people read.
//!
//! Pure: from values to text. Everything foreign that goes into a line is
//! made safe here; the commands print it and the dashboard draws it.

use std::path::Path;

use jiff::Timestamp;
use serde_json::Value;

use crate::domain::approval::DecidedBy;
use crate::domain::id::{ApprovalId, SessionId};
use crate::domain::text::{sanitize_line, summary};
use crate::domain::{Outcome, Status};
use crate::protocol::approval::Approval;
use crate::protocol::session::SessionState;

/// How far a time may be ahead of the clock and still count as now: clocks are set a little all the time.
const AHEAD: i64 = 60;

/// How old something is, in seconds; none where it is of a time that has not come: then the clock was set back, or
/// was ahead, and nobody knows.
#[must_use]
pub fn age(then: Timestamp, now: Timestamp) -> Option<i64> {
    let seconds = now.as_second().saturating_sub(then.as_second());
    (seconds >= -AHEAD).then(|| seconds.max(0))
}

/// How long ago, in one unit: `now`, `5s ago`, `3m ago`, `2h ago`, `4d ago`, `age unknown`.
#[must_use]
pub fn ago(then: Timestamp, now: Timestamp) -> String {
    match age(then, now) {
        None => "age unknown".to_owned(),
        Some(0) => "now".to_owned(),
        Some(seconds) => format!("{} ago", span(seconds)),
    }
}

/// How old something is, where there is little room: `5s`, `3m`, `2h`, `4d`, and `?` where nobody knows.
#[must_use]
pub fn short_age(then: Timestamp, now: Timestamp) -> String {
    age(then, now).map_or_else(|| "?".to_owned(), span)
}

/// A number of seconds in its largest unit.
#[must_use]
pub fn span(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h", seconds / 3_600),
        86_400.. => format!("{}d", seconds / 86_400),
    }
}

/// How long something has run, to the second while that matters: `12s`, `3m 05s`, `2h 10m`.
#[must_use]
pub fn elapsed(seconds: i64) -> String {
    match seconds {
        ..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3_600.. => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
    }
}

/// A time for a list: relative for people, exact for programs.
#[must_use]
pub fn time(then: Timestamp, terminal: bool) -> String {
    if terminal {
        ago(then, Timestamp::now())
    } else {
        then.to_string()
    }
}

/// A time among a record's details: for people in their own zone and with its age.
#[must_use]
pub fn moment(then: Timestamp, terminal: bool) -> String {
    if terminal {
        let local = then.to_zoned_datetime(jiff::tz::TimeZone::system());
        let age = ago(then, Timestamp::now());
        format!("{}, {age}", local.strftime("%Y-%m-%d %H:%M:%S"))
    } else {
        then.to_string()
    }
}

/// A directory for a list: from home for people, whole for programs.
#[must_use]
pub fn directory(path: &str, terminal: bool) -> String {
    let home = if terminal { std::env::home_dir() } else { None };
    match home.and_then(|home| Path::new(path).strip_prefix(home).ok().map(Path::to_owned)) {
        Some(rest) if rest.as_os_str().is_empty() => "~".to_owned(),
        Some(rest) => format!("~/{}", rest.display()),
        None => path.to_owned(),
    }
}

/// What a session's next process waits for, in words; none when it waits for nothing.
#[must_use]
pub fn waiting_for(session: &SessionState) -> Option<String> {
    let missing = session.waiting_for.as_deref()?;
    Some(format!("waiting: {}", sanitize_line(missing)))
}

/// That something is wrong with a session's directory, in two words; none where nothing is.
#[must_use]
pub fn directory_problem(session: &SessionState) -> Option<&'static str> {
    let problem = session.directory_problem.as_deref()?;
    Some(match problem.ends_with("is missing") {
        true => "directory missing",
        false => "directory unusable",
    })
}

/// How a session goes on in another directory, where something is wrong with its own; none where nothing is.
#[must_use]
pub fn elsewhere(session: &SessionState) -> Option<String> {
    session.directory_problem.as_ref()?;
    let id = session_id(&session.id, true);
    let there = match session.directory_candidate.as_deref() {
        Some(candidate) => {
            crate::domain::text::sanitize_line(&shell_words::quote(candidate)).into_owned()
        }
        None => "DIR".to_owned(),
    };
    Some(format!(
        "go on in another directory: humanlayer continue {id} --working-dir {there}"
    ))
}

/// That the model's API fails and is tried again, in words; none while it works.
#[must_use]
pub fn retrying(session: &SessionState) -> Option<String> {
    let retrying = session.retrying.as_ref()?;
    let (attempt, all) = (retrying.attempt, retrying.max_retries);
    let error = sanitize_line(&retrying.error);
    Some(match error.is_empty() {
        true => format!("retrying {attempt}/{all}"),
        false => format!("retrying {attempt}/{all}: {error}"),
    })
}

/// What runs in the background of a session, in words; none when nothing does.
#[must_use]
pub fn background_tasks(tasks: u64) -> Option<String> {
    match tasks {
        0 => None,
        1 => Some("1 background task".to_owned()),
        tasks => Some(format!("{tasks} background tasks")),
    }
}

/// What a session has cost: the least that it can be where the cost of some turns is not known.
#[must_use]
pub fn cost(session: &SessionState) -> String {
    match session.unpriced_turns {
        0 => dollars(session.cost_usd),
        _ => format!("≥{}", dollars(Some(session.cost_usd.unwrap_or(0.0)))),
    }
}

/// The same in words, with the reason.
#[must_use]
pub fn cost_in_words(session: &SessionState) -> String {
    let least = dollars(Some(session.cost_usd.unwrap_or(0.0)));
    match session.unpriced_turns {
        0 => dollars(session.cost_usd),
        1 => format!("at least {least} (1 turn was killed before its cost was reported)"),
        turns => {
            format!("at least {least} ({turns} turns were killed before their cost was reported)")
        }
    }
}

/// US dollars; cents suffice from a dollar on.
#[must_use]
pub fn dollars(sum: Option<f64>) -> String {
    match sum {
        None => String::new(),
        Some(sum) if sum >= 1.0 => format!("${sum:.2}"),
        Some(sum) => format!("${sum:.4}"),
    }
}

/// A session's id for a list: short for people, whole for programs.
#[must_use]
pub fn session_id(id: &str, terminal: bool) -> String {
    if terminal {
        SessionId::from(id).short().to_owned()
    } else {
        id.to_owned()
    }
}

/// An approval's id for a list: short for people, whole for programs.
#[must_use]
pub fn approval_id(id: &str, terminal: bool) -> String {
    if terminal {
        ApprovalId::from(id).short().to_owned()
    } else {
        id.to_owned()
    }
}

/// A session's status for people: it is pending while an approval is.
#[must_use]
pub fn status(status: Status) -> &'static str {
    status.describe()
}

/// What a session is about, in at most `max` characters: its title, else its query.
#[must_use]
pub fn subject(session: &SessionState, max: usize) -> String {
    let words = if session.title.is_empty() {
        &session.summary
    } else {
        &session.title
    };
    summary(words, max)
}

/// Whether another input was approved than the one that was asked for.
#[must_use]
pub fn is_edited(approval: &Approval) -> bool {
    approval
        .updated_input
        .as_ref()
        .is_some_and(|input| *input != approval.tool_input)
}

/// The input that ran, or would run: the edited one where there is one.
#[must_use]
pub fn effective_input(approval: &Approval) -> &Value {
    let edited = approval.updated_input.as_ref();
    edited.unwrap_or(&approval.tool_input)
}

/// The part of a tool's input that says most, in one line of at most `max` characters; of an edited
/// one, what ran.
#[must_use]
pub fn gist(approval: &Approval, max: usize) -> String {
    const TELLING: [&str; 11] = [
        "command",
        "file_path",
        "notebook_path",
        "path",
        "url",
        "query",
        "pattern",
        "prompt",
        "plan",
        "subject",
        "message",
    ];
    let input = effective_input(approval);
    let question = || {
        input
            .pointer("/questions/0/question")
            .and_then(Value::as_str)
    };
    let telling = || TELLING.iter().find_map(|key| input.get(key)?.as_str());
    match question().or_else(telling) {
        Some(words) => summary(words, max),
        None => summary(&input.to_string(), max),
    }
}

/// Who asks, for a list: the program's name, else the channel.
#[must_use]
pub fn asked_by(approval: &Approval) -> String {
    match &approval.asker {
        Some(asker) => asker.clone(),
        None => approval.source.as_str().to_owned(),
    }
}

/// How to decide an approval, as a command to type.
#[must_use]
pub fn how_to_decide(approval: &Approval) -> String {
    let id = ApprovalId::from(approval.id.as_str());
    let id = sanitize_line(id.short()).into_owned();
    let can = approval.can();
    let commands = [
        (can.approve, format!("humanlayer approve {id}")),
        (can.answer, format!("humanlayer answer {id} OPTION")),
        (can.respond, format!("humanlayer respond {id} -m TEXT")),
        (
            can.respond && !approval.options.is_empty(),
            format!("humanlayer respond {id} --option NAME"),
        ),
        (can.deny, format!("humanlayer deny {id} -m REASON")),
    ];
    let possible = commands.into_iter().filter(|(is_possible, _)| *is_possible);
    let commands: Vec<String> = possible.map(|(_, command)| command).collect();
    commands.join("   or   ")
}

/// Who decided, to the user of this program; safe to draw.
#[must_use]
pub fn decided_by(by: &DecidedBy) -> String {
    sanitize_line(&by.describe(viewer())).into_owned()
}

#[cfg(not(test))]
fn viewer() -> u32 {
    crate::platform::user_id()
}

/// Who looks at the screens of the tests, whoever runs them.
#[cfg(test)]
fn viewer() -> u32 {
    1
}

/// That lines were approved without having been shown, in a few words.
#[must_use]
pub fn unread(lines: u32) -> String {
    match lines {
        1 => "1 line not read".to_owned(),
        lines => format!("{lines} lines not read"),
    }
}

/// What else is to be known of a decision beside its outcome: that it was edited, that not all was read.
#[must_use]
pub fn remarks(is_edited: bool, unread_lines: Option<u32>) -> String {
    let edited = if is_edited { ", edited" } else { "" };
    let unread = unread_lines.map(|lines| format!(", {}", unread(lines)));
    format!("{edited}{}", unread.unwrap_or_default())
}

/// How an approval stands, in a few words.
#[must_use]
pub fn outcome(approval: &Approval) -> String {
    let by = approval
        .decided_by
        .as_ref()
        .map(|by| format!(" by {}", decided_by(by)));
    let remarks = remarks(is_edited(approval), approval.unread_lines);
    let how = approval.outcome.as_str();
    format!("{how}{}{remarks}", by.unwrap_or_default())
}

/// Whether an answer reached the agent, where that is worth saying.
#[must_use]
pub fn delivery(approval: &Approval, terminal: bool) -> Option<String> {
    if approval.outcome == Outcome::Pending {
        return None;
    }
    match (&approval.undelivered, approval.delivered_at) {
        (Some(why), _) => Some(format!("not delivered: {}", sanitize_line(why))),
        (None, Some(at)) => Some(format!("sent to the agent {}", moment(at, terminal))),
        (None, None) => None,
    }
}

/// A number of bytes in the unit that one can imagine.
#[must_use]
pub fn bytes(count: usize) -> String {
    match count {
        ..1_024 => format!("{count} bytes"),
        1_024..1_048_576 => format!("{} KB", count / 1_024),
        _ => format!(
            "{}.{} MB",
            count / 1_048_576,
            count % 1_048_576 * 10 / 1_048_576
        ),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn times_are_told_in_their_largest_unit() {
        let now: Timestamp = "2026-05-05T12:00:00Z".parse().unwrap();
        let cases = [
            ("2026-05-05T12:01:01Z", "age unknown"),
            ("2027-05-05T12:00:00Z", "age unknown"),
            ("2026-05-05T12:00:30Z", "now"),
            ("2026-05-05T12:00:00Z", "now"),
            ("2026-05-05T11:59:01Z", "59s ago"),
            ("2026-05-05T11:59:00Z", "1m ago"),
            ("2026-05-05T10:00:01Z", "1h ago"),
            ("2026-05-01T12:00:00Z", "4d ago"),
        ];
        for (then, said) in cases {
            let then = then.parse().unwrap();
            assert_eq!(ago(then, now), said);
            let short = short_age(then, now);
            assert!(
                short == "?" || said == "now" || said == format!("{short} ago"),
                "{short}"
            );
        }
    }

    #[test]
    fn what_runs_is_timed_to_the_second_while_that_matters() {
        for (seconds, said) in [(0, "0s"), (59, "59s"), (185, "3m 05s"), (7_800, "2h 10m")] {
            assert_eq!(elapsed(seconds), said);
        }
    }

    #[test]
    fn small_sums_keep_their_digits() {
        assert_eq!(dollars(None), "");
        assert_eq!(dollars(Some(0.01234)), "$0.0123");
        assert_eq!(dollars(Some(12.345)), "$12.35");
    }

    #[test]
    fn ids_are_short_for_people_and_whole_for_programs() {
        assert_eq!(approval_id("local-0123456789", true), "01234567");
        assert_eq!(approval_id("local-0123456789", false), "local-0123456789");
        assert_eq!(session_id("0123456789", true), "01234567");
    }
}
