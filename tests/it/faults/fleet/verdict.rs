//! What must be true of a fleet, whatever was done to it: the record against what the agents know themselves.
//!
//! Pure: evidence in, what is wrong out. So each way to be wrong has a test here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// One process of an agent, by its own account.
#[derive(Clone, Debug, Default)]
pub struct Process {
    /// The lines that it wrote, in order; live deltas are no part of the record and not here.
    pub said: Vec<String>,
    /// The answers that it got: the question's id, and `allow` or `deny`.
    pub answers: Vec<(String, String)>,
    /// The messages that it got.
    pub messages: Vec<String>,
    /// A message that it got a second time.
    pub again: Vec<String>,
}

/// An approval as it is on record.
#[derive(Clone, Debug, Default)]
pub struct Approval {
    pub id: String,
    pub tool_use_id: String,
    pub outcome: String,
    /// Whether a person decided it.
    pub by_person: bool,
    /// Whether it is said why the answer did not reach the agent.
    pub is_undelivered: bool,
    /// The command that it is about, where there is one.
    pub command: Option<String>,
}

/// A session: what the agent knows of it, what is on record, and what was done to it.
#[derive(Clone, Debug, Default)]
pub struct Session {
    pub id: String,
    pub processes: Vec<Process>,
    /// The agents' lines as they are on record.
    pub stored: Vec<String>,
    /// What the conversation and the session say about themselves.
    pub notes: Vec<String>,
    /// The user's messages in the conversation.
    pub messages: Vec<String>,
    /// Those of them that are said never to have reached the agent.
    pub undelivered: Vec<String>,
    pub approvals: Vec<Approval>,
    /// Whether an agent of it was killed.
    pub agent_killed: bool,
    /// Whether a runner of it was killed.
    pub runner_killed: bool,
}

impl Session {
    fn was_killed(&self) -> bool {
        self.agent_killed || self.runner_killed
    }
}

/// What a client was told last about a request of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// It was done.
    Confirmed,
    /// It was not done, and will not be, for this reason.
    Refused(String),
    /// Nothing: it is not known.
    NotKnown,
    /// Somebody was first, with this outcome.
    Standing(String),
}

/// A client's try to decide something: the approval, the outcome that it wants, and what it was told.
#[derive(Clone, Debug)]
pub struct Decision {
    pub approval: String,
    pub wanted: String,
    pub told: Told,
}

/// A client's message: the session, its text, and what the client was told last.
#[derive(Clone, Debug)]
pub struct Message {
    pub session: String,
    pub text: String,
    pub told: Told,
}

/// All that is known in the end.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    pub sessions: Vec<Session>,
    pub decisions: Vec<Decision>,
    pub messages: Vec<Message>,
    /// What the client that only watches was told of outcomes: the approval, and which.
    pub watched: Vec<(String, String)>,
    /// How often each command ran, by its name.
    pub runs: BTreeMap<String, usize>,
    /// Processes that are left over.
    pub left_over: Vec<String>,
}

/// What is wrong; nothing if all is well.
pub fn verdict(all: &Evidence) -> Vec<String> {
    let mut wrong = Vec::new();
    for session in &all.sessions {
        let mut of_session = Vec::new();
        lines(session, &mut of_session);
        answers(session, &mut of_session);
        effects(session, &all.runs, &mut of_session);
        let id = &session.id;
        wrong.extend(
            of_session
                .into_iter()
                .map(|it| format!("session {id}: {it}")),
        );
    }
    decisions(all, &mut wrong);
    messages(all, &mut wrong);
    for process in &all.left_over {
        wrong.push(format!("a process is left over: {process}"));
    }
    wrong
}

