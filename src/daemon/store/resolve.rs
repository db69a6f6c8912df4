//! The end of an approval, which happens once.
//!
//! Every end goes through [`resolve_as`], whose `UPDATE … WHERE outcome = 'pending'` is what makes a second decision
//! impossible, and which keeps the session's status in step.

use rusqlite::params;
use serde_json::Value;

use super::approval_delivery::{mark_delivered, mark_undelivered};
use super::approval_reads::{self, by_key, pending};
use super::foreign_writer::suspends_rules;
use super::rows::micros;
use super::tx::Write;
use super::{
    Doing as _, StoreError, adoption, alarms, api_outbox, conversation, events, outbox,
    project_answers, session_reads, session_state,
};
use crate::daemon::callers::AlarmKind;
use crate::daemon::clock;
use crate::domain::allow_rule;
use crate::domain::approval::DecidedBy;
use crate::domain::decision::{self, standing_rule};
use crate::domain::{Approval, Decision, EventBody, Kind, Outcome, Source};
use crate::platform;

/// The rule in whose name the same question is answered for other sessions.
const PROJECT_RULE: &str = "project_settings";

/// How an approval ends.
pub struct Resolution {
    outcome: Outcome,
    comment: Option<String>,
    updated_input: Option<Value>,
    updated_permissions: Option<Vec<Value>>,
    unread_lines: Option<u32>,
    answers: Option<Value>,
    option: Option<String>,
    interrupt: bool,
    pub by: DecidedBy,
}

impl Resolution {
    pub fn of(approval: &Approval, decision: Decision, by: DecidedBy) -> Self {
        let base = Self::plain(decision.outcome(), None, by);
        match decision {
            Decision::Approve {
                comment,
                updated_input,
                updated_permissions,
                unread_lines,
            } => Self {
                comment,
                // An edit that changes nothing is none.
                updated_input: updated_input.filter(|input| *input != approval.tool_input),
                updated_permissions,
                unread_lines,
                ..base
            },
            Decision::Deny {
                reason,
                interrupt,
                option,
            } => Self {
                comment: decision::words(approval, Some(&reason), option.as_deref()),
                interrupt,
                option,
                ..base
            },
            Decision::Answer { answers, comment } => Self {
                answers: Some(Value::Object(answers)),
                comment,
                ..base
            },
            Decision::Respond { text, option } => Self {
                comment: decision::words(approval, text.as_deref(), option.as_deref()),
                option,
                ..base
            },
        }
    }

    /// An end without edits, answers or options.
    pub fn plain(outcome: Outcome, comment: Option<String>, by: DecidedBy) -> Self {
        Self {
            outcome,
            comment,
            updated_input: None,
            updated_permissions: None,
            unread_lines: None,
            answers: None,
            option: None,
            interrupt: false,
            by,
        }
    }

    /// The same with the option that was chosen.
    pub fn with_option(self, option: Option<String>) -> Self {
        Self { option, ..self }
    }

    /// A yes in the name of a standing permission.
    pub fn by_rule(by: DecidedBy) -> Self {
        let comment = match &by {
            DecidedBy::Rule { rule, .. } => Some(format!("approved by rule {rule}")),
            DecidedBy::Person { .. }
            | DecidedBy::Key { .. }
            | DecidedBy::Elsewhere { .. }
            | DecidedBy::Agent => None,
        };
        Self::plain(Outcome::Approved, comment, by)
    }
}

/// Decides what is pending in a session and a standing permission now answers.
pub fn apply_standing_rules(write: &mut Write<'_>, session_key: i64) -> Result<(), StoreError> {
    let session = session_reads::by_key(write.db, session_key)?;
    if suspends_rules(write)? {
        return Ok(());
    }
    for approval in pending(write.db, session_key, "1", None)? {
        let covers = |approval: &Approval| write.follower.covers_edit(&session, approval);
        if let Some(by) = standing_rule(&session.settings, &approval, covers, clock::never_back()) {
            resolve_as(write, &approval, &Resolution::by_rule(by))?;
        }
    }
    Ok(())
}

