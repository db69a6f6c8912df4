//! Which of the frames that were drawn have reached the screen.
//!
//! What is written lies in buffers that may be large, on the way to a terminal that may be slow, and
//! a person decides about what the screen shows. So each frame is followed by a question (DA1) that
//! nearly every terminal answers, in order: its answer says that the frame before it is there. While
//! too much is on its way nothing more is drawn, so that a slow terminal is never far behind. Of a
//! terminal that never answered nothing is known: there a frame counts as shown once it is written.
//! Pure; the times come from the loop.

use std::collections::VecDeque;
use std::time::Duration;

/// Bytes of frames that may be on their way when a further one is drawn.
const MAX_UNDERWAY: usize = 4 * 1024;
/// After this long without an answer the terminal is asked once more: it may have been another one
/// that the last question went to.
const SILENCE: Duration = Duration::from_secs(5);
/// How long an answer is awaited of a terminal that has given none yet.
const FIRST: Duration = Duration::from_secs(2);

/// What is to be done for the sake of the answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// Ask once more.
    Ask,
    /// Draw all of it anew: what was on its way is lost.
    Draw,
}

/// The frames on their way, each with its `T`.
#[derive(Debug)]
pub struct Fence<T> {
    underway: VecDeque<Frame<T>>,
    does_answer: bool,
    /// Whether the terminal stood still, so that nobody knows where the last frames went.
    stood_still: bool,
    asked: Duration,
    answered: Duration,
}

#[derive(Debug)]
struct Frame<T> {
    what: Option<T>,
    /// None any more when it is there.
    bytes: usize,
    /// The questions behind it.
    questions: usize,
}

impl<T> Default for Fence<T> {
    fn default() -> Self {
        Self {
            underway: VecDeque::new(),
            does_answer: false,
            stood_still: false,
            asked: Duration::ZERO,
            answered: Duration::ZERO,
        }
    }
}

impl<T> Fence<T> {
    /// Whether the terminal answers, so that frames are followed by questions.
    #[must_use]
    pub fn does_answer(&self) -> bool {
        self.does_answer
    }

    /// So many bytes were written, and a question behind them.
    pub fn asked(&mut self, what: Option<T>, bytes: usize, now: Duration) {
        self.asked = now;
        self.underway.push_back(Frame {
            what,
            bytes,
            questions: 1,
        });
    }

    /// A question was asked once more, behind nothing. Who answers it may be another terminal, which
    /// never got the frames before.
    pub fn asked_again(&mut self, now: Duration) {
        self.asked = now;
        self.stood_still = true;
        for frame in &mut self.underway {
            frame.what = None;
        }
        if let Some(last) = self.underway.back_mut() {
            last.questions += 1;
        }
    }

    /// An answer came; gives the frame that is there now.
    pub fn answered(&mut self, now: Duration) -> Option<T> {
        self.does_answer = true;
        self.answered = now;
        let first = self.underway.front_mut()?;
        let what = first.what.take();
        first.bytes = 0;
        first.questions = first.questions.saturating_sub(1);
        if first.questions == 0 {
            self.underway.pop_front();
        }
        what
    }

    /// Whether a further frame may be drawn.
    #[must_use]
    pub fn has_room(&self) -> bool {
        let underway: usize = self.underway.iter().map(|frame| frame.bytes).sum();
        underway <= MAX_UNDERWAY
    }

    /// Whether an answer may still come.
    #[must_use]
    pub fn owes(&self, now: Duration) -> bool {
        let in_time = self.does_answer || now.saturating_sub(self.asked) < FIRST;
        in_time && !self.underway.is_empty()
    }

    /// What is to be done because no answer came.
    pub fn need(&mut self, now: Duration) -> Option<Need> {
        if self.underway.is_empty() {
            return std::mem::take(&mut self.stood_still).then_some(Need::Draw);
        }
        let silent = now.saturating_sub(self.asked.max(self.answered));
        if !self.does_answer || silent < SILENCE {
            return None;
        }
        // Answers come in order: one that came behind the last question, and none since, was its.
        if self.answered > self.asked {
            self.forget();
            return Some(Need::Draw);
        }
        Some(Need::Ask)
    }

    /// Whatever is on its way went to somebody else.
    pub fn forget(&mut self) {
        self.underway.clear();
        self.stood_still = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    /// A terminal that has answered the first question.
    fn answering() -> Fence<u32> {
        let mut fence = Fence::default();
        fence.asked(None, 0, s(0));
        assert_eq!(fence.answered(s(0)), None);
        fence
    }

    #[test]
    fn a_frame_is_there_when_its_question_is_answered() {
        let mut fence = answering();
        fence.asked(Some(1), 100, s(1));
        fence.asked(Some(2), 100, s(1));
        assert!(fence.owes(s(100)));
        assert_eq!(fence.answered(s(2)), Some(1));
        assert_eq!(fence.answered(s(3)), Some(2));
        assert!(!fence.owes(s(3)));
        assert_eq!(
            fence.answered(s(4)),
            None,
            "an answer that nobody asked for"
        );
    }

    #[test]
    fn nothing_more_is_drawn_while_much_is_on_its_way() {
        let mut fence = answering();
        assert!(fence.has_room());
        fence.asked(Some(1), 100, s(1));
        assert!(fence.has_room(), "typing need not wait for each letter");
        fence.asked(Some(2), 20_000, s(1));
        assert!(!fence.has_room());
        fence.answered(s(2));
        assert!(!fence.has_room());
        fence.answered(s(20));
        assert!(fence.has_room());
    }

    #[test]
    fn of_a_terminal_that_never_answered_nothing_is_expected() {
        let mut fence: Fence<u32> = Fence::default();
        fence.asked(None, 0, s(0));
        assert!(!fence.does_answer());
        assert!(fence.owes(s(1)));
        assert!(!fence.owes(s(3)));
        assert_eq!(fence.need(s(100)), None);
        assert!(fence.has_room());
        // It may be slow.
        fence.answered(s(200));
        assert!(fence.does_answer());
    }

    #[test]
    fn a_terminal_that_stands_still_is_asked_now_and_then_and_drawn_anew_after_it() {
        let mut fence = answering();
        fence.asked(Some(1), 10_000, s(1));
        assert_eq!(fence.need(s(5)), None);
        for at in [6, 11, 16] {
            assert_eq!(fence.need(s(at)), Some(Need::Ask));
            fence.asked_again(s(at));
            assert_eq!(fence.need(s(at + 1)), None);
        }
        assert!(!fence.has_room());
        for _ in 0..3 {
            assert_eq!(fence.answered(s(20)), None, "who knows what it shows");
            assert_eq!(fence.need(s(20)), None);
        }
        assert_eq!(fence.answered(s(21)), None);
        assert_eq!(fence.need(s(21)), Some(Need::Draw));
        assert_eq!(fence.need(s(21)), None);
        fence.asked(Some(2), 10_000, s(21));
        assert_eq!(fence.answered(s(22)), Some(2));
        assert!(!fence.owes(s(22)));
    }

    #[test]
    fn what_another_terminal_took_with_it_is_drawn_anew() {
        let mut fence = answering();
        fence.asked(Some(1), 10_000, s(1));
        assert_eq!(fence.need(s(6)), Some(Need::Ask));
        fence.asked_again(s(6));
        // The other terminal answers what it was asked, and no more.
        assert_eq!(fence.answered(s(7)), None);
        assert_eq!(fence.need(s(11)), None);
        assert_eq!(fence.need(s(12)), Some(Need::Draw));
        assert!(fence.has_room() && !fence.owes(s(12)));
        assert_eq!(fence.need(s(99)), None);
    }
}
