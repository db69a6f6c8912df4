//! The end of a session's process: what becomes of what it had not finished.

use rusqlite::params;

use super::messages::{self, ReadMessages};
use super::tx::Write;
use super::{
    Doing as _, StoreError, approval_reads, conversation, events, outbox_delivery, projects, resume,
};
use crate::domain::Session;
use crate::domain::text::summary;

/// Characters of a tool's name in a note.
const TOOL_CHARS: usize = 60;

/// The end of a session's process.
#[derive(Clone, Debug)]
pub struct End {
    /// Why what is pending ends.
    pub reason: String,
    /// Whether it was ended from here, rather than by itself.
    pub deliberate: bool,
    /// What it had read of the messages that were written to it.
    pub read: ReadMessages,
    /// How many messages it had read just before and had not yet written into its own record of the
    /// conversation.
    pub forgotten: usize,
}

/// A session's process has ended: what a person wanted with that is done, and messages that it has not
/// read wait for the next one.
pub fn process_ended(
    write: &mut Write<'_>,
    session: &Session,
    end: &End,
) -> Result<(), StoreError> {
    let (reason, read) = (&end.reason, &end.read);
    // Messages that were queued before a person ended the session are not resumed with it. A process that is ended for
    // the sake of a project's files makes room for one without them.
    let ended_at = match projects::ends_process(write.db, session)? {
        true => None,
        false => session.end_requested_at,
    };
    let kept = outbox_delivery::give_up(write, session, reason, read, ended_at)?;
    if kept.dropped > 0 {
        let text = match kept.dropped {
            1 => "A queued message was not delivered: the session was ended first.".to_owned(),
            count => {
                format!("{count} queued messages were not delivered: the session was ended first.")
            }
        };
        conversation::note(write, session, text)?;
    }
    if let Some(text) = unknown_calls(&approval_reads::without_result(write.db, session)?) {
        conversation::note(write, session, text)?;
    }
    if end.forgotten > 0 {
        let text = match end.forgotten {
            1 => "The process ended before it had written down your last message. The next one knows neither that message nor what was done about it: send it again if it still matters.".to_owned(),
            count => format!("The process ended before it had written down your last {count} messages. The next one knows neither them nor what was done about them: send them again if they still matter."),
        };
        conversation::note(write, session, text)?;
    }
    messages::forget_read(write, session.key, i64::MAX)?;
    let never = resume::never(write.db, session)?;
    if let Some(problem) = &never
        && kept.messages > 0
    {
        resume::give_up(write, session, problem)?;
    }
    // Of a process that ends by itself a person is told, and what it was given is sent again only with the
    // next message: it may be what ended the process. A message that came after the process had died, but
    // before that was noticed, is such a next message. It is one only once: the process that it begins is of
    // another generation.
    let begins_another = end.deliberate || kept.never_written > 0;
    let waits = begins_another && kept.messages > 0 && never.is_none();
    if kept.messages > 0 && !waits && never.is_none() {
        let text = match kept.messages {
            1 => "1 message has not reached the agent. It is sent first when the session is resumed, and can be withdrawn until then.".to_owned(),
            count => format!("{count} messages have not reached the agent. They are sent first when the session is resumed, and can be withdrawn until then."),
        };
        conversation::note(write, session, text)?;
    }
    let waiting_for = waits.then_some("its next process");
    let archive: bool = write
        .db
        .prepare_cached(
            "UPDATE sessions SET end_requested_at = NULL, waiting_for = coalesce(?2, waiting_for),
                archived = CASE WHEN ?2 IS NULL THEN max(archived, archive_at_end) ELSE archived END
             WHERE key = ?1 RETURNING archive_at_end AND ?2 IS NULL",
        )
        .and_then(|mut update| {
            update.query_row(params![session.key, waiting_for], |row| row.get(0))
        })
        .doing("note the end of a process")?;
    if archive {
        write
            .db
            .prepare_cached("UPDATE sessions SET archive_at_end = 0 WHERE key = ?")
            .and_then(|mut update| update.execute([session.key]))
            .doing("archive a session that has ended")?;
        events::settings_changed(write, session, events::archived_data(true))?;
    }
    Ok(())
}

/// What is said of approved calls of which a process has told no result: it may have died with the answer in its
/// input, or in the middle of the call.
fn unknown_calls(tools: &[String]) -> Option<String> {
    let tools: Vec<_> = tools.iter().map(|tool| summary(tool, TOOL_CHARS)).collect();
    let end = "the process ended before it told a result";
    Some(match tools.as_slice() {
        [] => return None,
        [tool] => format!("It is not known what came of the approved call of {tool}: {end}."),
        [first, ..] => format!(
            "It is not known what came of {} approved calls, the first of {first}: {end}.",
            tools.len()
        ),
    })
}
