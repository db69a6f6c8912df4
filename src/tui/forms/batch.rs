//! One decision about many approvals.
//!
//! What it is about is fixed when the form opens. A yes is given only to requests whose whole text
//! this form has shown: each is listed in full, and `y` shows the next page until all were on the
//! screen. It then counts as every other yes does, once the form has been on the screen, unchanged, for
//! the guard time. What is dangerous, what is longer than [`MAX_ROWS`], and what wants more than a yes or a
//! no is skipped and counted. A request that changed or ended in the meantime is skipped too.

use std::collections::{BTreeMap, BTreeSet};

use crossterm::event::{KeyCode, KeyEvent};
use ratatui::buffer::Buffer;
use ratatui::layout::{Position, Rect};
use ratatui::text::{Line, Span};
use unicode_width::UnicodeWidthStr;

use crate::domain::danger::Verdict;
use crate::domain::{Decision, Kind};
use crate::protocol::approval::Approval;
use crate::protocol::decision::SendDecisionParams;
use crate::tui::forms::Form;
use crate::tui::forms::deny::NO_REASON;
use crate::tui::forms::drawing::{guarded, keys_at_foot};
use crate::tui::forms::keys::After;
use crate::tui::forms::reply_options::{self, ReplyKey, ReplyOption, ReplyOptions};
use crate::tui::forms::yes::{NO, Yes};
use crate::tui::state::App;
use crate::tui::state::guard::{self, LeftOut, TextView};
use crate::tui::state::inbox::Batch;
use crate::tui::state::notice::Tone;
use crate::tui::update::connection::can_send;
use crate::tui::update::{decide, notify};
use crate::tui::view::card;
use crate::tui::view::widgets::{fit, popup};

/// Rows of a request's text beyond which it is decided by itself.
pub const MAX_ROWS: usize = 12;

/// Bytes of a request's input beyond which it is decided by itself.
const MAX_BYTES: usize = 4 * 1024;

/// Requests that are approved at once; of more, the oldest.
pub const MAX_BATCH: usize = 200;

/// Columns of the form.
const WIDTH: u16 = 100;

/// Why a request is not part of the batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Skipped {
    /// It must be decided by itself.
    Dangerous,
    /// It must be decided by itself: nobody can tell what it would run.
    CantTell,
    /// Its text is too long for the list.
    LongerThanShown,
    /// It wants a review or an answer.
    Question,
    /// A plan is reviewed by itself.
    Plan,
    /// A message wants an answer.
    Message,
    /// A yes or a no is not what it takes.
    NotPossible,
    /// It is being decided already.
    Sending,
    /// The batch is full.
    BeyondBatch,
}

impl Skipped {
    fn describe(self, count: usize) -> String {
        let plural = |one: &str| {
            let s = if count == 1 { "" } else { "s" };
            format!("{count} {one}{s}")
        };
        match self {
            Self::Dangerous => format!("{count} dangerous"),
            Self::CantTell => format!("{count} (can't tell what runs)"),
            Self::LongerThanShown => format!("{count} longer than shown"),
            Self::Question => plural("question"),
            Self::Plan => plural("plan"),
            Self::Message => plural("message"),
            Self::NotPossible => format!("{count} that can't be decided this way"),
            Self::Sending => format!("{count} already being sent"),
            Self::BeyondBatch => format!("{count} beyond the first {MAX_BATCH}"),
        }
    }
}

/// One request of the batch, as it was when the form opened.
#[derive(Clone, Debug)]
pub struct BatchItem {
    /// The request.
    approval: Approval,
    /// The tool, as people call it.
    tool: String,
    session: String,
}

impl BatchItem {
    /// The approval's id.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.approval.id
    }
}

#[derive(Clone, Debug, Default)]
pub struct BatchDecision {
    /// Yes, or no.
    pub yes: bool,
    /// What is decided.
    pub items: Vec<BatchItem>,
    /// What is not, and why: how many of each.
    pub skipped: BTreeMap<Skipped, usize>,
    /// The reason of a no.
    pub reason: ReplyOptions,
    /// The first row shown.
    scroll: usize,
    /// The list as it was laid out.
    layout: Option<ListLayout>,
    /// Rows of the list that there is room for.
    page: usize,
}