/// Every line that an agent wrote is on record once and in order, or its end is in a gap that is noted.
fn lines(session: &Session, wrong: &mut Vec<String>) {
    let mut next = vec![0; session.processes.len()];
    // Who spoke last goes on first: lines that are no JSON may be the same.
    let mut speaker = 0;
    for line in &session.stored {
        let said = |process: usize, at: usize| session.processes[process].said.get(at);
        let all = || (0..next.len()).map(|step| (speaker + step) % next.len().max(1));
        let whole = all().find(|process| said(*process, next[*process]) == Some(line));
        // The last one of a process that was killed may have been cut off.
        let found = whole.or_else(|| {
            all().find(|process| {
                session.was_killed()
                    && said(*process, next[*process])
                        .is_some_and(|all| all.starts_with(line.as_str()))
            })
        });
        if let Some(process) = found {
            next[process] += 1;
            speaker = process;
            continue;
        }
        let known = session
            .processes
            .iter()
            .enumerate()
            .find_map(|(process, it)| {
                Some((process, it.said.iter().position(|said| said == line)?))
            });
        match known {
            Some((process, at)) if at < next[process] => {
                wrong.push(format!("a line is on record twice: {line}"));
            }
            Some((process, at)) => {
                let missing = &session.processes[process].said[next[process]..at];
                wrong.push(format!("lines are missing from the record: {missing:?}"));
                next[process] = at + 1;
                speaker = process;
            }
            None => wrong.push(format!("nobody said what is on record: {line}")),
        }
    }
    let is_noted = session
        .notes
        .iter()
        .any(|note| note.contains("runner was killed"));
    for (process, next) in session.processes.iter().zip(next) {
        let missing = &process.said[next.min(process.said.len())..];
        let is_excused = match missing.len() {
            0 => true,
            // It writes its own account first.
            1 if session.was_killed() => true,
            _ => session.runner_killed && is_noted,
        };
        if !is_excused {
            wrong.push(format!(
                "lines are missing from the end of the record: {missing:?}"
            ));
        }
    }
}

/// The questions of a process: the id of the request, and that of the call.
fn questions(process: &Process) -> BTreeMap<String, String> {
    let asks = |line: &&String| line.contains("can_use_tool");
    let read = process.said.iter().filter(asks).filter_map(|line| {
        let line: Value = serde_json::from_str(line).ok()?;
        let call = line["request"]["tool_use_id"].as_str()?.to_owned();
        Some((line["request_id"].as_str()?.to_owned(), call))
    });
    read.collect()
}

/// Every question is one approval, and every answer an agent got is what was decided, once.
fn answers(session: &Session, wrong: &mut Vec<String>) {
    let mut of_call: BTreeMap<&str, Vec<&Approval>> = BTreeMap::new();
    for approval in &session.approvals {
        of_call
            .entry(&approval.tool_use_id)
            .or_default()
            .push(approval);
        if approval.outcome == "pending" {
            wrong.push(format!("{} is still pending", approval.id));
        }
    }
    let mut asked = BTreeSet::new();
    for process in &session.processes {
        let questions = questions(process);
        let mut answered: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (request, behavior) in &process.answers {
            answered.entry(request).or_default().push(behavior);
            if !questions.contains_key(request) {
                wrong.push(format!(
                    "an answer to {request}, which the agent never asked"
                ));
            }
        }
        for (request, call) in &questions {
            asked.insert(call.clone());
            let approvals = of_call.get(call.as_str()).map_or(&[][..], Vec::as_slice);
            let got = answered
                .get(request.as_str())
                .map_or(&[][..], Vec::as_slice);
            if got.len() > 1 {
                wrong.push(format!(
                    "the answer to {request} was carried out twice: {got:?}"
                ));
            }
            let [approval] = approvals else {
                // What was said to nobody any more is in the gap, if there is one.
                if approvals.len() > 1 || !got.is_empty() || !session.was_killed() {
                    let many = approvals.len();
                    wrong.push(format!("the question {request} is {many} approvals"));
                }
                continue;
            };
            let wanted = match approval.outcome.as_str() {
                "approved" | "answered" => Some("allow"),
                "denied" => Some("deny"),
                _ => None,
            };
            if let Some(got) = got.iter().find(|got| Some(**got) != wanted) {
                let outcome = &approval.outcome;
                wrong.push(format!(
                    "the agent was told {got} where {outcome} is on record: {}",
                    approval.id
                ));
            }
            if wanted.is_some()
                && got.is_empty()
                && !(session.was_killed() || approval.is_undelivered)
            {
                wrong.push(format!(
                    "the decision on {} never reached the agent",
                    approval.id
                ));
            }
        }
    }
    for approval in &session.approvals {
        if !asked.contains(&approval.tool_use_id) {
            wrong.push(format!("{} was never asked", approval.id));
        }
    }
}

