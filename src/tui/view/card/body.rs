//! The rows of a question: what is dangerous about it, who asks and why, what it would do.

use std::path::{Component, Path};

use ratatui::style::Style;
use ratatui::text::Line;
use serde_json::{Value, json};

use super::clip::{self, clip};
use crate::domain::{Kind, Source, Tool};
use crate::format::bytes;
use crate::protocol::approval::Approval;
use crate::tui::state::App;
use crate::tui::state::card::{FileProbe, Subject, changed_path};
use crate::tui::state::guard::LeftOut;
use crate::tui::theme::Theme;
use crate::tui::transcript::text::{self, Row};
use crate::tui::transcript::{FileSource, NoFiles, tool_card};

/// What Claude Code says where it has no better reason than that nobody has allowed it.
const NO_REASON: &str = "This command requires approval";

/// Characters of a path that a file system may take; by a longer one no file can be named.
const MAX_PATH: usize = 4_096;

struct Sheet<'t> {
    theme: &'t Theme,
    width: usize,
    rows: Vec<Line<'static>>,
    /// Bytes of what is told beside the input that may still be laid out.
    rest: usize,
    /// Bytes of it that are not.
    left_out: usize,
}

impl Sheet<'_> {
    fn add(&mut self, row: &Row) {
        let rest = Row::of("  ", self.theme.text);
        self.rows.extend(row.words(self.width, &Row::new(), &rest));
    }

    /// As much of a foreign text as may be laid out.
    fn foreign(&mut self, row: &mut Row, text: &str, style: Style) {
        let kept = &text[..text.floor_char_boundary(self.rest)];
        let cut = text.len() - kept.len();
        // A character that does not fit whole is still the end.
        self.rest = if cut > 0 { 0 } else { self.rest - kept.len() };
        self.left_out += cut;
        row.foreign(kept, style, self.theme);
        if cut > 0 {
            row.own(&format!("… {} more", bytes(cut)), self.theme.waiting);
        }
    }

    /// `label: words`, the words being foreign.
    fn row(&mut self, label: &str, words: &str, style: Style) {
        if words.trim().is_empty() {
            return;
        }
        let mut row = Row::of(label, self.theme.dim);
        row.own(" ", self.theme.dim);
        self.foreign(&mut row, words.trim(), style);
        self.add(&row);
    }

    /// A text of several lines.
    fn block(&mut self, text: &str, style: Style) {
        for line in text::lines(text) {
            let row = Row::foreign_of(line, style, self.theme);
            self.rows
                .extend(row.words(self.width, &Row::new(), &Row::new()));
        }
    }

    /// A value with a heading.
    fn value(&mut self, heading: &str, value: &Value) {
        let room = u16::try_from(self.width.saturating_sub(2)).unwrap_or(u16::MAX);
        self.add(&Row::of(heading, self.theme.dim));
        let (kept, cut) = clip(value, self.rest);
        for mut row in tool_card("", &kept, &NoFiles, room, self.theme) {
            row.spans.insert(0, "  ".into());
            self.rows.push(row);
        }
        self.rest = self.rest.saturating_sub(clip::cost(&kept));
        self.more(cut);
        self.left_out += cut;
    }

    /// Says how many bytes no row shows.
    fn more(&mut self, cut: usize) {
        if cut > 0 {
            let words = format!("… {} more", bytes(cut));
            self.add(&Row::of(&words, self.theme.waiting));
        }
    }

    fn gap(&mut self) {
        let blank = |row: &Line<'_>| row.spans.iter().all(|span| span.content.trim().is_empty());
        if self.rows.last().is_some_and(|row| !blank(row)) {
            self.rows.push(Line::default());
        }
    }
}