/// The list, laid out.
#[derive(Clone, Debug)]
struct ListLayout {
    /// For how many columns.
    width: u16,
    lines: Vec<Line<'static>>,
    fingerprint: u64,
}

impl BatchDecision {
    /// About the marked requests, else about all that are shown.
    #[must_use]
    pub fn of(app: &App, yes: bool, quick: &[String]) -> Self {
        let marked: Vec<String> = app
            .data
            .pending
            .keys()
            .filter(|id| app.inbox.marked.contains(*id))
            .cloned()
            .collect();
        let ids = if marked.is_empty() {
            app.inbox.shown(&app.data)
        } else {
            marked
        };
        let mut form = Self {
            yes,
            reason: ReplyOptions::of(
                quick
                    .iter()
                    .map(|reason| ReplyOption::words(reason))
                    .collect(),
            ),
            ..Self::default()
        };
        for approval in ids.iter().filter_map(|id| app.data.pending(id)) {
            match form.skips(app, approval) {
                Some(why) => *form.skipped.entry(why).or_default() += 1,
                None => form.items.push(BatchItem {
                    approval: approval.clone(),
                    tool: crate::tui::transcript::tool_label(&approval.tool_name),
                    session: app
                        .data
                        .session(&approval.session_id)
                        .map(|session| crate::format::subject(session, 60))
                        .unwrap_or_default(),
                }),
            }
        }
        form
    }

    fn skips(&self, app: &App, approval: &Approval) -> Option<Skipped> {
        let can = approval.can();
        let is_long =
            || card::is_longer_than(app, approval, text_width(WIDTH), MAX_ROWS, MAX_BYTES);
        match approval.kind {
            _ if app.inbox.sending.contains_key(&approval.id) => Some(Skipped::Sending),
            Kind::Question => Some(Skipped::Question),
            Kind::Plan => Some(Skipped::Plan),
            Kind::Contact => Some(Skipped::Message),
            Kind::Permission if !(if self.yes { can.approve } else { can.deny }) => {
                Some(Skipped::NotPossible)
            }
            // A no needs no text to be read.
            Kind::Permission if !self.yes => None,
            Kind::Permission if self.items.len() >= MAX_BATCH => Some(Skipped::BeyondBatch),
            Kind::Permission => match Verdict::of(app.inbox.dangers(&approval.id)) {
                Some(Verdict::Dangerous) => Some(Skipped::Dangerous),
                Some(Verdict::CantTell) => Some(Skipped::CantTell),
                None => is_long().then_some(Skipped::LongerThanShown),
            },
        }
    }

    /// What it is about, for telling whether that was drawn.
    #[must_use]
    pub fn identity(&self) -> String {
        let ids: Vec<&str> = self.items.iter().map(BatchItem::id).collect();
        format!("batch {} {}", self.yes, ids.join(" "))
    }

    /// How many of what will be decided.
    fn title(&self) -> String {
        let mut tools: BTreeMap<&str, usize> = BTreeMap::new();
        for item in &self.items {
            *tools.entry(&item.tool).or_default() += 1;
        }
        let mut tools: Vec<(&str, usize)> = tools.into_iter().collect();
        tools.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        let tools: Vec<String> = tools
            .into_iter()
            .map(|(tool, count)| format!("{count} {tool}"))
            .collect();
        let verb = if self.yes { "Approve" } else { "Deny" };
        format!("{verb} {}: {}", self.items.len(), tools.join(", "))
    }

    /// What is skipped, in words; empty where nothing is.
    #[must_use]
    pub fn skipped_words(&self) -> String {
        let parts: Vec<String> = self
            .skipped
            .iter()
            .map(|(why, count)| why.describe(*count))
            .collect();
        parts.join(", ")
    }
}

