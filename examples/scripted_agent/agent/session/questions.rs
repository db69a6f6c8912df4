//! The questions of a session: written, answered, withdrawn.
//!
//! Part of the session and under its lock, so a question is always written before its
//! withdrawal and is settled once: the first answer counts, a second finds nothing open.

use std::sync::PoisonError;

use serde_json::{Value, json};

use super::{Session, State, messages};

/// How a question ended.
#[derive(Debug)]
pub(in super::super) enum Answer {
    /// Somebody answered: the inner `response`.
    Reply(Value),
    /// It could not be answered: what the other side said.
    Failed(String),
    /// The turn was interrupted.
    Interrupted,
    /// The script withdrew the question.
    Withdrawn,
    /// stdin is closed: no answer can come.
    Closed,
}

/// A question and, in time, its end.
#[derive(Debug)]
pub(super) struct Question {
    /// What the answer names.
    pub(super) request_id: String,
    /// As it was written.
    pub(super) line: Value,
    /// How it ended, until somebody has taken that.
    pub(super) answer: Option<Answer>,
}

impl Session {
    /// Writes a question and returns its id.
    pub(in super::super) fn ask(&self, request: Value, interrupts: u64) -> String {
        let request_id = messages::new_id();
        let line =
            json!({ "type": "control_request", "request_id": request_id, "request": request });
        let mut state = self.state();
        let answer = if state.interrupts != interrupts {
            Some(Answer::Interrupted)
        } else if state.stdin_closed {
            Some(Answer::Closed)
        } else {
            self.out.line(&line);
            None
        };
        state.questions.push(Question {
            request_id: request_id.clone(),
            line,
            answer,
        });
        request_id
    }

    /// Waits for the end of a question. There is no timeout: people take their time.
    pub(in super::super) fn answer(&self, request_id: &str) -> Answer {
        let mut state = self.state();
        loop {
            let Some(at) = state
                .questions
                .iter()
                .position(|question| question.request_id == request_id)
            else {
                return Answer::Closed;
            };
            if let Some(answer) = state.questions.get_mut(at).and_then(|it| it.answer.take()) {
                state.questions.remove(at);
                return answer;
            }
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a question back, unless it was answered meanwhile.
    pub(in super::super) fn withdraw(&self, request_id: &str) {
        let mut state = self.state();
        if let Some(question) = state.open_question(request_id) {
            question.answer = Some(Answer::Withdrawn);
            self.out.line(&messages::control_cancel(request_id));
        }
        self.wake.notify_all();
    }

    /// Hands an answer to its question; false if no such question is open.
    pub(in super::super) fn settle(&self, request_id: &str, answer: Answer) -> bool {
        let mut state = self.state();
        let open = state.open_question(request_id);
        let settled = open.is_some();
        if let Some(question) = open {
            question.answer = Some(answer);
        }
        self.wake.notify_all();
        settled
    }

    /// The questions that nobody has answered yet, as they were written.
    pub(in super::super) fn open_questions(&self) -> Vec<Value> {
        self.state()
            .questions
            .iter()
            .filter(|question| question.answer.is_none())
            .map(|question| question.line.clone())
            .collect()
    }
}

impl State {
    fn open_question(&mut self, request_id: &str) -> Option<&mut Question> {
        self.questions
            .iter_mut()
            .find(|question| question.request_id == request_id && question.answer.is_none())
    }
}
