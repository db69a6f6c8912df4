//! When a decision key counts.
//!
//! What the decision keys are about is told by the last frame that reached the terminal
//! ([`DecisionView`]). A key counts once that has been on the screen, unchanged, for the guard time.
//! A yes also needs every row of the text to have been on the screen, for which the rows that each
//! frame showed are recorded here. There is no clock here: the time comes with each frame and key.
//!
//! Bounds: coverage is kept for pending approvals and the open dialog only, of each for at most
//! `MAX_LAYOUTS` layouts.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::Range;
use std::time::Duration;

use ratatui::text::Line;

use crate::tui::keymap::Chord;

/// Layouts of a text (widths, shapes) whose rows are remembered; the oldest is forgotten first.
const MAX_LAYOUTS: usize = 4;
/// When a key was pressed, as far as that can be known.
///
/// A key waits in the terminal while the dashboard is busy or stopped, so that it may have been pressed
/// long before it is read, at a screen that nobody had seen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Press {
    /// Not before this: then nothing was waiting to be read.
    pub earliest: Duration,
    /// When it was read.
    pub read: Duration,
}

/// Two presses of a key within this time are a key that is held down, not two decisions.
const KEY_REPEAT: Duration = Duration::from_millis(150);
/// Texts of more rows than this may be approved without having been read to the end, by a key of
/// its own, and the record says so.
pub const LONG_TEXT: usize = 200;

/// What a frame showed under the decision keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecisionView {
    /// The approval; of a batch, none.
    pub approval: Option<String>,
    /// The open form, where the keys are that form's.
    pub form: Option<String>,
    /// What is asked, by whom and where.
    pub heading: String,
    /// Columns and rows of the terminal: another size draws everything anew.
    pub size: (u16, u16),
    /// Which part of the text was shown; none where the form shows no text that must be read.
    pub text: Option<TextView>,
}

/// Which part of a text was on the screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextView {
    /// Whose text: an approval, or a dialog's own.
    pub subject: String,
    /// The version of what is told. Grows when the content changes, not with the size of the screen.
    pub content: u64,
    /// A fingerprint of the rows as they were laid out.
    pub layout: u64,
    /// The rows that were drawn, whole.
    pub rows: Range<usize>,
    /// The rows that there are.
    pub total: usize,
    /// What of the text no row shows.
    pub left_out: LeftOut,
}

/// What of a text no row shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LeftOut {
    #[default]
    Nothing,
    /// So many bytes.
    Bytes(usize),
    /// The text itself: it is not known.
    Unknown,
}

impl LeftOut {
    /// So many bytes, or nothing.
    #[must_use]
    pub fn of_bytes(bytes: usize) -> Self {
        match bytes {
            0 => Self::Nothing,
            bytes => Self::Bytes(bytes),
        }
    }

    /// The bytes that more rows would show.
    #[must_use]
    pub fn bytes(self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::Nothing | Self::Unknown => 0,
        }
    }

    /// Whether all of the text is in the rows.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Self::Nothing
    }
}

/// A fingerprint of rows as they were laid out.
#[must_use]
pub fn fingerprint(rows: &[Line<'_>]) -> u64 {
    let mut hasher = DefaultHasher::new();
    for row in rows {
        for span in &row.spans {
            span.content.hash(&mut hasher);
        }
        "\n".hash(&mut hasher);
    }
    hasher.finish()
}

/// What of a text has not been on the screen yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread {
    /// Rows.
    pub lines: usize,
    /// What is beyond the rows that are laid out.
    pub left_out: LeftOut,
    /// The first row that was not drawn.
    pub first: usize,
    /// Whether the text is so long that it may be approved unread.
    pub is_long: bool,
}