/// Decides all that is listed, one decision each: `y` approves once all of it was shown, Enter denies with the
/// reason that is typed.
pub fn key(app: &mut App, mut form: Box<BatchDecision>, key: KeyEvent) -> After {
    match key.code {
        KeyCode::PageDown => form.scroll = form.scroll.saturating_add(form.page.max(1)),
        KeyCode::PageUp => form.scroll = form.scroll.saturating_sub(form.page.max(1)),
        KeyCode::Down | KeyCode::Char('j') if form.yes => form.scroll += 1,
        KeyCode::Up | KeyCode::Char('k') if form.yes => {
            form.scroll = form.scroll.saturating_sub(1);
        }
        _ if form.yes && Yes::Letter.takes(key) => match decide::must_read(app) {
            Some(unread) => form.scroll = unread.first,
            None if !can_send(app) => {}
            None => return send(app, &form),
        },
        _ if form.yes => {}
        _ => match reply_options::key(&mut form.reason, key) {
            ReplyKey::Send if !can_send(app) => {}
            ReplyKey::Send => return send(app, &form),
            ReplyKey::Taken | ReplyKey::Editor => {}
        },
    }
    After::Stay(Form::Batch(form))
}

fn send(app: &mut App, form: &BatchDecision) -> After {
    let mut effects = Vec::new();
    let mut waiting = BTreeSet::new();
    let mut skipped: usize = form.skipped.values().sum();
    for item in &form.items {
        let now = app.data.pending(item.id());
        let is_same = now.is_some_and(|now| {
            now.tool_name == item.approval.tool_name && now.tool_input == item.approval.tool_input
        });
        let is_open = is_same && decide::is_open(app, item.id());
        if !is_open {
            skipped += 1;
            continue;
        }
        let (word, decision) = if form.yes {
            ("approving", Decision::approve())
        } else {
            let reason = form.reason.typed();
            let reason = reason.unwrap_or_else(|| NO_REASON.to_owned());
            ("denying", Decision::deny(reason))
        };
        let params = SendDecisionParams::new(item.id(), decision);
        effects.extend(decide::send(app, word, params));
        waiting.insert(item.id().to_owned());
    }
    app.inbox.marked.clear();
    let word = if form.yes { "Approving" } else { "Denying" };
    notify(app, Tone::Plain, format!("{word} {}…", waiting.len()));
    app.inbox.batch = Some(Batch {
        yes: form.yes,
        waiting,
        skipped,
        ..Batch::default()
    });
    After::Close(effects)
}

/// Columns of a request's text in a form of this width: the frame and the mark before it are left out.
fn text_width(form: u16) -> u16 {
    form.saturating_sub(4)
}

/// Rows of the form that are not the list's: frame, keys and the row above them, what is skipped, the
/// reason of a no.
fn beside(form: &BatchDecision) -> u16 {
    let skipped = u16::from(!form.skipped.is_empty());
    skipped
        .saturating_add(reason_height(form))
        .saturating_add(4)
}

fn reason_height(form: &BatchDecision) -> u16 {
    if form.yes {
        0
    } else {
        reply_options::height(&form.reason) + 1
    }
}

/// Lays the list out and keeps its scrolling within what there is.
pub fn arrange(app: &App, form: &mut BatchDecision, screen: Rect) {
    lay_out(app, form, WIDTH.min(screen.width));
    let rows = form.layout.as_ref().map_or(0, |laid| laid.lines.len());
    let most = usize::from(screen.height.saturating_sub(beside(form)));
    form.page = rows.min(most);
    form.scroll = form.scroll.min(rows.saturating_sub(form.page));
}

/// Which rows of the list are on the screen; none of a no, which needs no text to be read.
#[must_use]
pub fn view(form: &BatchDecision) -> Option<TextView> {
    let laid = form.layout.as_ref().filter(|_| form.yes)?;
    Some(TextView {
        subject: form.identity(),
        content: 0,
        layout: laid.fingerprint,
        rows: form.scroll..form.scroll + form.page,
        total: laid.lines.len(),
        left_out: LeftOut::Nothing,
    })
}