/// What was approved ran once, and nothing else ran.
fn effects(session: &Session, runs: &BTreeMap<String, usize>, wrong: &mut Vec<String>) {
    let mut outcomes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for approval in &session.approvals {
        if let Some(name) = &approval.command {
            // A process that was killed may have left a question to the next one.
            outcomes.entry(name).or_default().push(&approval.outcome);
        }
    }
    for (name, outcomes) in outcomes {
        let times = runs.get(name).copied().unwrap_or_default();
        let expected = match outcomes.contains(&"approved") {
            true if session.was_killed() => 0..=1,
            true => 1..=1,
            false => 0..=0,
        };
        if !expected.contains(&times) {
            wrong.push(format!(
                "{name} ran {times} times and was {}",
                outcomes.join(", ")
            ));
        }
    }
}

/// What a client was told of a decision holds, and nobody decided what no client asked for.
fn decisions(all: &Evidence, wrong: &mut Vec<String>) {
    let approvals = all.sessions.iter().flat_map(|session| &session.approvals);
    let on_record: BTreeMap<&str, &Approval> = approvals
        .map(|approval| (approval.id.as_str(), approval))
        .collect();
    let mut tries: BTreeMap<&str, Vec<&Decision>> = BTreeMap::new();
    for decision in &all.decisions {
        tries.entry(&decision.approval).or_default().push(decision);
    }
    for (id, tries) in &tries {
        let confirmed = tries.iter().filter(|it| it.told == Told::Confirmed).count();
        if confirmed > 1 {
            wrong.push(format!(
                "{id} was confirmed and forgotten, {confirmed} times confirmed in all"
            ));
        }
    }
    for (id, approval) in &on_record {
        let tries = tries.get(id).map_or(&[][..], Vec::as_slice);
        let possible = tries.iter().any(|decision| {
            decision.wanted == approval.outcome
                && matches!(decision.told, Told::Confirmed | Told::NotKnown)
        });
        if approval.by_person && !possible {
            let outcome = &approval.outcome;
            wrong.push(format!(
                "{id} is {outcome}, and no client was told so: {tries:?}"
            ));
        }
    }
    for decision in &all.decisions {
        let stands = match &decision.told {
            Told::Confirmed => &decision.wanted,
            Told::Standing(outcome) => outcome,
            Told::Refused(_) | Told::NotKnown => continue,
        };
        let id = &decision.approval;
        match on_record.get(id.as_str()) {
            None => wrong.push(format!(
                "{id}, of which a client was told {stands}, is not on record"
            )),
            Some(approval) if approval.outcome != *stands => wrong.push(format!(
                "{id} is {}, and a client was told {stands}",
                approval.outcome
            )),
            Some(_) => {}
        }
    }
    for (id, outcome) in &all.watched {
        let found = on_record.get(id.as_str()).map(|approval| &approval.outcome);
        if found != Some(outcome) {
            wrong.push(format!(
                "who watches was told that {id} is {outcome}; it is {found:?}"
            ));
        }
    }
}

/// What a client was told of a message holds, and no process was given one twice.
fn messages(all: &Evidence, wrong: &mut Vec<String>) {
    for session in &all.sessions {
        for text in session.processes.iter().flat_map(|process| &process.again) {
            wrong.push(format!(
                "session {}: a process was given {text:?} twice",
                session.id
            ));
        }
    }
    for message in &all.messages {
        let Some(session) = all
            .sessions
            .iter()
            .find(|session| session.id == message.session)
        else {
            if message.told == Told::Confirmed {
                wrong.push(format!("session {} is not on record", message.session));
            }
            continue;
        };
        let count = |texts: &[String]| texts.iter().filter(|text| **text == message.text).count();
        let times = count(&session.messages);
        let expected = match message.told {
            Told::Confirmed => 1..=1,
            Told::NotKnown => 0..=1,
            Told::Refused(_) | Told::Standing(_) => 0..=0,
        };
        let Message { text, told, .. } = message;
        if !expected.contains(&times) {
            wrong.push(format!(
                "session {}: the message {text:?} is there {times} times, and a client was told {told:?}",
                session.id
            ));
        }
        let arrived: usize = session
            .processes
            .iter()
            .map(|process| count(&process.messages))
            .sum();
        let is_right = match session.was_killed() {
            // What a process had not read goes to the next one.
            true => times == 1 || arrived == 0,
            false => arrived + count(&session.undelivered) == times,
        };
        if !is_right {
            wrong.push(format!(
                "session {}: the message {text:?} is on record {times} times and arrived {arrived} times",
                session.id
            ));
        }
    }
}