/// Decides what else is pending in the session and is covered by the rules that a person has just
/// granted with an approval, in the name of those rules.
pub fn apply_granted_rules(
    write: &mut Write<'_>,
    granted_for: &Approval,
    granted_by: &DecidedBy,
) -> Result<(), StoreError> {
    let updates = granted_for.updated_permissions.as_deref();
    let rules = allow_rule::granted(updates.unwrap_or_default());
    if rules.is_empty() {
        return Ok(());
    }
    let session = session_reads::by_key(write.db, granted_for.session_key)?;
    let directory = Some(session.working_dir.as_str());
    for other in pending(write.db, granted_for.session_key, "1", None)? {
        let covers = |other: &Approval| write.follower.covers_tool(&session, other);
        let rule = allow_rule::covering(&rules, granted_for, &other, directory, covers);
        if let Some(rule) = rule {
            let by = DecidedBy::Rule {
                rule: rule.to_string(),
                granted_by: Some(Box::new(granted_by.clone())),
                expires_at: None,
            };
            resolve_as(write, &other, &Resolution::by_rule(by))?;
        }
    }
    Ok(())
}

/// The agent withdrew a request.
pub fn withdraw(
    write: &mut Write<'_>,
    session_key: i64,
    request_id: &str,
    reason: &str,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        "a.request_id = ?2",
        Some(request_id),
        Outcome::Withdrawn,
        reason,
    )
}

/// A tool call ended while something about it was pending.
pub fn tool_finished(
    write: &mut Write<'_>,
    session_key: i64,
    tool_use_id: &str,
    was_read_before: bool,
) -> Result<(), StoreError> {
    end_pending(
        write,
        session_key,
        // What a remote API still waits for is settled there; the next poll tells how.
        "a.tool_use_id = ?2 AND a.source <> 'remote_api'",
        Some(tool_use_id),
        Outcome::Abandoned,
        if was_read_before {
            adoption::DECISION_LOST
        } else {
            "the tool call ended without this answer"
        },
    )
}

/// The agent is gone.
pub fn abandon_all(
    write: &mut Write<'_>,
    session_key: i64,
    reason: &str,
) -> Result<(), StoreError> {
    end_pending(write, session_key, "1", None, Outcome::Abandoned, reason)
}

fn end_pending(
    write: &mut Write<'_>,
    session_key: i64,
    condition: &'static str,
    value: Option<&str>,
    outcome: Outcome,
    comment: &str,
) -> Result<(), StoreError> {
    for approval in pending(write.db, session_key, condition, value)? {
        let resolution = Resolution::plain(outcome, Some(comment.to_owned()), DecidedBy::Agent);
        resolve_as(write, &approval, &resolution)?;
    }
    Ok(())
}