pub fn draw(app: &App, form: &BatchDecision, screen: Rect, buf: &mut Buffer) -> Option<Position> {
    let theme = &app.theme;
    let wide = WIDTH.min(screen.width);
    let title = format!(
        " {} ",
        fit(&form.title(), usize::from(wide.saturating_sub(4)))
    );
    let title = if form.yes {
        Line::styled(title, theme.good)
    } else {
        Line::styled(title, theme.bad)
    };
    let skipped = form.skipped_words();
    let has_skipped = u16::from(!skipped.is_empty());
    let reason = reason_height(form);
    let ListLayout { lines, .. } = form.layout.as_ref()?;
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX);
    let height = wanted.saturating_add(beside(form));
    let inside = popup(theme, title, wide, height, screen, buf);
    let mut list = Rect {
        height: inside.height.saturating_sub(2),
        ..inside
    };
    if has_skipped > 0 && list.height > 0 {
        let words = fit(&format!("skipped: {skipped}"), usize::from(list.width));
        buf.set_string(list.x, list.y, words, theme.waiting);
        list.y += 1;
        list.height -= 1;
    }
    let mut cursor = None;
    if !form.yes {
        let area = Rect {
            height: reason.min(list.height),
            ..list
        };
        cursor = reply_options::draw(theme, &form.reason, NO_REASON, area, buf);
        list.y += area.height;
        list.height -= area.height;
    }
    for (line, y) in lines.iter().skip(form.scroll).zip(0..list.height) {
        buf.set_line(list.x, list.y + y, line, list.width);
    }
    let undrawn = view(form).map_or(0, |text| app.guard.unread(&text).lines);
    let below = lines.len().saturating_sub(form.scroll + form.page);
    let foot = inside.y + inside.height.saturating_sub(1);
    if below > 0 && inside.height > 1 {
        let words = format!("{below} more lines below");
        buf.set_stringn(
            inside.x,
            foot - 1,
            words,
            usize::from(inside.width),
            theme.waiting,
        );
    }
    let (decide, cancel) = match (form.yes, undrawn) {
        (true, 0) => ((Yes::Letter.label(), "approve all listed"), NO),
        (true, _) => ((Yes::Letter.label(), "next page"), NO),
        (false, _) => (("enter", "deny all listed"), "esc"),
    };
    let mut keys = vec![decide];
    if below > 0 || form.scroll > 0 {
        keys.push(("pagedown", "scroll"));
    }
    keys.push((cancel, "cancel"));
    keys_at_foot(&guarded(app), &keys, inside, buf);
    cursor
}

/// Lays the list out for so many columns, unless that is done: of a yes the whole texts, of a no a
/// line each.
fn lay_out(app: &App, form: &mut BatchDecision, width: u16) {
    if form.layout.as_ref().is_some_and(|laid| laid.width == width) {
        return;
    }
    let theme = &app.theme;
    let columns = usize::from(width.saturating_sub(2));
    let mut lines: Vec<Line<'static>> = Vec::new();
    for item in &form.items {
        if form.yes {
            let session = fit(&item.session, columns / 2);
            lines.push(Line::from(vec![
                Span::styled(format!("{}  ", fit(&item.tool, columns / 3)), theme.tool),
                Span::styled(session, theme.dim),
            ]));
            let rows = card::rows(app, &item.approval, text_width(width), MAX_BYTES);
            lines.extend(rows.into_iter().map(|mut row| {
                row.spans.insert(0, Span::raw("  "));
                row
            }));
        } else {
            lines.push(summary(app, item, columns));
        }
    }
    form.layout = Some(ListLayout {
        width,
        fingerprint: guard::fingerprint(&lines),
        lines,
    });
}

fn summary(app: &App, item: &BatchItem, columns: usize) -> Line<'static> {
    let theme = &app.theme;
    let right = fit(&item.session, columns / 2);
    let room = columns.saturating_sub(right.width() + 2);
    let what = fit(app.inbox.summary(item.id()), room);
    let pad = " ".repeat(room.saturating_sub(what.width()));
    Line::from(vec![
        Span::styled(format!("{what}{pad}  "), theme.text),
        Span::styled(right, theme.dim),
    ])
}
