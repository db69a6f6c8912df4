//! The answers to an agent's questions, one after the other, and what they come to.

mod draw;
mod keys;

pub use draw::draw;
pub use keys::key;

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::domain::question::{self, QuestionOption};
use crate::protocol::approval::Approval;
use crate::tui::forms::Field;

/// One question.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Its text, which names it in the answer.
    pub text: String,
    /// Its short name.
    pub header: String,
    /// Whether several options may be chosen.
    pub several: bool,
    /// Its options.
    pub choices: Vec<QuestionOption>,
    /// The chosen ones.
    pub chosen: BTreeSet<usize>,
    /// Words of one's own.
    pub other: Field,
    /// Whether these words are the answer, or a part of it.
    pub with_other: bool,
    /// The row that keys are about; the one behind the options is for one's own words.
    pub at: usize,
}

impl Asked {
    /// Whether keys go to the field for one's own words.
    #[must_use]
    pub fn is_on_other(&self) -> bool {
        self.at >= self.choices.len()
    }

    /// Chooses an option, or takes it back where several may be chosen.
    pub fn choose(&mut self, index: usize) {
        if index >= self.choices.len() {
            return;
        }
        self.at = index;
        if self.several {
            if !self.chosen.remove(&index) {
                self.chosen.insert(index);
            }
        } else {
            self.chosen = BTreeSet::from([index]);
            self.with_other = false;
        }
    }

    /// One's own words have changed.
    pub fn typed(&mut self) {
        self.with_other = !self.other.is_blank();
        if self.with_other && !self.several {
            self.chosen.clear();
        }
    }

    /// The answer as it stands; several choices are given in the form that the agent's own program
    /// gives them.
    #[must_use]
    pub fn answer(&self) -> Option<String> {
        let mut parts: Vec<String> = self
            .chosen
            .iter()
            .filter_map(|index| self.choices.get(*index))
            .map(|choice| choice.label.clone())
            .collect();
        if self.with_other && !self.other.is_blank() {
            parts.push(self.other.text().trim().to_owned());
        }
        (!parts.is_empty()).then(|| question::join(&parts))
    }
}

#[derive(Clone, Debug, Default)]
pub struct Question {
    pub approval: String,
    /// The questions.
    pub asked: Vec<Asked>,
    /// The one that is shown; beyond the last: all answers, before they are sent.
    pub at: usize,
}

impl Question {
    /// For an approval; none where its questions cannot be read.
    #[must_use]
    pub fn of(approval: &Approval) -> Option<Self> {
        let questions = question::parse(&approval.tool_input)?;
        Some(Self {
            approval: approval.id.clone(),
            asked: questions.into_iter().map(Asked::from).collect(),
            at: 0,
        })
    }

    /// The question that is shown.
    #[must_use]
    pub fn current(&self) -> Option<&Asked> {
        self.asked.get(self.at)
    }

    /// The question that is shown, to answer.
    pub fn current_mut(&mut self) -> Option<&mut Asked> {
        self.asked.get_mut(self.at)
    }

    /// Whether all answers are in sight at once, so that no page of them is needed.
    #[must_use]
    pub fn is_single(&self) -> bool {
        self.asked.len() == 1
    }

    /// The first question without an answer.
    #[must_use]
    pub fn missing(&self) -> Option<usize> {
        self.asked.iter().position(|asked| asked.answer().is_none())
    }

    /// The answers, by the questions' texts.
    #[must_use]
    pub fn answers(&self) -> Map<String, Value> {
        self.asked
            .iter()
            .filter_map(|asked| Some((asked.text.clone(), Value::from(asked.answer()?))))
            .collect()
    }
}

impl From<question::Question> for Asked {
    fn from(asked: question::Question) -> Self {
        Self {
            text: asked.text,
            header: asked.header,
            several: asked.multi_select,
            choices: asked.options,
            ..Self::default()
        }
    }
}