/// Ends an approval, if it is pending, and puts its answer on the way.
pub fn resolve_as(
    write: &mut Write<'_>,
    approval: &Approval,
    resolution: &Resolution,
) -> Result<Approval, StoreError> {
    let json = |value: &Option<Value>| value.as_ref().map(Value::to_string);
    let by = serde_json::to_string(&resolution.by).map_err(|error| StoreError::Value {
        what: "decided_by",
        problem: error.to_string(),
    })?;
    let changed = write
        .db
        .prepare_cached(
            "UPDATE approvals SET outcome = ?2, comment = ?3, updated_input = ?4, updated_permissions = ?5,
                answers = ?6, decided_by = ?7, decided_at = ?8, chosen_option = ?9, unread_lines = ?10
             WHERE key = ?1 AND outcome = 'pending'",
        )
        .and_then(|mut update| {
            update.execute(params![
                approval.key,
                resolution.outcome.as_str(),
                resolution.comment,
                json(&resolution.updated_input),
                resolution.updated_permissions.as_ref().map(|list| Value::from(list.clone()).to_string()),
                json(&resolution.answers),
                by,
                micros(write.now),
                resolution.option,
                resolution.unread_lines,
            ])
        })
        .doing("decide an approval")?;
    let resolved = by_key(write.db, approval.key)?;
    if changed == 0 {
        return Err(StoreError::AlreadyResolved(Box::new(resolved)));
    }
    let mut unanswerable = false;
    if resolved.kind == Kind::Plan && resolved.outcome == Outcome::Approved {
        leave_plan_mode(write, &resolved)?;
    }
    match resolved.source {
        Source::Claude => match (write.answer)(&resolved, resolution.interrupt) {
            Some(line) => {
                outbox::enqueue(write, resolved.session_key, Some(resolved.key), &line)?;
            }
            None => unanswerable = resolved.outcome.is_decision(),
        },
        Source::RemoteApi => api_outbox::enqueue(write, &resolved)?,
        // The asker waits for the event and fetches the outcome.
        Source::Mcp | Source::Program | Source::LocalApi => {}
        // The session's next process is started by it.
        Source::Launch => {
            mark_delivered(write, resolved.key)?;
            project_answered(write, &resolved, &resolution.by)?;
        }
    }
    let session = session_state::refresh_status(write, resolved.session_key)?;
    events::approval_event(
        write,
        &session.run_id,
        resolved.clone(),
        EventBody::ApprovalResolved,
    )?;
    if unanswerable {
        let reason =
            "the agent's name for the request could not be read; interrupt the turn instead";
        mark_undelivered(write, resolved.key, reason)?;
        return by_key(write.db, resolved.key);
    }
    Ok(resolved)
}

/// With its plan approved the agent leaves plan mode, for the one that was granted with it. Not every
/// version of it says so; what it says later holds.
fn leave_plan_mode(write: &mut Write<'_>, plan: &Approval) -> Result<(), StoreError> {
    let granted = plan
        .updated_permissions
        .iter()
        .flatten()
        .filter(|update| update.get("type").and_then(Value::as_str) == Some("setMode"))
        .find_map(|update| update.get("mode").and_then(Value::as_str));
    write
        .db
        .prepare_cached("UPDATE sessions SET permission_mode = ?2 WHERE key = ?1")
        .and_then(|mut update| {
            update.execute(params![plan.session_key, granted.unwrap_or("default")])
        })
        .map(drop)
        .doing("note that a plan was approved")
}

/// Remembers an answer about a project's files, and gives it to other sessions that ask the same.
fn project_answered(
    write: &mut Write<'_>,
    approval: &Approval,
    by: &DecidedBy,
) -> Result<(), StoreError> {
    let used = match approval.outcome {
        Outcome::Approved => true,
        Outcome::Denied => false,
        _ => return Ok(()),
    };
    let Some(same) = project_answers::note_answer(write, approval, used)? else {
        return Ok(());
    };
    for key in same {
        let other = approval_reads::by_key(write.db, key)?;
        let by = DecidedBy::Rule {
            rule: PROJECT_RULE.to_owned(),
            granted_by: Some(Box::new(by.clone())),
            expires_at: None,
        };
        let end = Resolution::plain(approval.outcome, approval.comment.clone(), by);
        resolve_as(write, &other, &end)?;
        let session = session_reads::by_key(write.db, other.session_key)?;
        let note = format!(
            "The question about the project's settings is {} here, too: the same was asked in session {}, and one answer holds for the same files.",
            approval.outcome.as_str(),
            approval.session_id.short()
        );
        conversation::note(write, &session, note)?;
    }
    let session = session_state::refresh_status(write, approval.session_key)?;
    alarms::settle(
        write,
        AlarmKind::ProjectChanged,
        &session,
        &by.describe(platform::user_id()),
    )?;
    // An agent that was stopped for it goes on, or is ended.
    write.wake(session.key);
    Ok(())
}