impl Unread {
    /// What has not been read, in words.
    #[must_use]
    pub fn describe(self) -> String {
        let lines = match self.lines {
            1 => "1 line".to_owned(),
            lines => format!("{lines} lines"),
        };
        match (self.lines, self.left_out) {
            (_, LeftOut::Nothing) => format!("{lines} not read"),
            (_, LeftOut::Unknown) => "its text is not known".to_owned(),
            (0, LeftOut::Bytes(bytes)) => format!("{} not read", crate::format::bytes(bytes)),
            (_, LeftOut::Bytes(bytes)) => {
                format!("{lines} and {} not read", crate::format::bytes(bytes))
            }
        }
    }

    /// The lines, for the record. What is not laid out counts a line for every 80 bytes, a text that is
    /// not known one.
    #[must_use]
    pub fn count(self) -> u32 {
        let more = match self.left_out {
            LeftOut::Nothing => 0,
            LeftOut::Bytes(bytes) => bytes.div_ceil(80),
            LeftOut::Unknown => 1,
        };
        let lines = self.lines.saturating_add(more);
        u32::try_from(lines).unwrap_or(u32::MAX)
    }

    /// Whether all of it was drawn.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self.lines == 0 && self.left_out.is_nothing()
    }
}

/// The rows of one text that were drawn so far.
#[derive(Clone, Debug, Default)]
struct Coverage {
    content: u64,
    /// All of it was drawn, in whichever layout.
    complete: bool,
    layouts: Vec<Layout>,
}

/// The rows of one layout that were drawn so far.
#[derive(Clone, Debug)]
struct Layout {
    fingerprint: u64,
    total: usize,
    left_out: LeftOut,
    /// Sorted, apart from each other.
    drawn: Vec<Range<usize>>,
}

/// When a decision key counts.
#[derive(Clone, Debug, Default)]
pub struct DecisionGuard {
    shown: Option<DecisionView>,
    since: Duration,
    /// Frames that were sent to the terminal.
    sent: u64,
    /// The frame that brings what is shown, until it has reached the screen.
    awaited: Option<u64>,
    coverage: HashMap<String, Coverage>,
    last_key: Option<(Chord, Press)>,
    is_repeat: bool,
    is_changing: bool,
}

impl DecisionGuard {
    /// A frame is about to be drawn; says for the drawing whether it shows something new.
    pub fn begin_frame(&mut self, view: Option<&DecisionView>) {
        self.is_changing = self.shown.as_ref() != view;
    }