/// The rows of an approval in so many columns, made of at most so many bytes of its input; and how
/// many bytes no row shows. `place` is where the session works, where the panel's title has no room
/// for that.
#[must_use]
pub fn body(
    app: &App,
    approval: &Approval,
    place: Option<&str>,
    width: u16,
    budget: usize,
) -> (Vec<Line<'static>>, LeftOut) {
    let theme = &app.theme;
    let mut sheet = Sheet {
        theme,
        width: usize::from(width.max(1)),
        rows: Vec::new(),
        rest: budget,
        left_out: 0,
    };
    if let Some(place) = place {
        sheet.row("in", place, theme.text);
    }
    if super::cuts_tool(approval, width) {
        sheet.row("Tool:", &approval.tool_name, theme.text);
    }
    let session = app.data.session(&approval.session_id);
    let problem = session.and_then(|session| session.directory_problem.as_deref());
    if let Some(problem) = problem {
        sheet.row("Problem:", problem, theme.waiting);
    }
    dangers(app, approval, &mut sheet);
    asker(approval, &mut sheet);
    blocked_path(app, approval, &mut sheet);
    let plan = plan_of_call(app, approval).map(|plan| json!({"plan": plan}));
    let (input, more) = clip(plan.as_ref().unwrap_or(&approval.tool_input), budget);
    let mut is_known = true;
    let subject = &app.card.subject;
    let is_subject = subject.approval.as_deref() == Some(approval.id.as_str());
    if is_subject {
        file(app, approval, subject, &mut sheet);
    }
    // Beside a part of the input the file would look as if the rest of it were removed.
    let files: &dyn FileSource = if is_subject && more == 0 {
        subject
    } else {
        &NoFiles
    };
    match approval.kind {
        Kind::Contact => contact(approval, &input, &mut sheet),
        Kind::Plan if is_bare(&input, "plan") => {
            sheet.add(&Row::of(
                "The plan did not come with the request, and its call is not loaded.",
                theme.waiting,
            ));
            // Nobody has read what is not known.
            is_known = false;
        }
        Kind::Plan | Kind::Permission | Kind::Question => {
            let rows = tool_card(&approval.tool_name, &input, files, width, theme);
            if rows.is_empty() {
                // An SDK leaves positional arguments out; a person must not take that for none.
                sheet.add(&Row::of("No input was given.", theme.waiting));
            }
            sheet.rows.extend(rows);
        }
    }
    sheet.more(more);
    options(approval, &mut sheet);
    if let Some(channel) = &approval.channel {
        sheet.value("Requested channel", channel);
    }
    if let Some(state) = &approval.sdk_state {
        sheet.value("Program state", state);
    }
    let left_out = match is_known {
        true => LeftOut::of_bytes(more + sheet.left_out),
        false => LeftOut::Unknown,
    };
    (sheet.rows, left_out)
}

fn dangers(app: &App, approval: &Approval, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    for danger in app.inbox.dangers(&approval.id) {
        let mut row = Row::of(danger.verdict.sign(), theme.danger);
        row.own(" ", theme.text);
        row.own(danger.reason, theme.bad);
        let whole = approval.tool_input.get("command").and_then(Value::as_str);
        if !danger.part.is_empty() && whole.is_none_or(|whole| whole.trim() != danger.part) {
            row.own(": ", theme.dim);
            row.foreign(&danger.part, theme.text, theme);
        }
        sheet.add(&row);
    }
}

/// Who asks, where it is not simply the session's agent, and why.
fn asker(approval: &Approval, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let mut who = Vec::new();
    if let Some(asker) = approval
        .asker
        .as_deref()
        .filter(|asker| approval.kind != Kind::Contact || super::cuts_asker(asker))
    {
        who.push(format!("by {asker}"));
    }
    if let Some(agent) = approval.agent_id.as_deref() {
        who.push(format!("by a subagent ({})", text::head(agent, 8)));
    }
    if !matches!(approval.source, Source::Claude | Source::Launch) {
        who.push(format!("over {}", approval.source.describe()));
    }
    if let Some(call) = approval.call_id.as_deref() {
        who.push(format!("as {call}"));
    }
    sheet.row("Asked", &who.join(" "), theme.text);
    if let Some(words) = approval.description.as_deref()
        && !is_in(&approval.tool_input, words)
    {
        sheet.row("Description:", words, theme.text);
    }
    if let Some(why) = approval.decision_reason.as_deref()
        && why != NO_REASON
    {
        sheet.row("Reason:", why, theme.text);
    }
}

/// The path that Claude Code stopped at: it names one also where that is in the working directory, as
/// for a pattern or a protected file.
fn blocked_path(app: &App, approval: &Approval, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let Some(path) = approval.blocked_path.as_deref() else {
        return;
    };
    if is_outside(app, approval, path) {
        sheet.row(OUTSIDE, path, theme.waiting);
    } else {
        sheet.row("Path that needs approval:", path, theme.text);
    }
}

/// How a path is introduced that is not below the session's working directory.
const OUTSIDE: &str = "Path outside the working directory:";

/// Whether a path is known not to be below the session's working directory, by its name alone: the file
/// system is not asked.
fn is_outside(app: &App, approval: &Approval, path: &str) -> bool {
    let session = app.data.session(&approval.session_id);
    let directory = session.and_then(|session| session.working_dir.as_deref());
    let Some(directory) = directory.filter(|directory| !directory.is_empty()) else {
        return false;
    };
    path.len() <= MAX_PATH && !plain(&Path::new(directory).join(path)).starts_with(directory)
}

/// A path without `..`, `.` and empty parts, by its name alone.
fn plain(path: &Path) -> std::path::PathBuf {
    let mut plain = std::path::PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(plain.pop()),
            Component::CurDir => {}
            part => plain.push(part),
        }
    }
    plain
}

/// A path that has `..`, `.` or empty parts, without them; none for one that has none.
fn without_detours(path: &str) -> Option<String> {
    if path.len() > MAX_PATH {
        return None;
    }
    let has_some = path
        .split('/')
        .skip(1)
        .any(|part| matches!(part, "" | "." | ".."));
    has_some.then(|| plain(Path::new(path)).to_string_lossy().into_owned())
}