    /// Whether the frame that is being drawn shows something else under the decision keys.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        self.is_changing
    }

    /// A frame was sent to the terminal; gives its number. What is new in it decides nothing before it
    /// has arrived.
    pub fn frame_sent(&mut self, view: Option<&DecisionView>) -> u64 {
        self.sent += 1;
        if self.shown.as_ref() != view {
            self.shown = view.cloned();
            self.awaited = Some(self.sent);
        }
        self.sent
    }

    /// The frame of this number has reached the screen.
    pub fn frame_arrived(&mut self, number: u64, view: Option<&DecisionView>, at: Duration) {
        if self.awaited.is_some_and(|awaited| awaited <= number) {
            self.awaited = None;
            self.since = at;
        }
        if let Some(text) = view.and_then(|view| view.text.as_ref()) {
            self.record(text);
        }
    }

    /// A frame was sent and reached the screen at once.
    #[cfg(test)]
    pub fn frame_shown(&mut self, view: Option<&DecisionView>, at: Duration) {
        let number = self.frame_sent(view);
        self.frame_arrived(number, view, at);
    }

    /// What the last frame showed under the decision keys.
    #[must_use]
    pub fn shown(&self) -> Option<&DecisionView> {
        self.shown.as_ref()
    }

    /// For how long a decision key still does nothing; zero: it counts.
    #[must_use]
    pub fn remaining(&self, now: Duration, guard: Duration) -> Duration {
        if self.awaited.is_some() {
            return guard.max(Duration::from_millis(1));
        }
        guard.saturating_sub(now.saturating_sub(self.since))
    }

    /// What was on the screen is no longer: another program had the terminal. The time starts anew
    /// when it is drawn again.
    pub fn hidden(&mut self) {
        self.shown = None;
        self.awaited = None;
    }

    /// Notes that a key was pressed, or repeats because it is held down. Terminals that report
    /// repeats say so (`is_reported`); of the others a fast sequence of one key is taken for one.
    pub fn key_pressed(&mut self, key: Chord, is_reported: bool, press: Press) {
        self.is_repeat = is_reported
            || self.last_key.is_some_and(|(last, before)| {
                last == key && press.earliest.saturating_sub(before.read) < KEY_REPEAT
            });
        self.last_key = Some((key, press));
    }

    /// Whether the last key is one that is held down.
    #[must_use]
    pub fn is_repeat(&self) -> bool {
        self.is_repeat
    }

    /// Whether the last key may decide: it is no repeat, and what it is about had been on the screen
    /// for the guard time when it was pressed. A repeat starts the time anew, so that a key never
    /// decides by being held; a person who merely was early is not made to wait longer.
    pub fn admits(&mut self, guard: Duration) -> bool {
        let press = self.last_key.map(|(_, press)| press).unwrap_or_default();
        if self.is_repeat {
            self.since = press.read;
            return false;
        }
        self.remaining(press.earliest, guard).is_zero()
    }

    /// What of a text is not drawn yet, these rows being on the screen.
    #[must_use]
    pub fn unread(&self, text: &TextView) -> Unread {
        let is_long = text.total > LONG_TEXT || !text.left_out.is_nothing();
        let known = self
            .coverage
            .get(&text.subject)
            .filter(|known| known.content == text.content);
        if known.is_some_and(|known| known.complete) {
            return Unread::default();
        }
        let layout = known.and_then(|known| {
            known
                .layouts
                .iter()
                .find(|layout| layout.fingerprint == text.layout)
        });
        let mut drawn = layout.map_or_else(Vec::new, |layout| layout.drawn.clone());
        add(&mut drawn, text.rows.clone());
        let seen: usize = drawn.iter().map(ExactSizeIterator::len).sum();
        let first = match drawn.first() {
            Some(range) if range.start == 0 => range.end,
            Some(_) | None => 0,
        };
        Unread {
            lines: text.total.saturating_sub(seen),
            left_out: text.left_out,
            first,
            is_long,
        }
    }

    /// Forgets the texts that are no longer asked about.
    pub fn retain(&mut self, is_wanted: impl Fn(&str) -> bool) {
        self.coverage.retain(|subject, _| is_wanted(subject));
    }

    fn record(&mut self, text: &TextView) {
        let known = self.coverage.entry(text.subject.clone()).or_default();
        if known.content != text.content {
            *known = Coverage {
                content: text.content,
                ..Coverage::default()
            };
        }
        let at = known
            .layouts
            .iter()
            .position(|layout| layout.fingerprint == text.layout);
        let at = at.unwrap_or_else(|| {
            if known.layouts.len() >= MAX_LAYOUTS {
                known.layouts.remove(0);
            }
            known.layouts.push(Layout {
                fingerprint: text.layout,
                total: text.total,
                left_out: text.left_out,
                drawn: Vec::new(),
            });
            known.layouts.len() - 1
        });
        let Some(layout) = known.layouts.get_mut(at) else {
            return;
        };
        add(&mut layout.drawn, text.rows.clone());
        let all = layout.total == 0
            || matches!(layout.drawn.as_slice(), [one] if one.start == 0 && one.end >= layout.total);
        known.complete |= all && layout.left_out.is_nothing() && !text.rows.is_empty();
    }
}

/// Adds a range to sorted ranges, joining those that touch.
fn add(ranges: &mut Vec<Range<usize>>, new: Range<usize>) {
    if new.is_empty() {
        return;
    }
    let start = ranges.partition_point(|range| range.end < new.start);
    let end = ranges.partition_point(|range| range.start <= new.end);
    let joined = ranges
        .get(start..end)
        .unwrap_or_default()
        .iter()
        .fold(new, |joined, range| {
            joined.start.min(range.start)..joined.end.max(range.end)
        });
    ranges.splice(start..end, [joined]);
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use proptest::prelude::*;

    use super::*;

    fn text(layout: u64, rows: Range<usize>, total: usize) -> TextView {
        TextView {
            subject: "a1".to_owned(),
            content: 0,
            layout,
            rows,
            total,
            left_out: LeftOut::Nothing,
        }
    }

    fn view(text: TextView) -> DecisionView {
        DecisionView {
            approval: Some("a1".to_owned()),
            form: None,
            heading: String::new(),
            size: (80, 24),
            text: Some(text),
        }
    }

    fn ms(milliseconds: u64) -> Duration {
        Duration::from_millis(milliseconds)
    }

    /// A key that is read as it is pressed.
    fn at_once(milliseconds: u64) -> Press {
        Press {
            earliest: ms(milliseconds),
            read: ms(milliseconds),
        }
    }

    const GUARD: Duration = Duration::from_millis(400);

    #[test]
    fn the_time_runs_from_the_last_change_of_what_is_shown() {
        let mut guard = DecisionGuard::default();
        let first = view(text(1, 0..10, 30));
        guard.frame_shown(Some(&first), ms(0));
        guard.frame_shown(Some(&first), ms(300));
        assert_eq!(guard.remaining(ms(300), GUARD), ms(100));
        assert_eq!(guard.remaining(ms(400), GUARD), ms(0));
        guard.frame_shown(Some(&view(text(1, 10..20, 30))), ms(500));
        assert_eq!(guard.remaining(ms(500), GUARD), GUARD);
        guard.frame_shown(None, ms(600));
        guard.frame_shown(Some(&view(text(1, 10..20, 30))), ms(700));
        assert_eq!(guard.remaining(ms(800), GUARD), ms(300));
    }

    #[test]
    fn a_text_is_read_when_each_row_was_drawn_in_one_layout() {
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&view(text(1, 0..10, 30))), ms(0));
        let unread = guard.unread(&text(1, 0..10, 30));
        assert_eq!((unread.lines, unread.first), (20, 10));
        // Another width: those rows are others.
        guard.frame_shown(Some(&view(text(2, 5..30, 40))), ms(0));
        assert_eq!(guard.unread(&text(2, 5..30, 40)).lines, 15);
        guard.frame_shown(Some(&view(text(1, 20..30, 30))), ms(0));
        guard.frame_shown(Some(&view(text(1, 9..21, 30))), ms(0));
        // Once read, it stays so at any width, until it says something else.
        assert!(guard.unread(&text(2, 0..1, 40)).is_nothing());
        let mut other = text(1, 0..10, 30);
        other.content = 1;
        assert_eq!(guard.unread(&other).lines, 20);
    }

    #[test]
    fn what_no_row_shows_is_never_read() {
        let mut guard = DecisionGuard::default();
        let mut huge = text(1, 0..10, 10);
        huge.left_out = LeftOut::Bytes(5);
        guard.frame_shown(Some(&view(huge.clone())), ms(0));
        let unread = guard.unread(&huge);
        assert!(!unread.is_nothing() && unread.is_long);
        // Nor is a text of which the screen had room for no row.
        let none = text(1, 0..0, 3);
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&view(none.clone())), ms(0));
        assert_eq!(guard.unread(&none).lines, 3);
    }

    #[test]
    fn a_key_that_is_held_never_comes_late_enough() {
        let key = Chord::parse("y").unwrap();
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&view(text(1, 0..1, 1))), ms(0));
        for at in (10..2_000).step_by(33) {
            guard.key_pressed(key, false, at_once(at));
            assert!(!guard.admits(GUARD), "{at}");
        }
        // Who was early once is not made to wait longer.
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&view(text(1, 0..1, 1))), ms(0));
        guard.key_pressed(key, false, at_once(200));
        assert!(!guard.admits(GUARD));
        guard.key_pressed(key, false, at_once(400));
        assert!(guard.admits(GUARD));
        guard.key_pressed(key, true, at_once(5_000));
        assert!(!guard.admits(GUARD), "a reported repeat");
    }

    #[test]
    fn a_key_that_was_read_late_counts_from_when_it_may_have_been_pressed() {
        let key = Chord::parse("y").unwrap();
        let late = |earliest, read| Press {
            earliest: ms(earliest),
            read: ms(read),
        };
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&view(text(1, 0..1, 1))), ms(1_000));
        // The dashboard was busy from the frame on: the key may be as old as that.
        guard.key_pressed(key, false, late(990, 2_000));
        assert!(!guard.admits(GUARD));
        // The next one is held: it comes soon after the first was read.
        guard.key_pressed(key, false, late(2_030, 2_030));
        assert!(!guard.admits(GUARD));
        guard.key_pressed(key, false, late(2_400, 2_500));
        assert!(!guard.admits(GUARD), "a repeat began the time anew");
        guard.key_pressed(key, false, late(2_900, 2_900));
        assert!(guard.admits(GUARD));
    }

    #[test]
    fn what_comes_back_from_behind_another_program_is_new_on_the_screen() {
        let key = Chord::parse("y").unwrap();
        let shown = view(text(1, 0..1, 1));
        let mut guard = DecisionGuard::default();
        guard.frame_shown(Some(&shown), ms(0));
        guard.hidden();
        guard.frame_shown(Some(&shown), ms(5_000));
        guard.key_pressed(key, false, at_once(5_100));
        assert!(!guard.admits(GUARD));
        guard.key_pressed(key, false, at_once(5_400));
        assert!(guard.admits(GUARD));
    }

    #[test]
    fn what_is_on_its_way_to_the_screen_decides_nothing() {
        let key = Chord::parse("y").unwrap();
        let (first, second) = (view(text(1, 0..10, 30)), view(text(1, 10..30, 30)));
        let mut guard = DecisionGuard::default();
        let one = guard.frame_sent(Some(&first));
        guard.key_pressed(key, false, at_once(5_000));
        assert!(!guard.admits(GUARD), "it has not arrived");
        let two = guard.frame_sent(Some(&second));
        guard.frame_arrived(one, Some(&first), ms(6_000));
        guard.key_pressed(key, false, at_once(7_000));
        assert!(!guard.admits(GUARD), "what came before it has");
        assert_eq!(
            guard.unread(&text(1, 10..10, 30)).lines,
            20,
            "only that was drawn"
        );
        guard.frame_arrived(two, Some(&second), ms(8_000));
        guard.key_pressed(key, false, at_once(8_300));
        assert!(!guard.admits(GUARD), "the guard time begins then");
        guard.key_pressed(key, false, at_once(8_500));
        assert!(guard.admits(GUARD));
        // The same again needs no waiting.
        let _ = guard.frame_sent(Some(&second));
        guard.key_pressed(key, false, at_once(9_000));
        assert!(guard.admits(GUARD));
        // Nor does one who asked for no guard time decide about what is not there.
        let _ = guard.frame_sent(Some(&first));
        guard.key_pressed(key, false, at_once(9_500));
        assert!(!guard.admits(Duration::ZERO));
    }

    proptest! {
        #[test]
        fn ranges_are_what_was_added(added in proptest::collection::vec((0_usize..40, 0_usize..8), 0..20)) {
            let mut ranges = Vec::new();
            let mut naive = [false; 64];
            for (start, length) in added {
                add(&mut ranges, start..start + length);
                naive[start..start + length].fill(true);
            }
            for (at, is_in) in naive.iter().enumerate() {
                prop_assert_eq!(ranges.iter().any(|range| range.contains(&at)), *is_in);
            }
            prop_assert!(ranges.windows(2).all(|two| two[0].end < two[1].start));
        }
    }
}