/// Whether the input says the same words, so that they need not be said again.
fn is_in(input: &Value, words: &str) -> bool {
    let words = words.trim();
    words.is_empty()
        || input.as_object().is_some_and(|fields| {
            fields.values().filter_map(Value::as_str).any(|field| {
                let name = field.rsplit('/').next().unwrap_or(field);
                field.trim() == words || name == words
            })
        })
}

/// What is known of the file that the input names.
fn file(app: &App, approval: &Approval, subject: &Subject, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let Some(path) = changed_path(approval) else {
        return;
    };
    if approval.blocked_path.is_none() && is_outside(app, approval, path) {
        sheet.row(OUTSIDE, path, theme.waiting);
    }
    if path.trim() != path {
        sheet.row(
            "The path begins or ends with a blank:",
            &format!("{path:?}"),
            theme.waiting,
        );
    }
    if let Some(real) = without_detours(path) {
        sheet.row("The path without its detours:", &real, theme.waiting);
    }
    let writes = Tool::of(&approval.tool_name) == Some(Tool::Write);
    let session = app.data.session(&approval.session_id);
    let is_gone = session.is_some_and(|session| session.directory_problem.is_some());
    match &subject.found {
        Some(FileProbe::Missing) if writes && is_gone && !is_outside(app, approval, path) => {
            let words = "new file: writing it makes the directory again, with nothing else in it";
            sheet.add(&Row::of(words, theme.waiting));
        }
        Some(FileProbe::Missing) if writes => {
            sheet.add(&Row::of("new file", theme.dim));
        }
        Some(FileProbe::Missing) => sheet.add(&Row::of("file not found", theme.waiting)),
        Some(FileProbe::Text(text)) if writes => {
            let lines = text.lines().count();
            let words = format!("replaces a file of {lines} lines");
            sheet.add(&Row::of(&words, theme.waiting));
        }
        Some(FileProbe::Other(why)) => {
            sheet.row("Not compared with the file:", why, theme.waiting);
        }
        Some(FileProbe::Text(_)) | None => {}
    }
}

/// The plan that a request came without, where the conversation on the screen has its call.
pub(super) fn plan_of_call(app: &App, approval: &Approval) -> Option<String> {
    if approval.kind != Kind::Plan || !is_bare(&approval.tool_input, "plan") {
        return None;
    }
    let is_loaded = app.detail.session.as_deref() == Some(approval.session_id.as_str());
    let call = approval.tool_use_id.as_deref().filter(|_| is_loaded)?;
    let plan = app.detail.transcript.plan_of(call)?;
    (!plan.trim().is_empty()).then_some(plan)
}

fn is_bare(input: &Value, field: &str) -> bool {
    input
        .get(field)
        .and_then(Value::as_str)
        .is_none_or(|text| text.trim().is_empty())
}

/// A message: its subject, its words, and whatever else came with it.
fn contact(approval: &Approval, input: &Value, sheet: &mut Sheet<'_>) {
    let theme = sheet.theme;
    let words = |name: &str| input.get(name).and_then(Value::as_str).unwrap_or_default();
    if !words("subject").trim().is_empty() {
        sheet.add(&Row::foreign_of(
            words("subject").trim(),
            theme.heading,
            theme,
        ));
    }
    sheet.block(words("message"), theme.text);
    let mut rest = input.clone();
    if let Some(fields) = rest.as_object_mut() {
        fields.retain(|name, _| name != "subject" && name != "message");
        if fields.is_empty() {
            return;
        }
    }
    let room = u16::try_from(sheet.width).unwrap_or(u16::MAX);
    let rows = tool_card(&approval.tool_name, &rest, &NoFiles, room, theme);
    sheet.rows.extend(rows);
}

/// The answers, or the ways to refuse, that the asker offers.
fn options(approval: &Approval, sheet: &mut Sheet<'_>) {
    if approval.options.is_empty() {
        return;
    }
    let theme = sheet.theme;
    sheet.gap();
    if approval.kind != Kind::Contact {
        sheet.add(&Row::of("Ways to deny:", theme.dim));
    }
    for (index, option) in approval.options.iter().enumerate() {
        if sheet.rest == 0 {
            let unseen = approval.options.get(index..).unwrap_or_default();
            let words = format!("… {} more", unseen.len());
            sheet.add(&Row::of(&words, theme.waiting));
            // At least one byte each.
            sheet.left_out += unseen.len();
            return;
        }
        let title = option.title.as_deref().filter(|title| !title.is_empty());
        let mut row = Row::of("○ ", theme.dim);
        sheet.foreign(&mut row, title.unwrap_or(&option.name), theme.text);
        if let Some(meaning) = option.description.as_deref() {
            row.own(" — ", theme.dim);
            sheet.foreign(&mut row, meaning, theme.dim);
        }
        sheet.add(&row);
        sheet.rest = sheet.rest.saturating_sub(clip::ROW);
    }
}
